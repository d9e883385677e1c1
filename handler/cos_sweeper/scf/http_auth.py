"""
Which HTTP requests are carried out: those that CAM let through, or that carry the bearer token.

The body is read only after that. Values in, values out.
"""

import hmac
from dataclasses import dataclass

from cos_sweeper.core.settings import Settings
from cos_sweeper.scf.events import HttpRequest

# A thousand uploads with keys of the longest kind, written with escapes.
MAX_BODY_BYTES = 4 << 20
DISPUTED = "different values of the header"


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """An HTTP request that goes no further. `why` is for our log; the caller learns only the status."""

    status: int
    why: str


def authorize(request: HttpRequest, settings: Settings) -> Unauthorized | None:
    """
    Who comes in over HTTP: with `platform`, everyone whom CAM let through; else whoever has the token.

    Only then is the request looked at any further, and its body only after that.
    """
    if settings.http_platform_auth:
        return _unfit(request)
    if settings.http_token is None:
        return Unauthorized(403, "HTTP_TOKEN is not set, so nobody can come in: set it, or HTTP_AUTH=platform")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        token.strip().encode("utf-8", "replace"), settings.http_token.encode()
    ):
        disputed = "authorization" in request.disputed
        return Unauthorized(401, f"{DISPUTED} Authorization" if disputed else "no bearer token, or a wrong one")
    return _unfit(request)


def _unfit(request: HttpRequest) -> Unauthorized | None:
    if request.method != "POST":
        return Unauthorized(405, f"the method is {request.method[:10]}")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        disputed = "content-type" in request.disputed
        return Unauthorized(415, f"{DISPUTED} Content-Type" if disputed else f"the content type is {kind[:40]!r}")
    if request.size > MAX_BODY_BYTES:
        return Unauthorized(413, f"the body has {request.size} bytes")
    return None
