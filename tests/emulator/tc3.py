"""
Who signed a request to Tencent Cloud's API 3.0: the scheme `TC3-HMAC-SHA256`, checked to the letter.

How that API says no is here as well. What the signer may do is `cam`, what the request asks for is `scf`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tests.emulator.cam import Credentials
from tests.emulator.wire import Call, as_bytes

ALGORITHM = "TC3-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=5)
AUTHORIZATION = re.compile(
    ALGORITHM + r" Credential=(?P<secret_id>[^/,\s]+)/(?P<date>\d{4}-\d\d-\d\d)/(?P<service>[a-z0-9]+)/tc3_request,"
    r" ?SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
ALWAYS_SIGNED = {"content-type", "host"}


class ApiError(Exception):
    """A request that the API rejects. Carries what its answer says; the HTTP status is 200 all the same."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature."""

    secret_id: str
    date: str
    service: str
    names: tuple[str, ...]
    signature: str


def authenticate(
    call: Call, body: bytes, service: str, find: Callable[[str], Credentials | None], now: datetime
) -> Credentials:
    """Whose request it is; an `ApiError` when that is not proven or no longer holds."""
    claim = read_claim(call)
    credentials = find(claim.secret_id)
    if credentials is None:
        raise ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure it is correct.")
    signed_at = _signed_at(call)
    if abs(signed_at - now) > MAX_SKEW:
        raise ApiError(
            "AuthFailure.SignatureExpire", "The provided credentials have expired: the timestamp is 5 minutes off."
        )
    if claim.service != service or claim.date != f"{signed_at:%Y-%m-%d}":
        raise _signature_failure()
    if not hmac.compare_digest(sign(call, body, claim, credentials.secret_key), claim.signature):
        raise _signature_failure()
    _check_token(call, credentials, now)
    return credentials


def read_claim(call: Call) -> Claim:
    """The claim in the Authorization header."""
    given = call.header("authorization")
    if not given:
        raise ApiError("MissingParameter", "The request lacks the Authorization header.")
    fields = AUTHORIZATION.fullmatch(given)
    if fields is None:
        raise _invalid_authorization()
    names = tuple(fields["names"].split(";"))
    if list(names) != sorted(set(names)) or not ALWAYS_SIGNED.issubset(names):
        raise _invalid_authorization()
    return Claim(fields["secret_id"], fields["date"], fields["service"], names, fields["signature"])


def sign(call: Call, body: bytes, claim: Claim, secret_key: str) -> str:
    """The signature of a request for exactly the headers that a claim names."""
    canonical_request = "\n".join(
        (
            call.method,
            call.raw_path,
            call.raw_query,
            "".join(f"{name}:{_signed_header(call, name)}\n" for name in claim.names),
            ";".join(claim.names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(as_bytes(canonical_request)).hexdigest()
    scope = f"{claim.date}/{claim.service}/tc3_request"
    string_to_sign = f"{ALGORITHM}\n{call.header('x-tc-timestamp')}\n{scope}\n{digest}"
    key = f"TC3{secret_key}".encode()
    for part in (claim.date, claim.service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, as_bytes(string_to_sign), hashlib.sha256).hexdigest()


def _signed_header(call: Call, name: str) -> str:
    """A header as it is signed: lower-case, trimmed. It must be there once."""
    values = [value for given, value in call.headers if given == name]
    if len(values) != 1:
        raise _signature_failure()
    return values[0].strip().lower()


def _signed_at(call: Call) -> datetime:
    text = call.header("x-tc-timestamp")
    if not text:
        raise ApiError("MissingParameter", "The request lacks the X-TC-Timestamp header.")
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise ApiError("InvalidParameter", "X-TC-Timestamp must be a UNIX timestamp in seconds.")
    return datetime.fromtimestamp(int(text), timezone.utc)


def _check_token(call: Call, credentials: Credentials, now: datetime) -> None:
    token = as_bytes(call.header("x-tc-token"))
    expired = credentials.expires is not None and now >= credentials.expires
    if expired or not hmac.compare_digest(token, as_bytes(credentials.token or "")):
        raise ApiError("AuthFailure.TokenFailure", "The token is wrong, missing or out of date.")


def _signature_failure() -> ApiError:
    return ApiError(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    )


def _invalid_authorization() -> ApiError:
    return ApiError("AuthFailure.InvalidAuthorization", "The Authorization header is not one of TC3-HMAC-SHA256.")
