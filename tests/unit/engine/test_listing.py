"""
Listings that end before their end.
"""

import pytest

from cos_sweeper.core.errors import CosRejected, StoreError, Unavailable
from cos_sweeper.core.model import Cursor
from tests.fixtures import FakeClock
from tests.unit.engine.listed_store import LATELY, ListedStore, swept


@pytest.mark.parametrize(
    ("error", "now", "failed", "is_left"),
    [
        (Unavailable("ReadTimeout"), 10.0, {}, True),
        (Unavailable("ReadTimeout"), 9.0, {"ReadTimeout": 1}, False),
        (CosRejected("AccessDenied"), 10.0, {"AccessDenied": 1}, False),
    ],
    ids=["cut_off_by_ourselves", "failed_in_time", "refused_late"],
)
def test_page_that_fails_is_left_only_where_our_own_time_limit_cut_it_off(
    error: StoreError, now: float, failed: dict[str, int], *, is_left: bool
) -> None:
    clock = FakeClock()

    def before(_: str, subject: object) -> None:
        if subject == 1:
            clock.now = now
            raise error

    result = swept(ListedStore([[], [("001", "1", LATELY)]], before), clock=clock)

    assert result.report_builder.build().failed == failed
    assert result.report_builder.stopped_because == ("out of time" if is_left else "")
    assert [listing.start for listing in (result.remaining.listings if result.remaining else ())] == [
        Cursor("001", "page-1")
    ] * is_left
