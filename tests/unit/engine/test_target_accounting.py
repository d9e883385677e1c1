"""
Uploads that travel as targets.
"""

import asyncio

from cos_sweeper.core.errors import CosRejected, Unavailable
from cos_sweeper.core.model import Cursor, Upload
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.report.log import Log
from tests.fixtures import PHOTOS, FakeClock
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_upload_that_a_sweep_found_is_never_offered_as_an_event_that_names_it() -> None:
    """Such an event would need neither the age nor the idle time that the sweep asks for."""
    lines: list[str] = []
    pages = [[("a", "1", OLD), ("b", "2", OLD)]]

    report = swept(
        ListedStore(pages), targets=[Upload(PHOTOS, "b", "2")], lines=lines, max_aborts=1
    ).report_builder.build()

    assert (report.counts["aborted"], report.counts["deferred"]) == (1, 1)
    assert (report.over_limit, report.details, report.unreached) == ((), (), 0)
    assert not any("upload.over_limit" in line for line in lines)


def test_target_that_a_listing_still_comes_to_is_counted_by_the_run_that_lists_it() -> None:
    clock = FakeClock()

    def before(call: str, subject: object) -> None:
        clock.now = 6.0
        if call == "parts" and isinstance(subject, Upload) and subject.key == "b":
            raise CosRejected("AccessDenied", 403)
        if call == "parts" and isinstance(subject, Upload) and subject.key == "a":
            clock.now = 10.0
            raise Unavailable("ReadTimeout")

    pages = [[("a", "1", OLD), ("b", "2", OLD)]]
    targets = [Upload(PHOTOS, "b", "2")]
    result = swept(ListedStore(pages, before), targets=targets, listing_attempts=1, clock=clock, workers=1)

    assert result.remaining is not None
    assert ([one.start for one in result.remaining.listings], result.remaining.targets) == ([Cursor()], ())
    assert result.report_builder.build().uploads == 0


def test_dry_run_that_reaches_its_limit_behind_an_unreached_upload_is_the_last_one() -> None:
    """The first upload is slower than the second, which takes the only abort: every run would end like this."""

    async def before(call: str, subject: object) -> None:
        if call == "parts" and isinstance(subject, Upload) and subject.key == "a":
            for _slot in range(9):
                await asyncio.sleep(0)

    result = swept(ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], before), dry_run=True, max_aborts=1)

    assert result.remaining is not None
    assert (result.remaining.max_aborts, result.remaining.aborted) == (0, 1)
    result.count_remaining(Log(lambda _: None, Redactor(())))
    report = result.report_builder.build()
    assert (report.counts["would_abort"], report.counts["deferred"]) == (1, 1)
