"""
What each trigger gets for a report: a response, or an exception where a retry is wanted.
"""

import json
from dataclasses import replace

import pytest

from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.outcomes import Aborted, Deferred, Failed, Outcome
from cos_sweeper.core.plan import build_plan
from cos_sweeper.core.report import Report
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.scf.events import Source
from cos_sweeper.scf.http_auth import Unauthorized
from cos_sweeper.scf.responses import MAX_RESPONSE_BYTES, error_response, internal_error, response
from tests.fixtures import NOW, PHOTOS, aborting_settings

UPLOAD = Upload(PHOTOS, "raw/1", "1")
ABORTED = Aborted(UPLOAD, 5, "id")
REJECTED = RejectedRequest("why")
TRANSIENT = Failed(UPLOAD, "SlowDown", 503, "id", permanent=False)
PERMANENT = Failed(UPLOAD, "AccessDenied", 403, "id", permanent=True)


def report(*outcomes: Outcome) -> Report:
    builder = ReportBuilder(build_plan((), aborting_settings((PHOTOS,)), (PHOTOS,), "run", NOW))
    for outcome in outcomes:
        builder.add(outcome)
    return builder.build()


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([ABORTED], 200),
        ([ABORTED, REJECTED], 400),
        ([REJECTED, PERMANENT], 502),
        ([REJECTED, PERMANENT, TRANSIENT], 503),
    ],
    ids=["success", "rejected", "permanent", "transient"],
)
def test_http_status_is_the_worst_of_the_outcomes(outcomes: list[Outcome], status: int) -> None:
    answer = response(Source.HTTP, report(*outcomes))

    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["run_id"] == "run"


@pytest.mark.parametrize("source", [Source.ASYNCHRONOUS, Source.CKAFKA])
def test_success_and_rejection_are_returned_to_queues(source: Source) -> None:
    assert response(source, report(ABORTED, REJECTED))["aborted"] == 1


@pytest.mark.parametrize(
    ("source", "outcome", "raises"),
    [
        (Source.ASYNCHRONOUS, TRANSIENT, True),
        (Source.ASYNCHRONOUS, PERMANENT, True),
        (Source.CKAFKA, TRANSIENT, True),
        (Source.CKAFKA, PERMANENT, False),
    ],
)
def test_failure_raises_unless_it_would_block_a_partition(source: Source, outcome: Outcome, raises: bool) -> None:  # noqa: FBT001
    if not raises:
        assert response(source, report(outcome))["failed"] == 1
        return
    with pytest.raises(RunFailed, match=f"run run: 1 failed; failed with {outcome.code} ×1"):  # type: ignore[union-attr]
        response(source, report(outcome))


def test_failure_that_another_invocation_raises_is_returned() -> None:
    assert response(Source.ASYNCHRONOUS, report(PERMANENT), is_raised_elsewhere=True)["failed"] == 1


def test_continued_run_is_accepted_over_http_and_never_raises() -> None:
    continued = replace(report(TRANSIENT), continuations=1)

    assert response(Source.HTTP, continued)["statusCode"] == 202
    assert response(Source.ASYNCHRONOUS, continued)["failed"] == 1


@pytest.mark.parametrize("source", list(Source))
def test_response_stays_below_the_platforms_maximum(source: Source) -> None:
    outcomes = [Deferred(Upload(PHOTOS, "\x01" * 850, f"{n}"), "out of time") for n in range(100)]
    continued = replace(report(*outcomes, *[RejectedRequest("why" * 300) for _ in range(1000)]), continuations=1)

    assert len(json.dumps(response(source, continued))) <= MAX_RESPONSE_BYTES


@pytest.mark.parametrize("status", [401, 403, 405, 413, 415])
def test_error_response_hides_the_reason(status: int) -> None:
    answer = error_response(Unauthorized(status, "the reason for our log"))

    assert answer["statusCode"] == status
    assert "our log" not in json.dumps(answer)
    assert ("WWW-Authenticate" in answer["headers"]) == (status == 401)
    assert ("Allow" in answer["headers"]) == (status == 405)


def test_internal_error_hides_everything() -> None:
    assert json.loads(internal_error()["body"]) == {"error": "the function could not run; its log says why"}
