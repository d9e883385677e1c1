"""
What the account and the records take from each outcome.
"""

import pytest

from cos_sweeper.core.model import ListedUpload, PartsSeen, RejectedRequest, Upload
from cos_sweeper.core.observing import is_recorded, observation
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
    name_of,
)
from cos_sweeper.core.policy import NEW_PART, PART_RECENT, STARTED_RECENTLY
from cos_sweeper.core.run_facts import EVENT, INVENTORY, SWEEP
from tests.fixtures import NOW, PHOTOS

UPLOAD = Upload(PHOTOS, "k-secret", "id")
LISTED = ListedUpload(UPLOAD, NOW, "who-secret", storage_class="STANDARD")
SEEN = PartsSeen(5, 1, NOW)
ABORTED, FAILED = Aborted(UPLOAD, 5, "r", seen=SEEN), Failed(UPLOAD, "X", 403, "r", permanent=True, detail="secret")
YOUNG, IN_USE = Kept(UPLOAD, STARTED_RECENTLY), Kept(UPLOAD, PART_RECENT)


@pytest.mark.parametrize(
    ("outcome", "group", "reason"),
    [
        (ABORTED, "freed", ""),
        (WouldAbort(UPLOAD, 5, SEEN), "left", "this is a dry run"),
        (Deferred(UPLOAD, "out of time"), "kept", "out of time"),
        (Deferred(UPLOAD, AT_LIMIT), "left", AT_LIMIT),
        (Deferred(UPLOAD, "out of time", seen=SEEN), "left", "out of time"),
        (FAILED, "failed", "X"),
        (YOUNG, "kept", STARTED_RECENTLY),
        (StillReceiving(UPLOAD, "r"), "kept", NEW_PART),
        (RejectedRequest("its key", UPLOAD, "listing"), "kept", "its key"),
        (AlreadyGone(UPLOAD), "gone", ""),
        (ListedButNotFound(UPLOAD), "gone", ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_outcome_is_in_one_group_of_the_account(outcome: Outcome, group: str, reason: str) -> None:
    seen = observation(LISTED, outcome, str, str)

    assert (seen.group, seen.reason, seen.outcome) == (group, reason, name_of(outcome))
    assert (seen.bucket, seen.storage_class, seen.started) == (PHOTOS, "STANDARD", NOW)
    assert seen.seen == getattr(outcome, "seen", None)


def test_account_gets_masked_keys_and_no_secret() -> None:
    def clean(text: str) -> str:
        return text.replace("secret", "")

    seen = observation(LISTED, FAILED, clean, lambda key: f"~{key}")

    assert (seen.key, seen.initiator, seen.upload_id) == ("~k-", "who-", "id")
    facts = {"status": 403, "cos_request_id": "r", "detail": "", "permanent": True, "action": ""}
    assert seen.example == facts


def test_upload_that_the_listing_alone_keeps_has_no_texts_but_in_an_inventory() -> None:
    assert observation(LISTED, YOUNG, str, str)[1:4] == ("", "STANDARD", "")
    assert observation(LISTED, YOUNG, str, str, is_inventory=True)[1:4] == ("k-secret", "STANDARD", "who-secret")


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (ABORTED, {SWEEP, EVENT}),
        (FAILED, {SWEEP, EVENT}),
        (WouldAbort(UPLOAD, 5), {SWEEP, EVENT}),
        (AlreadyGone(UPLOAD), {SWEEP}),
        (Deferred(UPLOAD, "x", was_sent=True), {SWEEP, EVENT}),
        (Deferred(UPLOAD, "x", seen=SEEN), {SWEEP, EVENT}),
        (Deferred(UPLOAD, "x"), set()),
        (IN_USE, {SWEEP}),
        (Kept(UPLOAD, "doubt", SEEN), {SWEEP}),
        (YOUNG, set()),
        (RejectedRequest("x", UPLOAD, "listing"), set()),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'reason', '')}" if not isinstance(value, set) else "",
)
def test_upload_that_was_judged_or_intended_has_a_record(outcome: Outcome, kinds: set[str]) -> None:
    assert {kind for kind in (SWEEP, EVENT) if is_recorded(outcome, was_intended=False, kind=kind)} == kinds
    assert is_recorded(outcome, was_intended=True, kind=EVENT)
    assert is_recorded(outcome, was_intended=False, kind=INVENTORY)
