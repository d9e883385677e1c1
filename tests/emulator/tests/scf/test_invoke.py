"""
The emulated Invoke API, as the official SDK sees it.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416 import models
from tencentcloud.scf.v20180416.scf_client import ScfClient

from tests.emulator.client import Cloud, ControlError, Credentials
from tests.emulator.delivery_faults import DeliveryFault, DeliveryFaults
from tests.emulator.scf import Rate
from tests.emulator.tests.scf.deployed import Meeting, deploy, ended

# The SDK's own, on Python 3.12 and above.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

EVENT_BYTES = 128 << 10


def client(
    cloud: Cloud, who: Credentials | None = None, region: str = "ap-guangzhou", seconds: float = 30
) -> ScfClient:
    """The official client. who: the role by default."""
    who = who or cloud.role
    endpoint = cloud.invoke_endpoint.partition("://")[2]
    profile = ClientProfile(
        httpProfile=HttpProfile(protocol="http", endpoint=endpoint, keepAlive=True, reqTimeout=seconds)
    )
    return ScfClient(Credential(who.secret_id, who.secret_key, who.token), region, profile)


def invoke(cloud: Cloud, who: Credentials | None = None, **fields: Any) -> Any:
    """Invoke through the SDK; returns the Result."""
    request = models.InvokeRequest()
    for name, value in {"FunctionName": "cos-sweeper", **fields}.items():
        setattr(request, name, value)
    return client(cloud, who).Invoke(request).Result


def rejected(cloud: Cloud, who: Credentials | None = None, **fields: Any) -> str:
    with pytest.raises(TencentCloudSDKException) as error:
        invoke(cloud, who, **fields)
    assert error.value.requestId
    code: str = error.value.code
    return code


def policy(action: str, resource: str) -> dict[str, Any]:
    return {"version": "2.0", "statement": [{"effect": "allow", "action": action, "resource": resource}]}


def test_event_is_accepted_at_once_and_run_later(cloud: Cloud, meeting: Meeting) -> None:
    response = invoke(cloud, InvocationType="Event", ClientContext=json.dumps({**meeting.event, "name": "文"}))

    guest = meeting.next()
    guest.release()
    assert cloud.wait_idle()
    (run,) = cloud.invocations()
    assert (response.InvokeResult, response.ErrMsg, response.RetMsg, response.Log) == (0, "", "", "")
    assert (response.Duration, response.MemUsage, response.BillDuration) == (0, 0, 0)
    assert response.FunctionRequestId == run.request_id == guest.request_id
    assert (run.kind, run.event["name"], run.answer) == ("async", "文", guest.pid)


def test_synchronous_invocation_answers_with_what_the_function_returned(cloud: Cloud) -> None:
    response = invoke(cloud, InvocationType="RequestResponse", ClientContext='{"do": "answer_bytes", "bytes": 3}')

    (run,) = cloud.invocations()
    assert (response.InvokeResult, response.ErrMsg, response.RetMsg, response.Log) == (0, "", '"xxx"', "")
    assert (response.FunctionRequestId, run.kind) == (run.request_id, "sync")
    assert (response.Duration, response.MemUsage) == (run.duration_ms, run.memory_bytes)
    assert 0 <= response.BillDuration - response.Duration < 1


def test_invocation_is_synchronous_with_an_empty_event_by_default(cloud: Cloud) -> None:
    assert json.loads(invoke(cloud).RetMsg)["event"] == {}


@pytest.mark.parametrize(
    ("event", "code", "problem"),
    [
        pytest.param({"do": "fail", "message": "it broke"}, 430, "ValueError: it broke", id="raised"),
        pytest.param({"do": "leave"}, 439, "exit code 3", id="died"),
        pytest.param({"do": "hang"}, 433, "Task timed out after 0.5 seconds", id="timed out"),
    ],
)
def test_failure_is_returned_to_the_synchronous_caller(cloud: Cloud, event: object, code: int, problem: str) -> None:
    cloud.scf_settings(time_limit_ms=500)

    response = invoke(cloud, ClientContext=json.dumps(event))

    error = json.loads(response.ErrMsg)
    assert (response.InvokeResult, response.RetMsg) == (-1, "")
    assert (error["requestId"], error["statusCode"]) == (response.FunctionRequestId, code)
    assert problem in error["errorMessage"]
    assert cloud.scf()["dead_letters"] == []


def test_end_of_the_log_comes_along_on_request(cloud: Cloud) -> None:
    event = json.dumps({"do": "write_much", "lines": 100, "width": 99})

    assert invoke(cloud, ClientContext=event, LogType="Tail").Log == (("x" * 99 + "\n") * 100)[-4096:]
    assert invoke(cloud, ClientContext=event, LogType="None").Log == ""


def test_synchronous_invocation_that_finds_every_instance_busy_is_not_queued(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(concurrency=1)
    cloud.invoke(meeting.event)
    guest = meeting.next()

    response = invoke(cloud)
    with pytest.raises(ControlError, match="busy"):
        cloud.invoke({}, sync=True)

    guest.release()
    assert json.loads(response.ErrMsg)["statusCode"] == 432
    assert cloud.wait_idle()
    assert cloud.scf()["ends"] == {"returned": 1}


def test_event_may_take_128_kilobytes_and_no_more(cloud: Cloud) -> None:
    largest = json.dumps("文" + "x" * (EVENT_BYTES - 5), ensure_ascii=False)

    assert len(largest.encode()) == EVENT_BYTES
    assert rejected(cloud, InvocationType="Event", ClientContext=largest + " ") == "InvalidParameter.Payload"
    assert invoke(cloud, InvocationType="Event", ClientContext=largest).InvokeResult == 0
    assert invoke(cloud, ClientContext=largest + " ").InvokeResult == 0
    assert cloud.wait_idle()
    assert sorted(run.event_bytes for run in cloud.invocations()) == [EVENT_BYTES, EVENT_BYTES + 1]


def test_synchronous_event_may_take_six_megabytes_and_no_more(cloud: Cloud) -> None:
    largest = '{"do": "answer_bytes", "bytes": 1, "more": "' + "x" * ((6 << 20) - 46) + '"}'

    assert len(largest) == 6 << 20
    assert invoke(cloud, ClientContext=largest).RetMsg == '"x"'
    assert rejected(cloud, ClientContext=largest + " ") == "InvalidParameter.Payload"


def test_request_of_more_than_ten_megabytes_is_not_read(cloud: Cloud) -> None:
    assert rejected(cloud, ClientContext='"' + "x" * (11 << 20) + '"') == "RequestSizeLimitExceeded"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"ClientContext": "{'a': 1}"}, "InvalidParameterValue", id="an event that is no JSON"),
        pytest.param({"ClientContext": "NaN"}, "InvalidParameterValue", id="an event that is no number"),
        pytest.param({"ClientContext": "[" * 100_000}, "InvalidParameterValue", id="an event without end"),
        pytest.param({"ClientContext": "\ud800"}, "InvalidParameterValue", id="an event of half a character"),
        pytest.param({"ClientContext": {"a": 1}}, "InvalidParameterValue", id="an event that is no text"),
        pytest.param({"InvocationType": "Async"}, "InvalidParameterValue", id="another type"),
        pytest.param({"LogType": "All"}, "InvalidParameterValue", id="another log"),
        pytest.param({"RoutingKey": "x"}, "InvalidParameterValue", id="a routing key that is no JSON"),
        pytest.param({"RoutingKey": '{"k": 1}'}, "InvalidParameterValue", id="a routing key that is no text"),
        pytest.param({"RoutingKey": json.dumps({"k": "x" * 1024})}, "InvalidParameterValue", id="a long routing key"),
        pytest.param({"FunctionName": ""}, "MissingParameter", id="no function"),
        pytest.param({"Qualifier": "7"}, "ResourceNotFound.Qualifier", id="another version"),
    ],
)
def test_request_that_the_api_does_not_know_is_rejected(cloud: Cloud, fields: dict[str, Any], code: str) -> None:
    assert rejected(cloud, **fields) == code
    assert cloud.wait_idle()
    assert cloud.invocations() == []


def test_actions_of_the_api_can_be_called(cloud: Cloud) -> None:
    response = invoke(
        cloud,
        InvocationType="Event",
        ClientContext="{}",
        Qualifier="$LATEST",
        Namespace="default",
        RoutingKey='{"k": "v"}',
        LogType="None",
    )

    assert response.InvokeResult == 0


def test_parameters_that_the_api_does_not_have_are_rejected(cloud: Cloud) -> None:
    with pytest.raises(TencentCloudSDKException) as error:
        client(cloud).call_json("Invoke", {"FunctionName": "cos-sweeper", "Event": "{}"})

    assert error.value.code == "UnknownParameter"


def test_actions_of_other_apis_are_rejected(cloud: Cloud) -> None:
    with pytest.raises(TencentCloudSDKException) as error:
        client(cloud, cloud.owner).call_json("DeleteFunction", {"FunctionName": "cos-sweeper"})

    assert error.value.code == "InvalidAction"


@pytest.mark.parametrize(
    ("fields", "region", "code"),
    [
        pytest.param({"FunctionName": "other"}, "ap-guangzhou", "ResourceNotFound.FunctionName", id="name"),
        pytest.param({}, "ap-singapore", "ResourceNotFound.FunctionName", id="region"),
        pytest.param({"Namespace": "other"}, "ap-guangzhou", "ResourceNotFound.Namespace", id="namespace"),
        pytest.param({}, "", "MissingParameter", id="no region"),
    ],
)
def test_function_that_is_not_there_is_not_found(cloud: Cloud, fields: dict[str, str], region: str, code: str) -> None:
    with pytest.raises(TencentCloudSDKException) as error:
        client(cloud, cloud.owner, region).call_json("Invoke", {"FunctionName": "cos-sweeper", **fields})

    assert error.value.code == code


def test_role_may_invoke_this_function_and_no_other(cloud: Cloud) -> None:
    assert invoke(cloud, ClientContext="{}").InvokeResult == 0
    assert rejected(cloud, FunctionName="other") == "UnauthorizedOperation"
    assert rejected(cloud, Namespace="other") == "UnauthorizedOperation"


def test_invocation_that_the_policy_does_not_allow_is_rejected(cloud: Cloud) -> None:
    nobody = cloud.add_credentials(policy=policy("name/cos:*", "*"))
    elsewhere = cloud.add_credentials(policy=policy("scf:InvokeFunction", "qcs::scf:ap-singapore:*"))
    anywhere = cloud.add_credentials(policy=policy("scf:InvokeFunction", "qcs::scf:ap-guangzhou:*"))

    assert rejected(cloud, nobody) == "UnauthorizedOperation"
    assert rejected(cloud, elsewhere) == "UnauthorizedOperation"
    assert invoke(cloud, anywhere).InvokeResult == 0


def test_invocation_with_a_wrong_signature_is_rejected(cloud: Cloud) -> None:
    role = cloud.role

    assert rejected(cloud, Credentials("other", role.secret_key, role.token)) == "AuthFailure.SecretIdNotFound"
    assert rejected(cloud, Credentials(role.secret_id, "other", role.token)) == "AuthFailure.SignatureFailure"
    assert rejected(cloud, Credentials(role.secret_id, role.secret_key)) == "AuthFailure.TokenFailure"
    assert rejected(cloud, Credentials(role.secret_id, role.secret_key, "other")) == "AuthFailure.TokenFailure"
    cloud.clock(advance_seconds=301)
    assert rejected(cloud) == "AuthFailure.SignatureExpire"


def instance_credentials(cloud: Cloud) -> Credentials:
    environment = cloud.invoke({}, sync=True).answer["environment"]
    return Credentials(*(environment[f"TENCENTCLOUD_{name}"] for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN")))


def test_instances_credentials_are_good_for_invoking_it_until_they_expire(cloud: Cloud) -> None:
    assert invoke(cloud, instance_credentials(cloud), ClientContext="{}").InvokeResult == 0

    cloud.scf_settings(credentials_seconds=0.001)  # over before a new instance has started

    cloud.kill_instance(cloud.scf()["instances"][0]["pid"])
    assert rejected(cloud, instance_credentials(cloud)) == "AuthFailure.TokenFailure"


def test_role_loses_what_its_policy_no_longer_allows(cloud: Cloud) -> None:
    held = instance_credentials(cloud)

    cloud.reset()
    cloud.set_role_policy(policy("name/cos:*", "*"))

    assert rejected(cloud, instance_credentials(cloud)) == "UnauthorizedOperation"
    assert rejected(cloud, held) == "AuthFailure.SecretIdNotFound"


def test_invocations_above_the_rate_are_rejected(cloud: Cloud) -> None:
    cloud.scf_settings(invoke_rate=1)

    codes = set()
    for _ in range(20):
        try:
            invoke(cloud, InvocationType="Event", ClientContext="{}")
        except TencentCloudSDKException as error:
            codes.add(error.code)

    assert codes == {"RequestLimitExceeded"}


def test_reset_forgets_what_was_invoked_in_this_second(cloud: Cloud) -> None:
    for _ in range(2):
        cloud.reset()
        cloud.scf_settings(invoke_rate=1)

        assert invoke(cloud, InvocationType="Event").InvokeResult == 0


def test_rate_holds_in_whichever_second_one_looks_at() -> None:
    rate = Rate()

    taken = [rate.take(2, now) for now in (0.0, 0.875, 0.9375, 1.0, 1.75, 1.875, 1.9375)]

    assert taken == [True, True, False, True, False, True, False]


def test_api_fails_as_often_as_its_fault_counts(cloud: Cloud) -> None:
    cloud.invoke_fault(status=500, code="InternalError", skip=1, count=1)

    assert invoke(cloud, InvocationType="Event").InvokeResult == 0
    assert rejected(cloud, InvocationType="Event") == "InternalError"
    assert invoke(cloud, InvocationType="Event").InvokeResult == 0
    assert cloud.wait_idle()
    assert cloud.scf()["ends"] == {"returned": 2}


@pytest.mark.parametrize(("when", "runs"), [("before", 0), ("after", 1)])
def test_connection_can_be_lost_before_or_after_an_event_was_accepted(cloud: Cloud, when: str, runs: int) -> None:
    cloud.invoke_fault(reset=when)

    with pytest.raises(TencentCloudSDKException) as error:
        invoke(cloud, InvocationType="Event")
    cloud.heal()

    assert error.value.code == "ClientNetworkError"
    assert cloud.wait_idle()
    assert len(cloud.invocations()) == runs
    assert invoke(cloud, InvocationType="Event").InvokeResult == 0


def test_api_accepts_the_first_requests_and_rejects_the_rest(cloud: Cloud) -> None:
    cloud.invoke_fault(status=500, code="RequestLimitExceeded", skip=2)

    taken = [invoke(cloud, InvocationType="Event").InvokeResult for _ in range(2)]
    codes = [rejected(cloud, InvocationType="Event") for _ in range(2)]

    assert (taken, codes) == ([0, 0], ["RequestLimitExceeded"] * 2)
    assert cloud.wait_idle()
    assert len(cloud.invocations()) == 2


@pytest.mark.parametrize(("more", "runs"), [({"status": 500}, 1), ({}, 2)], ids=["not invoked", "invoked"])
def test_api_accepts_the_first_request_and_is_silent_after_it(cloud: Cloud, more: dict[str, Any], runs: int) -> None:
    cloud.invoke_fault(body="silent", skip=1, **more)

    assert invoke(cloud, InvocationType="Event").InvokeResult == 0
    with pytest.raises(TencentCloudSDKException, match="timed out"):
        client(cloud, seconds=1).call_json("Invoke", {"FunctionName": "cos-sweeper", "InvocationType": "Event"})

    assert cloud.wait_idle()
    assert len(cloud.invocations()) == runs


def test_response_can_be_anything(cloud: Cloud) -> None:
    cloud.invoke_fault(raw="<html>", status=502)

    assert invoke_fails(cloud) == "ServerNetworkError"


def invoke_fails(cloud: Cloud) -> str:
    with pytest.raises(TencentCloudSDKException) as error:
        invoke(cloud)
    code: str = error.value.code
    return code


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"redirect": "http://127.0.0.1/"}, id="redirect"),
        pytest.param({"operation": "ListParts", "delay_ms": 1}, id="an operation of COS"),
        pytest.param({"body": "truncated"}, id="a spoilt body"),
        pytest.param({"ignore": True}, id="ignored"),
        pytest.param({"date": "missing"}, id="no date"),
        pytest.param({"part": {"when": "after"}}, id="a part"),
    ],
)
def test_faults_that_the_api_cannot_have_are_rejected(cloud: Cloud, fields: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="a fault of Invoke"):
        cloud.invoke_fault(**fields)


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/x"), ("PUT", "/")])
def test_api_accepts_post_to_the_root_only(cloud: Cloud, method: str, path: str) -> None:
    request = urllib.request.Request(cloud.invoke_endpoint + path, b"{}" if method != "GET" else None, method=method)

    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=20)

    assert error.value.code == 404
    error.value.close()


SELF_INVOKING = """
import json, os
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416 import models
from tencentcloud.scf.v20180416.scf_client import ScfClient

