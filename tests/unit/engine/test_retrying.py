"""
What a later run tries again.
"""

import pytest

from cos_sweeper.core.errors import Unavailable
from cos_sweeper.core.model import Upload
from tests.unit.engine.listed_store import OLD, ListedStore, swept


@pytest.mark.parametrize(("attempts", "is_tried_again"), [(0, True), (2, False)])
def test_upload_that_cannot_be_looked_at_shortly_before_its_abort_holds_up_no_listing(
    attempts: int, *, is_tried_again: bool
) -> None:
    store = ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], sent=lambda upload: -9.0 if upload.key == "a" else 0.0)

    result = swept(store, listing_attempts=attempts, retries=True, workers=1)

    report = result.report_builder.build()
    assert (report.counts["aborted"], report.counts["deferred"]) == (1, 0 if is_tried_again else 1)
    left = result.remaining.targets if result.remaining else ()
    assert [(one.upload.key, one.attempts) for one in left] == [("a", 1)] * is_tried_again
    assert result.remaining is None or result.remaining.listings == ()


def test_abort_that_failed_for_now_is_not_taken_for_one_that_may_have_happened() -> None:
    def before(call: str, subject: object) -> None:
        if call == "abort" and isinstance(subject, Upload):
            raise Unavailable("x", {"a": 503, "b": 500, "c": None, "d": 409}[subject.key])

    result = swept(ListedStore([[(key, "1", OLD) for key in "abcd"]], before), retries=True)

    assert result.remaining is not None
    assert {one.upload.key: one.was_sent for one in result.remaining.targets} == {
        "a": False,
        "b": True,
        "c": True,
        "d": False,
    }


@pytest.mark.parametrize(
    ("key", "code", "left"),
    [("b", "SlowDown", [("b", 2)]), ("b", "InternalError", []), ("a", "SlowDown", [])],
    ids=["throttled_after_an_abort", "failed_after_an_abort", "throttled_before_any_abort"],
)
def test_throttled_abort_uses_no_attempt_while_the_bucket_accepts_others(
    key: str, code: str, left: list[tuple[str, int]]
) -> None:
    def before(call: str, subject: object) -> None:
        if call == "abort" and isinstance(subject, Upload) and subject.key == key:
            raise Unavailable(code, 503)

    store = ListedStore([[(one, "1", OLD) for one in "abc"]], before)

    result = swept(store, listing_attempts=2, retries=True, workers=1)

    targets = result.remaining.targets if result.remaining else ()
    assert [(one.upload.key, one.attempts) for one in targets] == left
    assert result.report_builder.build().counts["failed"] == (0 if left else 1)
