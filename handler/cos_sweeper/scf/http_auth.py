"""
Decides which HTTP requests are carried out: those with the bearer token, or those that CAM has authorized.

The body is read only after that. Values in, values out.
"""

import hmac
from dataclasses import dataclass

from cos_sweeper.core.settings import Settings
from cos_sweeper.scf.events import HttpRequest

# Enough for a thousand uploads with keys of maximum length, written with escapes.
MAX_BODY_BYTES = 4 << 20
AMBIGUOUS = "several different values of the header"


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """An HTTP request that is not carried out. why: for our log; the caller sees only the status."""

    status: int
    why: str


def authorize(request: HttpRequest, settings: Settings) -> Unauthorized | None:
    """
    Check one HTTP request. None: it may be carried out.

    With HTTP_AUTH=platform, CAM has authorized every request that arrives; otherwise the request must carry the token.
    The method, the type and the size are checked only after that.
    """
    if settings.http_platform_auth:
        return _check_form(request)
    if settings.http_token is None:
        return Unauthorized(
            403, "HTTP_TOKEN is not set, so every HTTP request is rejected: set it, or HTTP_AUTH=platform"
        )
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        token.strip().encode("utf-8", "replace"), settings.http_token.encode()
    ):
        is_ambiguous = "authorization" in request.ambiguous
        return Unauthorized(401, f"{AMBIGUOUS} Authorization" if is_ambiguous else "no bearer token, or a wrong one")
    return _check_form(request)


def _check_form(request: HttpRequest) -> Unauthorized | None:
    if request.method != "POST":
        return Unauthorized(405, f"the method is {request.method[:10]}")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        is_ambiguous = "content-type" in request.ambiguous
        return Unauthorized(415, f"{AMBIGUOUS} Content-Type" if is_ambiguous else f"the content type is {kind[:40]!r}")
    if request.size > MAX_BODY_BYTES:
        return Unauthorized(413, f"the body has {request.size} bytes")
    return None
