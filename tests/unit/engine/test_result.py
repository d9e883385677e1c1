"""
What a run left, where no later run continues.
"""

from cos_sweeper.core.redaction import Redactor
from cos_sweeper.report.log import Log
from tests.fixtures import PHOTOS, FakeClock
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_listing_that_no_run_continues_is_reported_whatever_ended_the_run() -> None:
    clock = FakeClock()

    def before(call: str, _: object) -> None:
        clock.now = 10.0 if call == "abort" else 6.0

    result = swept(ListedStore([[("a", "1", OLD)], [("b", "1", OLD)]], before), clock=clock, max_aborts=1)
    result.count_remaining(Log(lambda _: None, Redactor(())))

    report = result.report_builder.build()
    assert (report.counts["deferred"], report.not_swept) == (1, (f"{PHOTOS}/ after 001",))
