import http.client
from collections import Counter

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Auth

from tests.cloud.client import Cloud, ControlError, Credentials, Seeded
from tests.cloud.errors import CosError
from tests.cloud.faults import Fault, Faults, Mangle, Raw, Redirect, Refuse, Reset, read_fault
from tests.cloud.fields import BadInput

BUCKET = "photos-1250000000"


def strikes(
    faults: Faults, count: int, operation: str = "ListParts", bucket: str = BUCKET, key: str = "a/b"
) -> list[bool]:
    return [faults.strike(operation, bucket, key) is not None for _ in range(count)]


def armed(*added: Fault) -> Faults:
    faults = Faults()
    for fault in added:
        faults.add(fault)
    return faults


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        pytest.param(Fault(), True, id="anything"),
        pytest.param(Fault("ListParts"), True, id="operation"),
        pytest.param(Fault("PutObject"), False, id="another operation"),
        pytest.param(Fault(bucket=BUCKET), True, id="bucket"),
        pytest.param(Fault(bucket="logs-1250000000"), False, id="another bucket"),
        pytest.param(Fault(key="a/b"), True, id="key"),
        pytest.param(Fault(key="a/"), False, id="another key"),
        pytest.param(Fault(key_prefix="a/"), True, id="prefix"),
        pytest.param(Fault(key_prefix="b/"), False, id="another prefix"),
        pytest.param(Fault(probability=0), False, id="never"),
    ],
)
def test_a_fault_strikes_what_it_is_about(fault: Fault, *, struck: bool) -> None:
    assert strikes(armed(fault), 2) == [struck, struck]


def test_a_fault_lets_some_through_and_then_strikes_as_often_as_told() -> None:
    assert strikes(armed(Fault(skip=2, count=3)), 7) == [False, False, True, True, True, False, False]


def test_requests_that_a_fault_is_not_about_use_nothing_up() -> None:
    faults = armed(Fault("ListParts", skip=1, count=1))

    assert strikes(faults, 5, "PutObject") == [False] * 5
    assert strikes(faults, 3) == [False, True, False]


def test_the_oldest_fault_strikes_first_and_leaves_the_rest_to_the_next() -> None:
    once, ever = Fault(count=1, delay_ms=1), Fault(delay_ms=2)
    faults = armed(once, ever)

    assert [faults.strike("ListParts", BUCKET, "a") for _ in range(3)] == [once, ever, ever]


def test_chance_can_be_repeated() -> None:
    faults = armed(Fault(probability=0.5))

    faults.seed(7)
    first = strikes(faults, 50)
    faults.seed(7)

    assert strikes(faults, 50) == first
    assert 10 < Counter(first)[True] < 40


def test_a_blow_is_dealt_each_time_the_fault_strikes_and_only_then() -> None:
    dealt: list[str] = []
    faults = armed(Fault("ListParts", skip=1, count=2, blow="expire"))
    faults.deal = dealt.append

    strikes(faults, 2, "PutObject")
    strikes(faults, 5)

    assert dealt == ["expire"] * 2


def test_cleared_faults_strike_no_more() -> None:
    faults = armed(Fault())

    faults.clear()

    assert strikes(faults, 1) == [False]


@pytest.mark.parametrize(
    ("given", "effect"),
    [
        pytest.param({"reset": "before"}, Reset(after=False), id="reset before"),
        pytest.param({"reset": "after"}, Reset(after=True), id="reset after"),
        pytest.param({"body": "drip", "drip_ms": 5}, Mangle("drip", 5), id="drip"),
        pytest.param({"raw": "x", "headers": {"a": "b"}}, Raw("x", 200, (("a", "b"),)), id="raw"),
        pytest.param({"raw": "", "status": 204}, Raw("", 204), id="raw and empty, with a status"),
        pytest.param({"redirect": "http://x/"}, Redirect("http://x/", 307), id="redirect"),
        pytest.param({"redirect": "http://x/", "status": 301}, Redirect("http://x/", 301), id="redirect for good"),
        pytest.param({"delay_ms": 5}, None, id="delay only"),
        pytest.param({"blow": "kill"}, None, id="blow only"),
        pytest.param({"body": "silent"}, Mangle("silent"), id="silent"),
    ],
)
def test_effects_are_read(given: dict[str, object], effect: object) -> None:
    assert read_fault(given).effect == effect


