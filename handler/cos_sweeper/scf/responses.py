"""
Report → the response of each trigger.

If the function raises, SCF retries an asynchronous event, and CKafka retries its batch; an HTTP caller reads a status.
Values in, values out; `RunFailed` asks the platform for a retry.
"""

import json
from collections import Counter
from typing import Any

from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import never
from cos_sweeper.core.report import Report, cut
from cos_sweeper.scf.events import Source
from cos_sweeper.scf.http_auth import MAX_BODY_BYTES, Unauthorized

# SCF logs responses; for an asynchronous invocation it passes on at most this size.
MAX_RESPONSE_BYTES = 128_000
JSON = {"Content-Type": "application/json; charset=utf-8"}


def error_response(unauthorized: Unauthorized) -> dict[str, Any]:
    """The response to a request that is not carried out."""
    words = {
        401: "unauthorized",
        403: "forbidden",
        405: "the method must be POST",
        413: f"the body has more than {MAX_BODY_BYTES >> 20} MiB; send several requests",
        415: "the body must be application/json",
    }
    response = _http(unauthorized.status, {"error": words[unauthorized.status]})
    if unauthorized.status == 401:
        response["headers"]["WWW-Authenticate"] = 'Bearer realm="cos-sweeper"'
    if unauthorized.status == 405:
        response["headers"]["Allow"] = "POST"
    return response


def internal_error() -> dict[str, Any]:
    """The HTTP response after a defect or with wrong settings. It shows no internal detail."""
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
    The response to the trigger. Raises RunFailed if the platform should retry; all other work is done by then.

    An upload that an event named and that was not processed also needs a retry: only the event names it.

    is_raised_elsewhere: another invocation raises in place of this one, see `raises_elsewhere`. report_as_json: the
    report without secrets, if the caller already has it.
    """
    payload = report_as_json if report_as_json is not None else report.as_json()
    if source is Source.HTTP:
        payload = cut(payload, lambda each: len(json.dumps(_http(200, each))), MAX_RESPONSE_BYTES)
    else:
        payload = cut(payload, lambda each: len(json.dumps(each)), MAX_RESPONSE_BYTES)
    if report.must_raise:
        if source is Source.HTTP:
            return _http(503, payload)
        raise RunFailed(_summary(report))
    if report.continuations:
        # A retry would start a second continuation. The checkpoint carries the failures; the last run reports them.
        return _http(202, payload) if source is Source.HTTP else payload
    match source:
        case Source.ASYNCHRONOUS:
            if raises_elsewhere(source, report) and not is_raised_elsewhere:
                raise RunFailed(_summary(report))
        case Source.CKAFKA:
            # Raising for a permanent failure would block the partition for days.
            if report.transient or report.unreached:
                raise RunFailed(_summary(report))
        case Source.HTTP:
            return _http(_status(report), payload)
        case _:
            never(source)
    return payload


def _status(report: Report) -> int:
    """The status of the worst result: 503 retry later, 502 permanent failure, 400 rejected, 200 done."""
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
        else "the log lines `upload.failed` and `bucket.failed` show what COS rejected"
    )
    failures = f"failed with {codes}" if codes else "nothing failed, but the run was out of time"
    return f"run {report.run_id}: {counts or 'no upload processed'}; {failures}; {hint}"
