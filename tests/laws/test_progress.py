"""
Progress: every run makes progress, or fails exactly the item that blocks it.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.chains import buckets_of_uploads, engine_with, engines
from tests.profiles import examples


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, seconds=st.integers(0, 6))
def test_progress_is_made_by_every_run_or_the_chain_fails(
    found: list[tuple[str, int, int, int]], how: dict[str, Any], seconds: int
) -> None:
    """
    Each run processes something, however short its time, or two of them end their chain with a failure.

    What takes most of the time of two runs fails alone, and everything else goes on.
    """
    scf = engine_with(found, **{**how, "seconds": seconds})
    present = len(scf.held())

    scf.fire()

    assert scf.runs <= 12 * len(found) + 3 * how["fan_out"] + 10
    ends = [one for one in scf.reports if not one.continuations]
    assert len(ends) == (1 if how["fan_out"] == 1 or not scf.reports[0].continuations > 1 else how["fan_out"])
    codes = [{*one.failed, *dict(one.prior_failures.failed)} for one in ends]
    assert all(one.status.value == "complete" or failed for one, failed in zip(ends, codes, strict=True))
    assert set().union(*codes) <= {"NoProgress", "TooSlow"}
    if not any("NoProgress" in failed for failed in codes):
        slow = sum("TooSlow" in failure.get("code", "") for one in scf.reports for failure in one.failures)
        assert sum(one.uploads for one in scf.reports) == present or slow
