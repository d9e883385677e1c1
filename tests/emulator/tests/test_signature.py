from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from qcloud_cos import CosConfig, CosS3Client

from tests.emulator.cam import FULL_ACCESS, Credentials, read_policy
from tests.emulator.errors import CosError
from tests.emulator.signature import authenticate, claimed_id, read_claim, sign
from tests.emulator.wire import Call, encode, read_call

SIGNED_AT = datetime.fromtimestamp(1_700_000_000, timezone.utc)
KEY_TIME = "1699999940;1700010000"
HOST = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com"
UPLOAD_ID = "1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361"
TARGET = f"/{encode('dir/中文 a+b%/x?.bin', '/-_.~')}?uploadId={UPLOAD_ID}"
SIGNATURE = "1a16d3e340ed2dc24ffe7975bc852952be18425d"
TEMPORARY = Credentials(
    "AKIDEXAMPLE", "secretExampleKey", read_policy(FULL_ACCESS), "tokenExample", SIGNED_AT + timedelta(hours=6)
)
PERMANENT = replace(TEMPORARY, token=None, expires=None)

FIELDS = {
    "q-sign-algorithm": "sha1",
    "q-ak": "AKIDEXAMPLE",
    "q-sign-time": KEY_TIME,
    "q-key-time": KEY_TIME,
    "q-header-list": "content-length;host;x-cos-security-token",
    "q-url-param-list": "uploadid",
    "q-signature": SIGNATURE,
}
HEADERS = {"Host": HOST, "Content-Length": "0", "x-cos-security-token": "tokenExample"}


def request(
    target: str = TARGET,
    fields: Mapping[str, str] = FIELDS,
    headers: Mapping[str, str] = HEADERS,
    method: str = "DELETE",
    more: tuple[tuple[str, str], ...] = (),
) -> Call:
    authorization = "&".join(f"{name}={value}" for name, value in fields.items())
    return read_call(method, target, [*headers.items(), ("Authorization", authorization), *more])


def check(call: Call, now: datetime = SIGNED_AT, credentials: Credentials = TEMPORARY) -> Credentials:
    return authenticate(call, {credentials.secret_id: credentials}.get, now)


def rejected(call: Call, now: datetime = SIGNED_AT, credentials: Credentials = TEMPORARY) -> tuple[int, str]:
    with pytest.raises(CosError) as error:
        check(call, now, credentials)
    return error.value.status, error.value.code


def signed(call: Call, credentials: Credentials = PERMANENT) -> Call:
    """The same request with the right signature for the names it lists."""
    claim = read_claim(call)
    right = sign(call, claim, credentials.secret_key)
    headers = tuple(
        (name, value.replace(claim.signature, right) if name == "authorization" else value)
        for name, value in call.headers
    )
    return replace(call, headers=headers)


def test_documented_vector_is_accepted() -> None:
    assert check(request()) == TEMPORARY


def test_documented_vector_is_what_we_sign() -> None:
    assert sign(request(), read_claim(request()), "secretExampleKey") == SIGNATURE


GUIDE_ID = "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q"
GUIDE = replace(PERMANENT, secret_id=GUIDE_ID, secret_key="BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz")
GUIDE_PATH = "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)"
GUIDE_HOST = "examplebucket-1250000000.cos.ap-beijing.myqcloud.com"
PUT_HEADERS = {
    "Date": "Thu, 16 May 2019 06:45:51 GMT",
    "Host": GUIDE_HOST,
    "Content-Type": "text/plain",
    "Content-Length": "13",
    "Content-MD5": "mQ/fVh815F3k6TAUm8m0eg==",
    "x-cos-acl": "private",
    "x-cos-grant-read": 'uin="100000000011"',
}
GET_QUERY = "?response-content-type=application%2Foctet-stream&response-cache-control=max-age%3D600"
GET_HEADERS = {"Date": "Thu, 16 May 2019 06:55:53 GMT", "Host": GUIDE_HOST}


