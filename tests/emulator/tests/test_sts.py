"""
AssumeRole: whom it lends a role to, and what the temporary credentials may do at COS, and for how long.
"""

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import Cloud, Credentials
from tests.emulator.signed import send
from tests.emulator.tests.api_calls import api, code

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

BUCKET = "photos-1250000000"
ARN = "qcs::cam::uin/100000000001:roleName/sweeper"
OURS, OTHERS = "100000000001", "200000000002"
OBJECTS = f"qcs::cos:ap-guangzhou:uid/1250000000:{BUCKET}/"


def policy(action: str, resource: str = "*", effect: str = "allow") -> dict[str, Any]:
    return {"version": "2.0", "statement": [{"effect": effect, "action": action, "resource": resource}]}


def trust(uin: str = OURS, who: str = "root", **condition: object) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "effect": "allow",
        "action": "name/sts:AssumeRole",
        "principal": {"qcs": [f"qcs::cam::uin/{uin}:{who}"]},
    }
    return {"version": "2.0", "statement": [statement | ({"condition": condition} if condition else {})]}


def assume(cloud: Cloud, caller: Credentials | None = None, /, **given: Any) -> tuple[Credentials, dict[str, Any]]:
    answer = api(cloud, "sts", "AssumeRole", request(**given), caller)
    lent = answer["Credentials"]
    return Credentials(lent["TmpSecretId"], lent["TmpSecretKey"], lent["Token"]), answer


def request(**given: Any) -> dict[str, Any]:
    return {"RoleArn": ARN, "RoleSessionName": "night", **given}


def refused(cloud: Cloud, caller: Credentials | None = None, **given: Any) -> str:
    return code(cloud, "sts", "AssumeRole", request(**given), caller)


def put(cloud: Cloud, who: Credentials, key: str) -> int:
    return send(cloud, "PUT", BUCKET, key, credentials=who, body=b"x").status


@pytest.mark.parametrize(
    ("of_role", "of_session", "may_put"),
    [
        pytest.param(policy("*"), None, "abc", id="role"),
        pytest.param(policy("*"), policy("name/cos:PutObject", f"{OBJECTS}a*"), "a", id="session narrows"),
        pytest.param(policy("name/cos:PutObject", f"{OBJECTS}b*"), policy("*"), "b", id="session does not widen"),
        pytest.param(policy("name/cos:GetObject"), policy("name/cos:PutObject"), "", id="nothing in common"),
        pytest.param(policy("*"), policy("*", effect="deny"), "", id="session denies"),
    ],
)
def test_temporary_credentials_may_do_what_both_the_role_and_the_session_allow(
    of_role: dict[str, Any], of_session: dict[str, Any] | None, may_put: str, cloud: Cloud
) -> None:
    cloud.add_role("sweeper", trust(), of_role)

    given: dict[str, Any] = {"Policy": quote(json.dumps(of_session))} if of_session else {}
    lent, _ = assume(cloud, **given)

    assert [key for key in "abc" if put(cloud, lent, key) == 200] == list(may_put)


def test_temporary_credentials_expire(cloud: Cloud) -> None:
    cloud.add_role("sweeper", trust())

    lent, answer = assume(cloud, DurationSeconds=900)
    _, by_default = assume(cloud)

    assert datetime.fromisoformat(answer["Expiration"].replace("Z", "+00:00")).timestamp() == answer["ExpiredTime"]
    assert by_default["ExpiredTime"] - answer["ExpiredTime"] in range(7200 - 900, 7200 - 800)
    cloud.clock(now=datetime.fromtimestamp(answer["ExpiredTime"] - 60, timezone.utc).isoformat())
    assert put(cloud, lent, "a") == 200
    cloud.clock(now=answer["Expiration"])
    response = send(cloud, "PUT", BUCKET, "a", credentials=lent, body=b"x")
    assert (response.status, "ExpiredToken" in response.text) == (400, True)
    assert put(cloud, Credentials(lent.secret_id, lent.secret_key), "a") == 403


@pytest.mark.parametrize(
    ("trusts", "who", "external_id", "is_lent"),
    [
        pytest.param(trust(), OURS, None, True, id="own account"),
        pytest.param(trust(OTHERS), OURS, None, False, id="another account"),
        pytest.param(trust(OTHERS), OTHERS, None, True, id="called from that account"),
        pytest.param(trust(who="uin/100000000011"), OURS, None, True, id="a user"),
        pytest.param(trust(who="uin/100000000099"), OURS, None, False, id="another user"),
        pytest.param(trust(string_equal={"sts:external_id": "x"}), OURS, "x", True, id="external id"),
        pytest.param(trust(string_equal={"sts:external_id": ["w", "x"]}), OURS, "x", True, id="one of them"),
        pytest.param(trust(string_equal={"sts:external_id": "x"}), OURS, None, False, id="no external id"),
        pytest.param(trust(string_equal={"sts:external_id": "x"}), OURS, "X", False, id="another external id"),
        pytest.param(trust(), OURS, "x", True, id="external id that is not asked for"),
    ],
)
def test_role_is_lent_to_whom_it_trusts(
    trusts: dict[str, Any], who: str, external_id: str | None, cloud: Cloud, *, is_lent: bool
) -> None:
    cloud.add_role("sweeper", trusts)
    given = {"ExternalId": external_id} if external_id else {}
    caller = cloud.add_credentials(uin=who)

    if is_lent:
        assert put(cloud, assume(cloud, caller, **given)[0], "a") == 200
    else:
        assert refused(cloud, caller, **given) == "UnauthorizedOperation"


