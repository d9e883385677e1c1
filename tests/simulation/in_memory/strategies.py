"""
What a world is made of, to be drawn: few values, so that they meet, and those at the limits among them.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from cos_sweeper.core.model import Bucket
from tests.fixtures import HOUR, LOGS, PHOTOS
from tests.simulation.in_memory.scene import PLAIN, Act, Fault, Quirk
from tests.simulation.in_memory.store import Circumstances
from tests.simulation.in_memory.terms import MISSING, OTHERS, Rules


@dataclass(frozen=True, slots=True)
class Crowd:
    """Uploads of a kind. age, idle: hours since they began and since the last part arrived."""

    bucket: Bucket
    key: str
    count: int
    age: int
    idle: int
    parts: int
    quirk: Quirk


acts = st.builds(
    Act, st.sampled_from(["feed", "resend", "complete", "abort", "start"]), st.integers(0, 40), st.booleans()
)
faults = st.builds(
    Fault,
    on=st.sampled_from(["parts", "abort", "page", "lost", "buckets"]),
    how=st.sampled_from(["unavailable", "busy", "unavailable", "rejected", "stopped"]),
    left=st.sampled_from([1, 2, 5, None]),
    skip=st.integers(0, 4),
    bucket=st.sampled_from([None, PHOTOS, LOGS]),
    key=st.sampled_from([None, None, "raw/a", "raw/001"]),
)
rejected_invocations = st.sampled_from([(), (), (0, 1), (0, 1, 2), (1, 2)]) | st.lists(
    st.integers(0, 6), max_size=4
).map(tuple)
circumstances = st.builds(
    Circumstances,
    seconds=st.sampled_from([10**6, 100, 10**6, 3, 4, 5, 6, 7, 9, 14, 30]),
    page_size=st.sampled_from([1000, 1, 2, 3, 7]),
    pauses=st.sampled_from([(0,), (0, 1), (2, 0, 0), (1,), (0, 0, 3, 1), (0, 9, 0, 0, 0), (6, 1, 1, 0)]),
    interference=st.lists(st.tuples(st.integers(0, 40), acts), max_size=3).map(tuple),
    deaths=st.just(()) | st.lists(st.none() | st.integers(0, 12), max_size=4).map(tuple),
    rejected_invocations=rejected_invocations,
    takes=st.none() | st.none() | st.integers(0, 3),
    may_invoke=st.sampled_from([True] * 5 + [False]),
    later=st.sampled_from([False, False, True]),
    faults=st.just(()) | st.lists(faults, min_size=1, max_size=2).map(tuple),
    targets=st.sampled_from([500, 500, 0, 1, 3]),
    bytes=st.sampled_from([128_000, 128_000, 2_500, 3_500]),
)
prefixes = st.sampled_from([(), (), ("raw/",), ("raw/", "logs/"), ("raw/a", "raw/keep/", "tmp/"), ("raw/", "raw/a")])
excluded = st.sampled_from([(), (), ("raw/keep/",), ("logs/", "raw/b"), ("raw/",)])
settings = st.builds(
    Rules,
    buckets=st.sampled_from([(PHOTOS, LOGS), (PHOTOS,), (PHOTOS, LOGS, OTHERS), None, (PHOTOS, MISSING, LOGS)]),
    min_age_hours=st.sampled_from([72, 1, 24, 96]),
    min_idle_hours=st.sampled_from([24, 1, 48]),
    event_min_idle_minutes=st.sampled_from([0, 0, 5, 90]),
    prefixes=prefixes,
    excluded=excluded,
    dry_run=st.sampled_from([False, False, False, True]),
    max_aborts=st.sampled_from([None, None, 1, 4, 30]),
    workers=st.sampled_from([1, 2, 4]),
    fan_out=st.sampled_from([1, 1, 2, 3]),
)
narrowings = st.fixed_dictionaries(
    {},
    optional={
        "buckets": st.lists(
            st.sampled_from([PHOTOS.name, LOGS.name, OTHERS.name]), min_size=1, max_size=2, unique=True
        ),
        "prefixes": st.sampled_from([["raw/"], ["raw/keep/", "raw/a"], ["logs/", "tmp/"]]),
        "min_age_hours": st.sampled_from([72, 96, 1, 500]),
        "min_idle_hours": st.sampled_from([24, 48, 2]),
        "max_aborts": st.sampled_from([1, 3, 40]),
        "dry_run": st.booleans(),
    },
)
hours = st.sampled_from([100, 500, 100, 100, 73, 72, 73, 72, 97, 25, 24, 2, 1, 0, 49])
NOT_AT_ALL = timedelta(0)
# Up to an hour apart, the later of the two times of a start counts.
shifts = st.sampled_from([HOUR, -HOUR, HOUR, -HOUR, NOT_AT_ALL, None, 2 * HOUR, 900 * HOUR, -50 * HOUR])
quirks = st.builds(Quirk, shifts, st.sampled_from([NOT_AT_ALL, NOT_AT_ALL, NOT_AT_ALL, None, 2 * HOUR, 900 * HOUR]))
WORDS = ["raw/{n:03}", "logs/{n}", "raw/keep/{n}", "tmp/猫 +%2F{n}", "raw/..", "raw/\udcff"]
# Some keys begin with others, which is what a listing by prefix shows as well.
keys = st.sampled_from(["raw/a", "raw/a{n}"] * 2 + WORDS)
picks = st.integers(0, 60)
afterwards = st.sampled_from([None, 0, 1, 5, 100])
crowds = st.builds(
    Crowd,
    bucket=st.sampled_from([PHOTOS, PHOTOS, LOGS, OTHERS]),
    key=keys,
    count=st.integers(1, 8),
    age=hours,
    idle=hours,
    parts=st.integers(0, 4),
    quirk=st.just(PLAIN) | quirks,
)
named = st.tuples(
    picks,
    st.sampled_from(["it", "it", "it", "gone", "wrong id", "other key", "foreign", "elsewhere", "no key", "no id"]),
)
limits = st.sampled_from([{}, {}, {"max_aborts": 2}, {"max_aborts": 5}])
# Work for many short runs: what is left behind has more parts than a page, and each upload gets on at its own pace.
leftovers = st.builds(
    Crowd,
    bucket=st.sampled_from([PHOTOS, LOGS]),
    key=st.sampled_from(["raw/a", "raw/{n:03}", "logs/{n}", "raw/keep/{n}"]),
    count=st.integers(3, 8),
    age=st.sampled_from([100, 500]),
    idle=st.sampled_from([100, 100, 25, 1]),
    parts=st.integers(2, 6),
    quirk=st.just(PLAIN),
)
short_runs = st.builds(
    Circumstances,
    seconds=st.integers(3, 20),
    page_size=st.integers(1, 5),
    pauses=st.lists(st.integers(0, 9), min_size=1, max_size=7).map(tuple),
    rejected_invocations=rejected_invocations,
    faults=st.just(()) | st.lists(faults, min_size=1, max_size=2).map(tuple),
    targets=st.sampled_from([500, 0, 1]),
    bytes=st.sampled_from([128_000, 2_500]),
)
TIGHTER: list[dict[str, Any]] = [
    {"dry_run": True},
    {"min_age_hours": 400},
    {"min_idle_hours": 48},
    {"event_min_idle_minutes": 90},
    {"prefixes": ("raw/a",)},
    {"prefixes": ("tmp/",)},
    {"excluded": ("raw/",)},
    {"max_aborts": 1},
    {"max_aborts": 5},
    {"buckets": (LOGS,)},
]
tightenings = st.lists(st.sampled_from(TIGHTER), min_size=1, max_size=3).map(
    lambda several: {name: value for one in several for name, value in one.items()}
)
