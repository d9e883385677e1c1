"""
Who comes in over HTTP, and which request goes further.
"""

import pytest

from cos_sweeper.core.settings import Settings
from cos_sweeper.scf.events import HttpRequest
from cos_sweeper.scf.http_auth import authorize
from tests.fixtures import PHOTOS, TOKEN

WITH_TOKEN = Settings((PHOTOS,), http_token=TOKEN)
BY_PLATFORM = Settings((PHOTOS,), http_platform_auth=True)


def request(
    authorization: str | None = f"Bearer {TOKEN}",
    *,
    method: str = "POST",
    kind: str = "application/json",
    size: int = 1,
    ambiguous: frozenset[str] = frozenset(),
) -> HttpRequest:
    headers = {"content-type": kind, "authorization": authorization}
    return HttpRequest(method, {name: value for name, value in headers.items() if value is not None}, size, ambiguous)


def status(http: HttpRequest, settings: Settings = WITH_TOKEN) -> int | None:
    unauthorized = authorize(http, settings)
    return unauthorized.status if unauthorized else None


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_token_authorizes_its_caller(authorization: str) -> None:
    assert status(request(authorization)) is None


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \ud800"],
    ids=repr,
)
def test_caller_without_the_token_is_unauthorized(authorization: str | None) -> None:
    assert status(request(authorization)) == 401


def test_caller_is_forbidden_while_no_token_is_set() -> None:
    assert status(request(), Settings((PHOTOS,))) == 403


def test_platform_authorizes_callers_without_a_token() -> None:
    assert status(request(None), BY_PLATFORM) is None


@pytest.mark.parametrize("settings", [WITH_TOKEN, BY_PLATFORM], ids=["token", "platform"])
def test_authorized_request_must_be_a_post_of_json_of_bounded_size(settings: Settings) -> None:
    assert status(request(method="GET"), settings) == 405
    assert status(request(kind="Application/JSON; charset=utf-8"), settings) is None
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        assert status(request(kind=kind), settings) == 415
    assert status(request(size=4 << 20), settings) is None
    assert status(request(size=(4 << 20) + 1), settings) == 413


def test_unauthorized_caller_learns_nothing_of_method_type_and_size() -> None:
    assert status(request(None, method="GET", kind="text/plain", size=5 << 20)) == 401


@pytest.mark.parametrize(("name", "why"), [("authorization", "Authorization"), ("content-type", "Content-Type")])
def test_disputed_header_is_named_in_the_reason(name: str, why: str) -> None:
    http = request(None if name == "authorization" else f"Bearer {TOKEN}", kind="", ambiguous=frozenset({name}))

    unauthorized = authorize(http, WITH_TOKEN)

    assert unauthorized is not None
    assert unauthorized.why == f"several different values of the header {why}"


def test_header_without_dispute_has_a_reason_of_its_own() -> None:
    token, kind = authorize(request("Bearer wrong"), WITH_TOKEN), authorize(request(kind="text/html"), WITH_TOKEN)

    assert token is not None
    assert kind is not None
    assert (token.why, kind.why) == ("no bearer token, or a wrong one", "the content type is 'text/html'")