def test_role_that_trusts_only_a_service_is_lent_to_nobody(cloud: Cloud) -> None:
    service = trust()
    service["statement"][0]["principal"] = {"service": "scf.qcloud.com"}
    cloud.add_role("sweeper", service)

    assert refused(cloud) == "UnauthorizedOperation"


@pytest.mark.parametrize(
    ("allowed", "is_lent"),
    [
        (policy("name/sts:AssumeRole", ARN), True),
        (policy("sts:*"), True),
        (policy("name/sts:AssumeRole", f"{ARN}2"), False),
        (policy("name/cos:*"), False),
    ],
)
def test_caller_with_temporary_credentials_needs_the_permission(
    allowed: dict[str, Any], cloud: Cloud, *, is_lent: bool
) -> None:
    cloud.add_role("sweeper", trust())
    caller = cloud.add_credentials(policy=allowed, token="a-token", expires_in_seconds=600)

    if is_lent:
        assert put(cloud, assume(cloud, caller)[0], "a") == 200
    else:
        assert refused(cloud, caller) == "UnauthorizedOperation"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"RoleArn": f"{ARN}2"}, "ResourceNotFound.RoleNotFound"),
        ({"RoleArn": 7}, "InvalidParameter"),
        ({"RoleSessionName": "x"}, "InvalidParameter.ParamError"),
        ({"RoleSessionName": "a b"}, "InvalidParameter.ParamError"),
        ({"RoleSessionName": "x" * 129}, "InvalidParameter.ParamError"),
        ({"DurationSeconds": 43_201}, "InvalidParameter.OverTimeError"),
        ({"DurationSeconds": 0}, "InvalidParameter.ParamError"),
        ({"DurationSeconds": "900"}, "InvalidParameter.ParamError"),
        ({"Policy": "%7B"}, "InvalidParameter.StrategyFormatError"),
        ({"Policy": "%7B%7D"}, "InvalidParameter.StrategyInvalid"),
        ({"Tags": []}, "UnsupportedOperation"),
        ({"Role": "x"}, "UnknownParameter"),
    ],
)
def test_request_for_a_role_that_is_wrong_is_rejected(given: dict[str, Any], problem: str, cloud: Cloud) -> None:
    cloud.add_role("sweeper", trust())

    assert refused(cloud, **given) == problem
    assert [each["code"] for each in cloud.api_requests()] == [problem]


def test_session_name_takes_the_characters_that_are_documented(cloud: Cloud) -> None:
    cloud.add_role("sweeper", trust())

    for name in ("ab", "a" * 128, "A_1+=,.@-z"):
        assert put(cloud, assume(cloud, RoleSessionName=name)[0], "a") == 200


def test_roles_and_what_was_lent_of_them_are_gone_after_a_reset(cloud: Cloud) -> None:
    cloud.add_role("sweeper", trust())
    lent, _ = assume(cloud)

    cloud.reset()

    assert put(cloud, lent, "a") == 403
    assert refused(cloud) == "ResourceNotFound.RoleNotFound"


def test_signature_of_another_key_is_rejected(cloud: Cloud) -> None:
    wrong = Credentials(cloud.owner.secret_id, "wrong")

    assert refused(cloud, wrong) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("service", "action", "options", "problem"),
    [
        ("sts", "GetFederationToken", {}, "InvalidAction"),
        ("monitor", "AssumeRole", {}, "InvalidAction"),
        ("sts", "AssumeRole", {"version": "2018-07-24"}, "NoSuchVersion"),
        ("monitor", "GetMonitorData", {"region": "ap-singapore"}, "UnsupportedRegion"),
    ],
)
def test_action_that_there_is_not_is_rejected(
    service: str, action: str, options: dict[str, str], problem: str, cloud: Cloud
) -> None:
    assert code(cloud, service, action, {}, **options) == problem


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": "2.0", "statement": []},
        {**trust(), "statement": trust()["statement"] * 2},
        {"version": "2.0", "statement": [{**trust()["statement"][0], "effect": "deny"}]},
        {"version": "2.0", "statement": [{**trust()["statement"][0], "action": "name/cos:*"}]},
        {"version": "2.0", "statement": [{**trust()["statement"][0], "principal": {"user": "x"}}]},
        trust(string_like={"sts:external_id": "x"}),
        trust(string_equal={"sts:other": "x"}),
    ],
)
def test_trust_policy_that_cannot_be_enforced_is_rejected(document: dict[str, Any], cloud: Cloud) -> None:
    with pytest.raises(Exception, match="trust policy"):
        cloud.add_role("sweeper", document)
