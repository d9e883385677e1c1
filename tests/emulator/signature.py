"""
Who signed a request: COS's scheme `q-sign-algorithm=sha1`, checked to the letter.

The signature is in the Authorization header or, for a presigned URL, in the query. What the signer may do is `cam`.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from tests.emulator.cam import Credentials
from tests.emulator.errors import CosError, access_denied
from tests.emulator.wire import Call, as_bytes, encode

MAX_SKEW = timedelta(minutes=15)
TOKEN_NAME = "x-cos-security-token"
FIELDS = ("q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature. Names are as the signer listed them."""

    secret_id: str
    key_time: str
    header_names: tuple[str, ...]
    param_names: tuple[str, ...]
    signature: str


def authenticate(call: Call, find: Callable[[str], Credentials | None], now: datetime) -> Credentials:
    """Whose request it is; a `CosError` when that is not proven or no longer holds."""
    claim = read_claim(call)
    credentials = find(claim.secret_id)
    if credentials is None:
        raise CosError(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    _check_times(call, claim, now)
    _check_token(call, credentials, now)
    signatures = (sign(candidate, claim, credentials.secret_key) for candidate in _host_forms(call))
    if not any(hmac.compare_digest(each.encode(), as_bytes(claim.signature)) for each in signatures):
        raise _does_not_match()
    return credentials


def claimed_id(call: Call) -> str:
    """The secret id that a request names, whether or not that can be believed; empty without one."""
    try:
        return _fields(call).get("q-ak", "")
    except CosError:
        return ""


def read_claim(call: Call) -> Claim:
    """Find the claim in the Authorization header or in the query."""
    fields = _fields(call)
    if fields.get("q-sign-algorithm") != "sha1" or not all(name in fields for name in FIELDS):
        raise access_denied()
    if fields["q-sign-time"] != fields["q-key-time"]:
        raise _does_not_match()
    return Claim(
        secret_id=fields["q-ak"],
        key_time=fields["q-key-time"],
        header_names=_names(fields["q-header-list"]),
        param_names=_names(fields["q-url-param-list"]),
        signature=fields["q-signature"],
    )


def sign(call: Call, claim: Claim, secret_key: str) -> str:
    """The signature of a request for exactly the headers and parameters that a claim names."""
    http_string = b"\n".join(
        (
            call.method.lower().encode(),
            as_bytes(call.path),
            _listed(claim.param_names, call.query),
            _listed(claim.header_names, call.headers),
            b"",
        )
    )
    string_to_sign = f"sha1\n{claim.key_time}\n{hashlib.sha1(http_string).hexdigest()}\n"
    sign_key = hmac.new(secret_key.encode(), as_bytes(claim.key_time), hashlib.sha1).hexdigest()
    return hmac.new(sign_key.encode(), as_bytes(string_to_sign), hashlib.sha1).hexdigest()


def _listed(names: tuple[str, ...], given: Iterable[tuple[str, str]]) -> bytes:
    """The listed ones of the given pairs as they are signed. Each must be listed once and be there once."""
    found: dict[str, str] = {}
    for name, value in given:
        encoded = encode(name).lower()
        if encoded in names:
            if encoded in found:
                raise _does_not_match()
            found[encoded] = encode(value)
    if len(found) != len(names):
        raise _does_not_match()
    return "&".join(f"{name}={found[name]}" for name in sorted(names)).encode()


def _fields(call: Call) -> dict[str, str]:
    """The claim's fields: a presigned URL's parameters, or else the Authorization header, or `sign` with its text."""
    if call.has_param("q-signature"):
        pairs = [pair for pair in call.query if pair[0].startswith("q-")]
    else:
        pairs = [(name, value) for name, _, value in (each.partition("=") for each in _authorization(call))]
    if len({name for name, _ in pairs}) != len(pairs):
        raise access_denied()
    return dict(pairs)


def _authorization(call: Call) -> list[str]:
    return (call.header("authorization") or call.param("sign")).strip().split("&")


def _names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split(";")) if listed else ()


def _host_forms(call: Call) -> Iterable[Call]:
    """The request with its host in lower case and without port, as most sign it; then as it came."""
    host = call.header("host")
    plain = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    forms = dict.fromkeys((plain.lower() or host, host))
    for form in forms:
        yield replace(call, headers=tuple((name, form if name == "host" else value) for name, value in call.headers))


def _check_times(call: Call, claim: Claim, now: datetime) -> None:
    start, end = _key_time(claim)
    if now >= end:
        raise access_denied("Request has expired")
    if start - now > MAX_SKEW or any(abs(date - now) > MAX_SKEW for date in _dates(call)):
        raise CosError(
            403, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large."
        )


def _key_time(claim: Claim) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromtimestamp(int(text), timezone.utc) for text in claim.key_time.split(";"))
    except (ValueError, OverflowError, OSError):
        raise access_denied() from None
    return start, end


def _dates(call: Call) -> list[datetime]:
    """The Date header's time, if there is one."""
    text = call.header("date")
    if not text:
        return []
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        raise access_denied() from None
    return [date if date.tzinfo else date.replace(tzinfo=timezone.utc)]


def _check_token(call: Call, credentials: Credentials, now: datetime) -> None:
    token = call.header(TOKEN_NAME) or call.param(TOKEN_NAME)
    if not hmac.compare_digest(as_bytes(token), as_bytes(credentials.token or "")):
        raise CosError(403, "InvalidAccessKeyId", "The security token does not belong to the Access Key Id.")
    if credentials.expires is not None and now >= credentials.expires:
        raise CosError(400, "ExpiredToken", "The provided token has expired.")


def _does_not_match() -> CosError:
    return CosError(
        403,
        "SignatureDoesNotMatch",
        "The Signature you specified is invalid. Check your secret key and signing method.",
    )
