"""
Report → the response of each trigger.

SCF retries an asynchronous event, and CKafka its batch, when the function raises; an HTTP caller reads a status. Values
in, values out; `RunFailed` is how "try again" is said.
"""

import json
from collections import Counter
from typing import Any

from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import never
from cos_sweeper.core.report import Report, cut
from cos_sweeper.scf.events import Source
from cos_sweeper.scf.http_auth import MAX_BODY_BYTES, Unauthorized

# SCF logs responses, and passes no more than this on where an invocation is asynchronous.
MAX_RESPONSE_BYTES = 128_000
JSON = {"Content-Type": "application/json; charset=utf-8"}


def error_response(unauthorized: Unauthorized) -> dict[str, Any]:
    """The response to a request that is not carried out."""
    words = {
        401: "unauthorized",
        403: "forbidden",
        405: "only POST",
        413: f"a body of more than {MAX_BODY_BYTES >> 20} MiB; send several",
        415: "the body must be application/json",
    }
    response = _http(unauthorized.status, {"error": words[unauthorized.status]})
    if unauthorized.status == 401:
        response["headers"]["WWW-Authenticate"] = 'Bearer realm="cos-sweeper"'
    if unauthorized.status == 405:
        response["headers"]["Allow"] = "POST"
    return response


def internal_error() -> dict[str, Any]:
    """The HTTP response to a defect or to wrong settings: nothing of the inside."""
    return _http(500, {"error": "the function could not run; its log says why"})


def raises_elsewhere(source: Source, report: Report) -> bool:
    """
    Whether another invocation should raise in place of this one.

    A retry of this run would begin with a fresh limit of aborts, a retry of that one does nothing.
    """
    if source is not Source.ASYNCHRONOUS or report.must_raise or report.continuations:
        return False
    return bool(report.transient or report.permanent or report.unreached)


def response(
    source: Source,
    report: Report,
    *,
    is_raised_elsewhere: bool = False,
    report_as_json: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """
    What the trigger gets. Raises RunFailed where a retry is wanted; everything else has been done by then.

    An upload that an event named and that was not reached is wanted again, too: nobody else knows of it.

    is_raised_elsewhere: another invocation raises in place of this one, see `raises_elsewhere`. report_as_json: the
    report without secrets, where it was written already.
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
    if report.continuations:
        # A retry would hand on a second time. What failed travels along, and the last run speaks for all.
        return _http(202, told) if source is Source.HTTP else told
    match source:
        case Source.ASYNCHRONOUS:
            if raises_elsewhere(source, report) and not is_raised_elsewhere:
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


def _status(report: Report) -> int:
    """The worst of what happened: later, for good, refused, done."""
    if report.transient or report.unreached:
        return 503
    if report.permanent:
        return 502
    return 400 if report.counts["rejected"] else 200


def _http(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(JSON), "body": json.dumps(body)}


def _summary(report: Report) -> str:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items() if count)
    failed = Counter(report.failed) + Counter(dict(report.prior_failures.failed))
    codes = ", ".join(f"{code} ×{count}" for code, count in failed.items())
    hint = (
        "run again"
        if not report.permanent
        else "the log's `upload.failed` and `bucket.failed` lines tell what COS refused"
    )
    return f"run {report.run_id}: {counts or 'nothing done'}; failed with {codes or 'nothing, but out of time'}; {hint}"