@pytest.mark.parametrize(
    ("method", "target", "headers", "key_time", "params", "signature"),
    [
        pytest.param(
            "PUT",
            GUIDE_PATH,
            PUT_HEADERS,
            "1557989151;1557996351",
            "",
            "3b8851a11a569213c17ba8fa7dcf2abec6935172",
            id="put",
        ),
        pytest.param(
            "GET",
            GUIDE_PATH + GET_QUERY,
            GET_HEADERS,
            "1557989753;1557996953",
            "response-cache-control;response-content-type",
            "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
            id="get",
        ),
    ],
)
def test_examples_of_the_documentation_are_accepted_and_a_changed_one_is_not(
    method: str, target: str, headers: dict[str, str], key_time: str, params: str, signature: str
) -> None:
    """The Put and the Get of COS's document on request signatures, with its made-up keys."""
    fields = {
        "q-sign-algorithm": "sha1",
        "q-ak": GUIDE_ID,
        "q-sign-time": key_time,
        "q-key-time": key_time,
        "q-header-list": ";".join(sorted(name.lower() for name in headers)),
        "q-url-param-list": params,
        "q-signature": signature,
    }
    now = datetime.fromtimestamp(int(key_time.partition(";")[0]), timezone.utc)

    assert check(request(target, fields, headers, method), now, GUIDE) == GUIDE
    changed = request(target.replace("object", "objekt"), fields, headers, method)
    assert rejected(changed, now, GUIDE) == (403, "SignatureDoesNotMatch")


def test_sdks_own_signature_is_accepted() -> None:
    config = CosConfig(Region="ap-guangzhou", SecretId=PERMANENT.secret_id, SecretKey=PERMANENT.secret_key)
    params = {"prefix": "a b+c/中", "uploads": "", "key-marker": "~*'"}
    now = datetime.now(timezone.utc)

    auth = CosS3Client(config).get_auth("GET", "b-1250000000", "/", Headers={"host": HOST}, Params=params)
    target = "/?uploads&prefix=a+b%2Bc%2F%E4%B8%AD&key-marker=~%2A%27"

    assert check(read_call("GET", target, [("host", HOST), ("authorization", auth)]), now, PERMANENT) == PERMANENT


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(request(method="GET"), id="method"),
        pytest.param(request(TARGET.replace("x%3F.bin", "y%3F.bin")), id="path"),
        pytest.param(request(TARGET + "1"), id="parameter"),
        pytest.param(request(TARGET.replace("uploadId", "uploads")), id="parameter's name"),
        pytest.param(request(TARGET + "&uploadId=" + UPLOAD_ID), id="parameter sent twice"),
        pytest.param(request(headers={**HEADERS, "Content-Length": "1"}), id="header"),
        pytest.param(request(headers={**HEADERS, "Host": "other-1250000000.cos.ap-guangzhou.myqcloud.com"}), id="host"),
        pytest.param(request(more=(("Content-Length", "0"),)), id="header sent twice"),
        pytest.param(request(fields={**FIELDS, "q-signature": SIGNATURE[:-1] + "e"}), id="signature"),
        pytest.param(request(fields={**FIELDS, "q-signature": SIGNATURE.upper()}), id="signature in capitals"),
        pytest.param(request(fields={**FIELDS, "q-signature": ""}), id="empty signature"),
        pytest.param(request(fields={**FIELDS, "q-signature": "ß"}), id="signature that is not ASCII"),
        pytest.param(request(fields={**FIELDS, "q-sign-time": "1699999941;1700010000"}), id="sign time"),
        pytest.param(
            request(fields={**FIELDS, "q-sign-time": "1699999940;1700010001", "q-key-time": "1699999940;1700010001"}),
            id="key time",
        ),
        pytest.param(request(fields={**FIELDS, "q-url-param-list": ""}), id="parameter not listed"),
        pytest.param(request(fields={**FIELDS, "q-url-param-list": "uploadId"}), id="name not in lower case"),
        pytest.param(request(fields={**FIELDS, "q-header-list": "host;x-cos-security-token"}), id="header not listed"),
        pytest.param(request(fields={**FIELDS, "q-header-list": FIELDS["q-header-list"] + ";range"}), id="not there"),
        pytest.param(request(fields={**FIELDS, "q-header-list": FIELDS["q-header-list"] + ";host"}), id="listed twice"),
    ],
)
def test_signature_covers_all_that_was_signed(call: Call) -> None:
    assert rejected(call) == (403, "SignatureDoesNotMatch")


