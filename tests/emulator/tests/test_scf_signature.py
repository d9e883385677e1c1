from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416.scf_client import ScfClient

from tests.emulator.cam import FULL_ACCESS, Credentials, read_policy
from tests.emulator.tc3 import ApiError, authenticate, read_claim, sign
from tests.emulator.wire import Call, read_call

# The SDK's own, on Python 3.12 and above.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

# The example of the signature's documentation: https://cloud.tencent.com/document/api/213/30654
SIGNED_AT = datetime.fromtimestamp(1_551_113_065, timezone.utc)
PERMANENT = Credentials(
    "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", read_policy(FULL_ACCESS)
)
TEMPORARY = replace(PERMANENT, token="tokenExample", expires=SIGNED_AT + timedelta(hours=6))
BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
SIGNATURE = "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
AUTHORIZATION = (
    f"TC3-HMAC-SHA256 Credential={PERMANENT.secret_id}/2019-02-25/cvm/tc3_request,"
    f" SignedHeaders=content-type;host, Signature={SIGNATURE}"
)
NOTHING: Mapping[str, str] = {}
HEADERS = {
    "Authorization": AUTHORIZATION,
    "Content-Type": "application/json; charset=utf-8",
    "Host": "cvm.tencentcloudapi.com",
    "X-TC-Action": "DescribeInstances",
    "X-TC-Timestamp": "1551113065",
}


def request(
    changes: Mapping[str, str] = NOTHING,
    target: str = "/",
    method: str = "POST",
    more: tuple[tuple[str, str], ...] = (),
) -> Call:
    return read_call(method, target, [*{**HEADERS, **changes}.items(), *more])


def claiming(old: str, new: str) -> Call:
    assert old in AUTHORIZATION
    return request({"Authorization": AUTHORIZATION.replace(old, new)})


def signed(call: Call) -> Call:
    """The same request with the right signature for the headers it lists."""
    claim = read_claim(call)
    right = sign(call, BODY, claim, PERMANENT.secret_key)
    headers = tuple((name, value.replace(claim.signature, right)) for name, value in call.headers)
    return replace(call, headers=headers)


def check(
    call: Call, body: bytes = BODY, service: str = "cvm", now: datetime = SIGNED_AT, who: Credentials = PERMANENT
) -> Credentials:
    return authenticate(call, body, service, {who.secret_id: who}.get, now)


def rejected(
    call: Call, body: bytes = BODY, service: str = "cvm", now: datetime = SIGNED_AT, who: Credentials = PERMANENT
) -> str:
    with pytest.raises(ApiError) as error:
        check(call, body, service, now, who)
    return error.value.code


def sdk_request(body: str, credentials: Credentials, host: str = "127.0.0.1:9002") -> Call:
    """A request as the SDK signs it."""
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=host))
    who = Credential(credentials.secret_id, credentials.secret_key, credentials.token)
    client = ScfClient(who, "ap-guangzhou", profile)
    built = RequestInternal(host, "POST", "/")
    client._build_req_with_tc3_signature("Invoke", body, built)  # noqa: SLF001 - the SDK signs nowhere else
    return read_call("POST", "/", built.header.items())


def test_documented_vector_is_accepted() -> None:
    assert check(request()) == PERMANENT


def test_documented_vector_is_what_we_sign() -> None:
    assert sign(request(), BODY, read_claim(request()), PERMANENT.secret_key) == SIGNATURE


@pytest.mark.parametrize("who", [pytest.param(PERMANENT, id="permanent"), pytest.param(TEMPORARY, id="temporary")])
def test_sdks_own_signature_is_accepted_and_is_what_we_sign(who: Credentials) -> None:
    who = replace(who, expires=None)
    call = sdk_request("文", who)
    body = b'"\\u6587"'

    claim = read_claim(call)

    assert sign(call, body, claim, who.secret_key) == claim.signature
    assert check(call, body, "scf", datetime.now(timezone.utc), who) == who
    assert rejected(call, b'"x"', "scf", datetime.now(timezone.utc), who) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(request(method="PUT"), id="method"),
        pytest.param(request(target="/x"), id="path"),
        pytest.param(request(target="/?x=1"), id="query"),
        pytest.param(request({"Content-Type": "application/json"}), id="content type"),
        pytest.param(request({"Host": "scf.tencentcloudapi.com"}), id="host"),
        pytest.param(request(more=(("Host", "cvm.tencentcloudapi.com"),)), id="host sent twice"),
        pytest.param(request({"X-TC-Timestamp": "1551113066"}), id="timestamp"),
        pytest.param(claiming("2019-02-25", "2019-02-24"), id="date"),
        pytest.param(claiming("/cvm/", "/scf/"), id="service"),
        pytest.param(claiming("content-type;host", "content-type;host;x-tc-action"), id="one more header"),
        pytest.param(claiming("content-type;host", "content-type;host;x-tc-region"), id="a header that is not there"),
        pytest.param(claiming(SIGNATURE, SIGNATURE[:-1] + "9"), id="signature"),
    ],
)
def test_signature_covers_all_that_was_signed(call: Call) -> None:
    assert rejected(call) == "AuthFailure.SignatureFailure"


