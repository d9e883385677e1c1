"""
The same targets without a fuzzer: hypothesis, which sees no coverage, over pieces of the seeds and bytes at random.
"""

import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target

BATCH = 500


def run(target: Target, seconds: float, artifacts: Path) -> tuple[int, Path | None]:
    """How often the target ran in this time, and the file with what broke it."""
    seeds = target.seeds()
    cuts = st.tuples(st.sampled_from(seeds), st.integers(0, 4000), st.integers(0, 4000))
    pieces = cuts.map(lambda cut: cut[0][min(cut[1:]) : max(cut[1:])])
    inputs = st.one_of(
        st.binary(max_size=200),
        st.lists(st.one_of(st.sampled_from(seeds), pieces, st.binary(max_size=8)), max_size=6).map(b"".join),
    )
    ran = 0
    last = b""

    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=inputs)
    def batch(data: bytes) -> None:
        nonlocal ran, last
        ran += 1
        last = data
        target.run(data)

    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            batch()
        except Exception:  # whatever it is, it is what was looked for; the last run was the smallest that breaks
            path = artifacts / "crash-fallback"
            path.write_bytes(last)
            return ran, path
    return ran, None