def test_an_error_is_read_and_may_be_spoilt_too() -> None:
    plain = read_fault({"status": 503, "code": "SlowDown", "message": "later"}).effect
    spoilt = read_fault({"status": 404, "code": "NoSuchUpload", "body": "empty"}).effect

    assert isinstance(plain, Refuse)
    assert (plain.error.status, plain.error.code, plain.error.message) == (503, "SlowDown", "later")
    assert isinstance(spoilt, Mangle)
    assert isinstance(spoilt.error, CosError)
    assert (spoilt.how, spoilt.error.code) == ("empty", "NoSuchUpload")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({}, "needs an effect", id="nothing"),
        pytest.param([], "must be a JSON object", id="no object"),
        pytest.param({"operation": "Abort", "delay_ms": 1}, "'operation' must be one of", id="unknown operation"),
        pytest.param({"delay_ms": 1, "propability": 1}, "unknown 'propability'", id="misspelt"),
        pytest.param({"delay_ms": 1, "probability": 2}, "from 0 to 1", id="probability above 1"),
        pytest.param({"delay_ms": 1, "count": 0}, "1 or above", id="count of none"),
        pytest.param({"delay_ms": "1"}, "whole number", id="text for a number"),
        pytest.param({"code": "SlowDown"}, "needs a 'status'", id="code without status"),
        pytest.param({"reset": "now"}, "before, after", id="unknown reset"),
        pytest.param({"blow": "stun"}, "expire, kill", id="unknown blow"),
        pytest.param({"body": "empty", "raw": "x"}, "has one of", id="two effects"),
        pytest.param({"raw": "x", "headers": []}, "'headers' must be", id="headers that are none"),
        pytest.param({"raw": "x", "headers": {"a": 1}}, "'headers' must be", id="a header that is no text"),
        pytest.param({"status": 200}, "needs an effect", id="a status that is no error"),
    ],
)
def test_a_fault_that_is_not_understood_is_refused_with_the_reason(given: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_fault(given)


def delete(cloud: Cloud, upload: Seeded, credentials: Credentials, timeout_seconds: float = 20) -> int:
    """Abort an upload; returns the status."""
    host = f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"
    config = CosConfig(
        Region="ap-guangzhou",
        SecretId=credentials.secret_id,
        SecretKey=credentials.secret_key,
        Token=credentials.token,
    )
    headers = {"Host": host} | ({"x-cos-security-token": credentials.token} if credentials.token else {})
    request = requests.Request("DELETE", f"http://{host}/{upload.key}?uploadId={upload.upload_id}", headers)
    signed = CosS3Auth(config, upload.key, params={"uploadId": upload.upload_id})(request.prepare())
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=timeout_seconds)
    try:
        connection.request("DELETE", signed.path_url, headers=dict(signed.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def test_credentials_that_expire_are_turned_away_from_then_on_and_back_after_a_reset(cloud: Cloud) -> None:
    first, second = cloud.seed(BUCKET, count=2)
    cloud.fault("AbortMultipartUpload", key=second.key, blow="expire", count=1)

    seen = [delete(cloud, upload, cloud.role) for upload in (first, second, second)]
    by_the_owner = delete(cloud, second, cloud.owner)
    cloud.reset()

    assert seen == [204, 400, 400]
    assert by_the_owner == 204
    assert delete(cloud, second, cloud.role) == 404


def test_a_silent_answer_never_comes_whether_or_not_it_was_done(cloud: Cloud) -> None:
    done, refused = cloud.seed(BUCKET, count=2)
    cloud.fault("AbortMultipartUpload", key=done.key, body="silent")
    cloud.fault("AbortMultipartUpload", key=refused.key, body="silent", status=500)

    for upload in (done, refused):
        with pytest.raises(TimeoutError):
            delete(cloud, upload, cloud.role, timeout_seconds=0.2)

    assert [upload.key for upload in cloud.uploads(BUCKET)] == [refused.key]


def test_xml_of_another_kind_comes_after_what_was_asked_for_is_done(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("AbortMultipartUpload", body="foreign")

    assert delete(cloud, upload, cloud.role) == 200
    assert cloud.uploads(BUCKET) == []


def test_without_a_function_there_is_nobody_to_kill(cloud: Cloud) -> None:
    with pytest.raises(ControlError, match="no instance to kill"):
        cloud.fault("ListParts", blow="kill")


def test_all_credentials_can_be_asked_for(cloud: Cloud) -> None:
    added = cloud.add_credentials(token="a-token")

    assert {cloud.owner.secret_id, cloud.role.secret_id, added.secret_id} <= {
        one.secret_id for one in cloud.credentials()
    }
    assert added in cloud.credentials()
