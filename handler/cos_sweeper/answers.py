"""
Who may ask over HTTP, and what each trigger gets for an answer.

SCF retries an asynchronous event, and CKafka its batch, when the function raises; an HTTP caller reads a status. Values
in, values out; `RunFailed` is how "try again" is said.
"""

import hmac
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cos_sweeper.errors import RunFailed
from cos_sweeper.model import never
from cos_sweeper.report import Report, cut
from cos_sweeper.settings import Settings
from cos_sweeper.triggers import HttpRequest, Source

# A thousand uploads with keys of the longest kind, written with escapes.
MAX_BODY_BYTES = 4 << 20
DISPUTED = "different values of the header"
# SCF logs responses, and passes no more than this on where an invocation is asynchronous.
MAX_RESPONSE_BYTES = 128_000
JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Denied:
    """An HTTP request that goes no further. `why` is for our log; the caller learns only the status."""

    status: int
    why: str


def admit(request: HttpRequest, settings: Settings) -> Denied | None:
    """
    Who comes in over HTTP: with `platform`, everyone whom CAM let through; else whoever has the token.

    Only then is the request looked at any further, and its body only after that.
    """
    if settings.http_platform_auth:
        return _unfit(request)
    if settings.http_token is None:
        return Denied(403, "HTTP_TOKEN is not set, so nobody can come in: set it, or HTTP_AUTH=platform")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        token.strip().encode("utf-8", "replace"), settings.http_token.encode()
    ):
        disputed = "authorization" in request.disputed
        return Denied(401, f"{DISPUTED} Authorization" if disputed else "no bearer token, or a wrong one")
    return _unfit(request)


def turn_away(denied: Denied) -> dict[str, Any]:
    """The answer to a request that goes no further."""
    words = {
        401: "unauthorized",
        403: "forbidden",
        405: "only POST",
        413: f"a body of more than {MAX_BODY_BYTES >> 20} MiB; send several",
        415: "the body must be application/json",
    }
    answer = _http(denied.status, {"error": words[denied.status]})
    if denied.status == 401:
        answer["headers"]["WWW-Authenticate"] = 'Bearer realm="cos-sweeper"'
    if denied.status == 405:
        answer["headers"]["Allow"] = "POST"
    return answer


def broken() -> dict[str, Any]:
    """The answer over HTTP when the function itself is at fault: nothing of the inside."""
    return _http(500, {"error": "the function could not run; its log says why"})


def answer(
    source: Source,
    report: Report,
    raise_elsewhere: Callable[[], bool] = lambda: False,
    report_as_json: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """
    What the trigger gets. Raises RunFailed where a retry is wanted; everything else has been done by then.

    An upload that an event named and that was not reached is wanted again, too: nobody else knows of it.

    raise_elsewhere: has another invocation raise in place of this one, and returns whether that was accepted. A retry
    of this run would begin with a fresh limit of aborts, a retry of that one does nothing. report_as_json: the report
    without secrets, where it was written already.
    """
    told = report_as_json if report_as_json is not None else report.as_json()
    if source is Source.HTTP:
        told = cut(told, lambda each: len(json.dumps(_http(200, each))), MAX_RESPONSE_BYTES)
    else:
        told = cut(told, lambda each: len(json.dumps(each)), MAX_RESPONSE_BYTES)
    if report.must_raise:
        if source is Source.HTTP:
            return _http(503, told)
        raise RunFailed(_summary(report))
    if report.handed_on:
        # A retry would hand on a second time. What failed travels along, and the last run speaks for all.
        return _http(202, told) if source is Source.HTTP else told
    match source:
        case Source.ASYNCHRONOUS:
            if (report.transient or report.lasting or report.unreached) and not raise_elsewhere():
                raise RunFailed(_summary(report))
        case Source.CKAFKA:
            # What no retry can mend would block the partition for days.
            if report.transient or report.unreached:
                raise RunFailed(_summary(report))
        case Source.HTTP:
            return _http(_status(report), told)
        case _:
            never(source)
    return told


def _unfit(request: HttpRequest) -> Denied | None:
    if request.method != "POST":
        return Denied(405, f"the method is {request.method[:10]}")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        disputed = "content-type" in request.disputed
        return Denied(415, f"{DISPUTED} Content-Type" if disputed else f"the content type is {kind[:40]!r}")
    if request.size > MAX_BODY_BYTES:
        return Denied(413, f"the body has {request.size} bytes")
    return None


def _status(report: Report) -> int:
    """The worst of what happened: later, for good, refused, done."""
    if report.transient or report.unreached:
        return 503
    if report.lasting:
        return 502
    return 400 if report.counts["refused"] else 200


def _http(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(JSON), "body": json.dumps(body)}


def _summary(report: Report) -> str:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items() if count)
    failed = Counter(report.failed) + Counter(dict(report.past.failed))
    codes = ", ".join(f"{code} ×{count}" for code, count in failed.items())
    hint = (
        "run again"
        if not report.lasting
        else "the log's `upload.failed` and `bucket.failed` lines tell what COS refused"
    )
    return f"run {report.run_id}: {counts or 'nothing done'}; failed with {codes or 'nothing, but out of time'}; {hint}"
