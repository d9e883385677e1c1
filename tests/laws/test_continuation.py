"""
Continuation: many short runs leave the buckets as one long run would.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.chains import as_one_long_run, buckets_of_uploads, engine_with, engines, left_by_key
from tests.profiles import examples


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines)
def test_continuation_of_many_short_runs_leaves_what_one_long_run_leaves(
    found: list[tuple[str, int, int, int]], how: dict[str, Any]
) -> None:
    scf = engine_with(found, **how)

    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert {name: sum(one.counts[name] for one in scf.reports) for name in report.counts} == report.counts
    assert sum(one.bytes_freed for one in scf.reports) == report.bytes_freed
    assert sum(one.bytes_would_free for one in scf.reports) == report.bytes_would_free
    assert {one.as_of for one in scf.reports} == {report.as_of}


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, arrivals=st.lists(st.integers(0, 3), max_size=40))
def test_continuation_loses_and_doubles_nothing_when_events_arrive_twice_or_never(
    found: list[tuple[str, int, int, int]], how: dict[str, Any], arrivals: list[int]
) -> None:
    how["dry_run"] = False
    scf = engine_with(found, **how)
    scf.deliver = lambda number: arrivals[number - 1] if number <= len(arrivals) else 1
    scf.fire()
    aborted = sum(one.counts["aborted"] for one in scf.reports)

    scf.deliver = lambda _: 1
    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert aborted <= sum(one.counts["aborted"] for one in scf.reports) == report.counts["aborted"]
    assert sum(one.bytes_freed for one in scf.reports) == report.bytes_freed


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, deaths=st.lists(st.none() | st.integers(1, 12), max_size=30))
def test_continuation_loses_nothing_when_instances_are_killed(
    found: list[tuple[str, int, int, int]], how: dict[str, Any], deaths: list[int | None]
) -> None:
    how["dry_run"] = False
    scf = engine_with(found, **how)
    scf.dies_at = lambda run: deaths[run - 1] if run <= len(deaths) else None
    scf.fire()

    scf.dies_at = lambda _: None
    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert sum(one.counts["aborted"] for one in scf.reports) <= report.counts["aborted"]