def test_space_in_the_query_may_come_as_plus_or_percent_20_and_a_plus_as_neither() -> None:
    fields = {**FIELDS, "q-header-list": "host", "q-url-param-list": "prefix"}
    spaced = signed(request("/?prefix=a%20b", fields, {"Host": HOST}, "GET"))

    assert check(replace(spaced, query=(("prefix", "a b"),)), credentials=PERMANENT) == PERMANENT
    assert read_call("GET", "/?prefix=a+b", []).query == spaced.query
    assert rejected(replace(spaced, query=(("prefix", "a+b"),)), credentials=PERMANENT) == (
        403,
        "SignatureDoesNotMatch",
    )


def test_names_are_signed_in_the_order_of_names_not_of_pairs() -> None:
    fields = {**FIELDS, "q-header-list": "host", "q-url-param-list": "key-marker;key;uploads"}
    one = request("/?key=1&key-marker=2&uploads", fields, {"Host": HOST}, "GET")
    other = request(
        "/?uploads=&key-marker=2&key=1", {**fields, "q-url-param-list": "key;key-marker;uploads"}, {"Host": HOST}, "GET"
    )

    assert sign(one, read_claim(one), "k") == sign(other, read_claim(other), "k")


def test_signature_does_not_cover_headers_that_are_not_listed() -> None:
    call = signed(request("/a?x=1", {**FIELDS, "q-header-list": "host", "q-url-param-list": ""}, {"Host": HOST}, "GET"))

    assert check(replace(call, query=(("x", "2"),)), credentials=PERMANENT) == PERMANENT


@pytest.mark.parametrize("host", [HOST, HOST.upper(), HOST + ":9000"])
def test_host_is_signed_in_lower_case_and_without_its_port(host: str) -> None:
    assert check(request(headers={**HEADERS, "Host": host})) == TEMPORARY


def test_host_that_was_signed_with_its_port_is_accepted_too() -> None:
    call = signed(
        request("/a", {**FIELDS, "q-header-list": "host", "q-url-param-list": ""}, {"Host": "127.0.0.1:9000"}, "GET")
    )

    assert check(call, credentials=PERMANENT) == PERMANENT


def test_presigned_request_is_accepted_and_cannot_be_changed() -> None:
    fields = {**FIELDS, "q-header-list": "host", "q-url-param-list": "uploadid"}
    claimed = request(TARGET, fields, {"Host": HOST})
    fields["q-signature"] = sign(claimed, read_claim(claimed), PERMANENT.secret_key)
    query = "&".join(f"{name}={encode(value)}" for name, value in fields.items())

    assert check(read_call("DELETE", f"{TARGET}&{query}", [("Host", HOST)]), credentials=PERMANENT) == PERMANENT
    tampered = read_call("DELETE", f"{TARGET}1&{query}", [("Host", HOST)])
    assert rejected(tampered, credentials=PERMANENT) == (403, "SignatureDoesNotMatch")


