"""
One run over listed uploads: what may be aborted, and when.
"""

import asyncio

from cos_sweeper.core.model import Cursor
from tests.fixtures import FakeClock
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_limit_that_is_reached_ends_the_requests_for_parts() -> None:
    requested: list[object] = []

    def before(call: str, subject: object) -> None:
        if call == "parts":
            requested.append(subject)

    result = swept(ListedStore([[(f"{n}", "1", OLD) for n in range(9)]], before), workers=1, max_aborts=1)

    assert len(requested) == 1
    assert result.report_builder.build().counts["aborted"] == 1


def test_listed_upload_is_rejected_for_the_gravest_reason() -> None:
    report = swept(ListedStore([[("/", "1", OLD), ("other", "1", OLD)]]), prefixes=("raw/",)).report_builder.build()

    assert [one["reason"] for one in report.first_rejections] == [
        "the key is empty: the request would address the bucket",
        "listed, but outside the prefix that was asked for",
    ]


def test_abort_waits_for_the_permission_probe() -> None:
    is_requested = False

    async def before_abort() -> str:
        nonlocal is_requested
        for _slot in range(100):
            await asyncio.sleep(0)
        is_requested = True
        return "it may not"

    def before(call: str, _: object) -> None:
        assert call != "abort"

    result = swept(ListedStore([[(f"{n}", "1", OLD) for n in range(6)]], before), before_abort=before_abort)

    assert is_requested
    assert result.remaining is not None
    assert ([listing.start for listing in result.remaining.listings], result.report_builder.build().uploads) == (
        [Cursor()],
        0,
    )


def test_evidence_that_grew_old_during_the_permission_probe_is_gathered_anew() -> None:
    clock, looks = FakeClock(), []

    async def before_abort() -> str:
        clock.now += 3.0
        return ""

    def before(call: str, _: object) -> None:
        if call == "parts":
            looks.append(clock.now)
        if call == "abort":
            assert clock.now - looks[-1] <= 2.0

    result = swept(ListedStore([[("a", "1", OLD)]], before), clock=clock, before_abort=before_abort, max_aborts=1)

    assert result.report_builder.build().counts["aborted"] == 1