def main_handler(event, context):
    if event["left"]:
        names = ("SECRETID", "SECRETKEY", "SESSIONTOKEN")
        endpoint = os.environ["INVOKE_ENDPOINT"].partition("://")[2]
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint))
        who = Credential(*(os.environ["TENCENTCLOUD_" + name] for name in names))
        request = models.InvokeRequest()
        request.FunctionName, request.Namespace = context["function_name"], context["namespace"]
        request.Qualifier, request.InvocationType = context["function_version"], "Event"
        request.ClientContext = json.dumps({"left": event["left"] - 1})
        ScfClient(who, context["tencentcloud_region"], profile).Invoke(request)
    return event["left"]
"""


def test_function_invokes_itself_with_its_roles_credentials(tmp_path: Path) -> None:
    with Cloud.start(function=deploy(tmp_path, SELF_INVOKING)) as cloud:
        cloud.invoke({"left": 5})

        assert cloud.wait_idle()
        assert sorted(run.answer for run in cloud.invocations()) == [0, 1, 2, 3, 4, 5]


def test_reset_ends_a_function_that_invokes_itself_for_ever(tmp_path: Path) -> None:
    with Cloud.start(function=deploy(tmp_path, SELF_INVOKING), concurrency=3) as cloud:
        cloud.scf_settings(duplicate=1)
        cloud.invoke({"left": 1_000_000}, sync=True)
        pids = [each["pid"] for each in cloud.scf()["instances"]]

        cloud.reset()

        assert pids
        assert all(ended(pid) for pid in pids)
        assert cloud.wait_idle()
        assert (cloud.scf()["next"], cloud.scf()["instances"]) == (0, [])


# Delivery faults


def test_delivery_faults_are_repeatable_with_their_seed() -> None:
    def deliveries() -> list[int]:
        delivery_faults = DeliveryFaults()
        delivery_faults.arm(DeliveryFault(duplicate=0.3, lose=0.2, seed=7))
        return [delivery_faults.deliveries() for _ in range(1000)]

    first = deliveries()

    assert deliveries() == first
    assert 150 < first.count(0) < 250
    assert 250 < first.count(2) < 350


def test_delivery_faults_are_off_by_default() -> None:
    delivery_faults = DeliveryFaults()

    assert {delivery_faults.deliveries() for _ in range(100)} == {1}
    assert (delivery_faults.lost, delivery_faults.duplicated) == (0, 0)
