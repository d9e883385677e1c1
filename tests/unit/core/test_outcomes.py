"""
Every outcome has a name of its own, and flat fields for log lines and responses.
"""

from typing import get_args

import pytest

from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.outcomes import (
    NAMES,
    UNCHECKED,
    Aborted,
    AlreadyGone,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
    fields,
    fields_of_bucket,
    name_of,
)
from tests.fixtures import PHOTOS

UPLOAD = Upload(PHOTOS, "k", "1")
NAMED = {"bucket": str(PHOTOS), "key": "k", "upload_id": "1"}


def test_outcomes_have_different_names() -> None:
    assert set(NAMES) == set(get_args(Outcome))
    assert len({*NAMES.values(), UNCHECKED}) == len(NAMES) + 1


def test_upload_that_is_gone_unchecked_has_a_name_of_its_own() -> None:
    assert name_of(AlreadyGone(UPLOAD)) == "already_gone"
    assert name_of(AlreadyGone(UPLOAD, is_checked=False)) == UNCHECKED


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Kept(UPLOAD, "young"), {**NAMED, "reason": "young"}),
        (WouldAbort(UPLOAD, 5), {**NAMED, "bytes": 5}),
        (Aborted(UPLOAD, 5, "id"), {**NAMED, "bytes": 5, "cos_request_id": "id"}),
        (
            Aborted(UPLOAD, None, "id", verified=False),
            {**NAMED, "bytes": None, "cos_request_id": "id", "verified": False},
        ),
        (StillReceiving(UPLOAD, "id"), {**NAMED, "cos_request_id": "id"}),
        (AlreadyGone(UPLOAD), NAMED),
        (ListedButNotFound(UPLOAD), NAMED),
        (RejectedRequest("why", UPLOAD, "event"), {**NAMED, "origin": "event", "reason": "why"}),
        (RejectedRequest("why", origin="event"), {"origin": "event", "reason": "why"}),
        (Deferred(UPLOAD, "out of time"), {**NAMED, "reason": "out of time"}),
        (
            Failed(UPLOAD, "SlowDown", 503, "id", permanent=False),
            {**NAMED, "code": "SlowDown", "status": 503, "cos_request_id": "id"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fields_of_an_outcome_are_flat(outcome: Outcome, expected: dict[str, object]) -> None:
    assert fields(outcome) == expected


def test_fields_of_a_bucket_name_it_or_all_buckets() -> None:
    failed = BucketFailed(PHOTOS, "AccessDenied", 403, "id", permanent=True)

    assert fields_of_bucket(failed)["bucket"] == str(PHOTOS)
    assert fields_of_bucket(BucketFailed(None, "AccessDenied", 403, "id", permanent=True))["bucket"] == "*"