def test_presigned_request_may_carry_its_token_in_the_query() -> None:
    fields = {**FIELDS, "q-header-list": "host", "q-url-param-list": "uploadid;x-cos-security-token"}
    target = f"{TARGET}&x-cos-security-token=tokenExample"

    assert check(signed(request(target, fields, {"Host": HOST}), TEMPORARY)) == TEMPORARY


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(read_call("GET", "/a", [("Host", HOST)]), id="no Authorization"),
        pytest.param(read_call("GET", "/a", [("Host", HOST), ("Authorization", "")]), id="empty Authorization"),
        pytest.param(read_call("GET", "/a", [("Host", HOST), ("Authorization", "Bearer x")]), id="another scheme"),
        pytest.param(request(fields={**FIELDS, "q-sign-algorithm": "md5"}), id="another algorithm"),
        pytest.param(request(fields={**FIELDS, "q-sign-time": "x", "q-key-time": "x"}), id="no times"),
        pytest.param(
            request(fields={**FIELDS, "q-sign-time": f"0;{10**18}", "q-key-time": f"0;{10**18}"}), id="no such time"
        ),
        pytest.param(
            request(fields={name: value for name, value in FIELDS.items() if name != "q-header-list"}), id="no list"
        ),
    ],
)
def test_request_that_claims_nothing_readable_is_denied(call: Call) -> None:
    assert rejected(call) == (403, "AccessDenied")


def test_unknown_secret_id_and_wrong_signature_have_different_errors() -> None:
    assert rejected(request(fields={**FIELDS, "q-ak": "AKIDOTHER"})) == (403, "InvalidAccessKeyId")


def test_signature_holds_until_the_second_its_key_time_ends() -> None:
    end = datetime.fromtimestamp(1_700_010_000, timezone.utc)

    assert check(request(), end - timedelta(seconds=1)) == TEMPORARY
    with pytest.raises(CosError, match="Request has expired") as error:
        check(request(), end)
    assert (error.value.status, error.value.code) == (403, "AccessDenied")


def test_signature_may_start_15_minutes_in_the_future_and_no_more() -> None:
    start = datetime.fromtimestamp(1_699_999_940, timezone.utc)

    assert check(request(), start - timedelta(minutes=15)) == TEMPORARY
    assert rejected(request(), start - timedelta(minutes=15, seconds=1)) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    ("date", "code"),
    [
        pytest.param("Tue, 14 Nov 2023 22:28:20 GMT", None, id="15 minutes ahead"),
        pytest.param("Tue, 14 Nov 2023 22:28:21 GMT", "RequestTimeTooSkewed", id="more than 15 minutes ahead"),
        pytest.param("Tue, 14 Nov 2023 21:58:19 GMT", "RequestTimeTooSkewed", id="more than 15 minutes behind"),
        pytest.param("yesterday", "AccessDenied", id="no date"),
    ],
)
def test_date_header_must_be_right_within_15_minutes(date: str, code: str | None) -> None:
    call = request(more=(("Date", date),))

    if code is None:
        assert check(call) == TEMPORARY
    else:
        assert rejected(call) == (403, code)


@pytest.mark.parametrize(
    ("token", "credentials"),
    [
        pytest.param("", TEMPORARY, id="missing"),
        pytest.param("other", TEMPORARY, id="another"),
        pytest.param("tokenExample", PERMANENT, id="with permanent credentials"),
    ],
)
def test_token_must_be_that_of_the_credentials(token: str, credentials: Credentials) -> None:
    call = signed(request(headers={**HEADERS, "x-cos-security-token": token}), credentials)

    assert rejected(call, credentials=credentials) == (403, "InvalidAccessKeyId")


def test_temporary_credentials_end() -> None:
    credentials = replace(TEMPORARY, expires=SIGNED_AT)

    assert check(request(), SIGNED_AT - timedelta(seconds=1), credentials) == credentials
    assert rejected(request(), SIGNED_AT, credentials) == (400, "ExpiredToken")


def test_claimed_secret_id_can_be_read_without_believing_it() -> None:
    assert claimed_id(request(fields={**FIELDS, "q-signature": "x"})) == "AKIDEXAMPLE"
    assert claimed_id(read_call("GET", "/", [])) == ""


def test_credentials_do_not_show_their_secrets() -> None:
    assert "secretExampleKey" not in repr(TEMPORARY)
    assert "tokenExample" not in repr(TEMPORARY)