def test_signature_covers_every_byte_of_the_body() -> None:
    assert rejected(request(), BODY + b" ") == "AuthFailure.SignatureFailure"


def test_signature_for_another_service_is_no_good() -> None:
    assert rejected(request(), service="scf") == "AuthFailure.SignatureFailure"


def test_signature_by_another_key_is_no_good() -> None:
    other = replace(PERMANENT, secret_key="another")

    assert rejected(request(), who=other) == "AuthFailure.SignatureFailure"


def test_date_that_is_not_the_timestamps_is_no_good_however_well_signed() -> None:
    assert rejected(signed(claiming("2019-02-25", "2019-02-26"))) == "AuthFailure.SignatureFailure"


def test_headers_are_signed_in_lower_case_and_trimmed_and_others_may_change() -> None:
    call = request({"Host": " CVM.tencentcloudapi.com ", "X-TC-Action": "RunInstances"})

    assert check(call) == PERMANENT


def test_signature_may_cover_more_headers() -> None:
    call = signed(claiming("content-type;host", "content-type;host;x-tc-action;x-tc-timestamp"))

    assert check(call) == PERMANENT


@pytest.mark.parametrize(
    ("now", "good"),
    [
        pytest.param(SIGNED_AT + timedelta(minutes=5), True, id="just in time"),
        pytest.param(SIGNED_AT - timedelta(minutes=5), True, id="just early enough"),
        pytest.param(SIGNED_AT + timedelta(minutes=5, seconds=1), False, id="too late"),
        pytest.param(SIGNED_AT - timedelta(minutes=5, seconds=1), False, id="too early"),
    ],
)
def test_signature_holds_for_five_minutes(now: datetime, *, good: bool) -> None:
    if good:
        assert check(request(), now=now) == PERMANENT
    else:
        assert rejected(request(), now=now) == "AuthFailure.SignatureExpire"


def test_unknown_secret_id_has_its_own_error() -> None:
    assert rejected(request(), who=replace(PERMANENT, secret_id="other")) == "AuthFailure.SecretIdNotFound"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(claiming("TC3-HMAC-SHA256", "TC3-HMAC-SHA1"), id="algorithm"),
        pytest.param(claiming("tc3_request", "tc2_request"), id="scope's end"),
        pytest.param(claiming("content-type;host", "host"), id="content type not signed"),
        pytest.param(claiming("content-type;host", "content-type"), id="host not signed"),
        pytest.param(claiming("content-type;host", "host;content-type"), id="out of order"),
        pytest.param(claiming("content-type;host", "content-type;host;host"), id="named twice"),
        pytest.param(claiming(SIGNATURE, SIGNATURE.upper()), id="capitals"),
        pytest.param(claiming(SIGNATURE, ""), id="no signature"),
        pytest.param(claiming(", SignedHeaders=content-type;host", ""), id="no headers"),
    ],
)
def test_authorization_of_another_shape_is_rejected(call: Call) -> None:
    assert rejected(call) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("Authorization", "", "MissingParameter", id="no authorization"),
        pytest.param("X-TC-Timestamp", "", "MissingParameter", id="no timestamp"),
        pytest.param("X-TC-Timestamp", "now", "InvalidParameter", id="no number"),
        pytest.param("X-TC-Timestamp", "99999999999", "InvalidParameter", id="too large a number"),
    ],
)
def test_missing_field_or_timestamp_has_its_own_error(name: str, value: str, code: str) -> None:
    assert rejected(request({name: value})) == code


@pytest.mark.parametrize(
    ("token", "now", "who"),
    [
        pytest.param("", SIGNED_AT, TEMPORARY, id="no token"),
        pytest.param("tokenExamplf", SIGNED_AT, TEMPORARY, id="wrong token"),
        pytest.param("ß", SIGNED_AT, TEMPORARY, id="token that is not ASCII"),
        pytest.param("tokenExample", SIGNED_AT, replace(TEMPORARY, expires=SIGNED_AT), id="out of date"),
        pytest.param("tokenExample", SIGNED_AT, PERMANENT, id="token that nobody asked for"),
    ],
)
def test_token_must_be_the_one_and_not_out_of_date(token: str, now: datetime, who: Credentials) -> None:
    assert rejected(request({"X-TC-Token": token}), now=now, who=who) == "AuthFailure.TokenFailure"


def test_temporary_credentials_come_with_their_token() -> None:
    assert check(request({"X-TC-Token": "tokenExample"}), who=TEMPORARY) == TEMPORARY
