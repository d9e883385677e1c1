"""
Made-up stories of whole chains: what is in the buckets, and what goes wrong while the function sweeps them.

A story is played through `main_handler` over HTTP. Time limits are counted in requests, so a chain of many runs takes
no time. A run that is killed sends nothing more, whatever of it was under way, and its last request may have arrived.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from cos_sweeper import app
from cos_sweeper.core.deadline import Deadline, run_deadline
from cos_sweeper.net.client import Connections
from cos_sweeper.report import completion, run_recorder
from tests.emulator.public import Cloud, HeldUpload
from tests.function import PHOTOS, Invocation, timer
from tests.integration.platform import Platform
from tests.laws.buckets import BUCKET, OTHER
from tests.laws.receiver import NOTIFY
from tests.laws.told import REPORTS

SECRET = "an-example-secret-of-keys"
# How often SCF runs an event that raises or whose instance dies.
ATTEMPTS = 3
# Requests of one run, where nothing is cut off.
MANY = 100_000
# Of the background work: so often that a short run is killed between two flushes, too.
FLUSH_SECONDS = 0.01

# What happens at most so often in a row that a run, or the next one, comes through.
TRANSIENT: list[dict[str, Any]] = [
    {"status": 503, "code": "ServiceUnavailable"},
    {"status": 500, "code": "InternalError"},
    {"reset": "before"},
    {"reset": "after"},
]
LASTING: list[dict[str, Any]] = [{"status": 403, "code": "AccessDenied"}, {"status": 400, "code": "InvalidRequest"}]

# Names whose order differs with and without '/', one that is no UTF-8, and some that need escapes.
SEGMENTS = ("a", "a-b", "b", "c d", "e\udcff", 'f"<&>', "猫", "+%2F", "")
CLASSES = ("STANDARD", "ARCHIVE", "MAZ_STANDARD")
INITIATORS = ("100000000011", "100000000012", "qcs::cam::anyone/anyone:anyone/anyone")


@st.composite
def _seeds(draw: st.DrawFn) -> dict[str, Any]:
    segments = draw(st.lists(st.sampled_from(SEGMENTS), max_size=3))
    started = draw(st.sampled_from([100, 3000, 200, 71, 1]))
    return {
        "bucket": draw(st.sampled_from([BUCKET, OTHER])),
        "key": "/".join(
            [*segments, draw(st.sampled_from(["{n}", "{n}/..", "{n}", "x{n:03}", "_temporary/{n}", "x{n:03}"]))]
        ),
        "count": draw(st.sampled_from([6, 3, 1])),
        "parts": draw(st.integers(0, 3)),
        "part_size": draw(st.integers(1, 1 << 33)),
        "hours_since_start": started,
        "hours_since_last_part": draw(st.sampled_from([started, started, started, min(started, 12)])),
        "initiators": draw(st.lists(st.sampled_from(INITIATORS), min_size=1, max_size=2)),
        "storage_class": draw(st.sampled_from(CLASSES)),
    }


@st.composite
def _faults(draw: st.DrawFn) -> dict[str, Any]:
    operation = draw(
        st.sampled_from(["ListMultipartUploads", "ListParts", "AbortMultipartUpload", "PutObject", "GetObject", "*"])
    )
    if operation in ("ListParts", "AbortMultipartUpload") and draw(st.integers(0, 3)) == 0:
        return {"operation": operation, "key_prefix": "a", **draw(st.sampled_from(LASTING))}
    effect = draw(st.sampled_from(TRANSIENT))
    return {"operation": operation, "skip": draw(st.integers(0, 20)), "count": draw(st.integers(1, 8)), **effect}


@dataclass(frozen=True, slots=True)
class Death:
    """A run dies at its n-th request. is_done: the request arrived."""

    at: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Story:
    """
    seeds: of the uploads. event: of the timer. cuts: after how many requests the time of each run is over, in turn.
    twice: the checkpoints that are delivered twice, by number. deaths: of runs, by number. has_retries: SCF tries again
    what dies or raises. codes: how the first invocations are answered.
    """

    seeds: list[dict[str, Any]]
    settings: dict[str, Any]
    event: dict[str, Any]
    cuts: list[int] = field(default_factory=lambda: [MANY])
    twice: frozenset[int] = frozenset()
    deaths: dict[int, Death] = field(default_factory=dict)
    has_retries: bool = True
    codes: list[str] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


@st.composite
def stories(draw: st.DrawFn, *, calm: bool = False) -> Story:
    """calm: nothing goes wrong, but chains have several runs."""
    settings = {
        "REPORT": f"{PHOTOS}/{REPORTS}",
        **NOTIFY,
        "FAN_OUT": str(draw(st.integers(1, 4))),
        "WORKERS": str(draw(st.sampled_from([3, 1, 32]))),
        "MAX_ABORTS": draw(st.sampled_from(["none", "none", "10000", "7"])),
        "EXCLUDE_PREFIXES": draw(st.sampled_from(["", "a-b/"])),
        "VERIFY": draw(st.sampled_from(["recent", "none"])),
        "DRY_RUN": draw(st.sampled_from(["false", "false", "false", "false", "true"])),
        **draw(st.sampled_from([{}, {}, {"RECORD_KEYS": "hash", "RECORD_KEYS_SECRET": SECRET}])),
    }
    is_inventory = draw(st.integers(0, 5)) == 5
    more: dict[str, Any] = {}
    if not calm:
        died = st.builds(Death, st.integers(10, 70), st.booleans())
        more = {
            "twice": frozenset(draw(st.sets(st.integers(1, 6), max_size=2))),
            "deaths": draw(st.dictionaries(st.sampled_from([1, 2, 3]), died, max_size=3)),
            "has_retries": draw(st.sampled_from([True, True, False])),
            "codes": draw(st.lists(st.sampled_from(["", "", "InternalError"]), max_size=8)),
            "faults": draw(st.lists(_faults(), max_size=2)),
        }
    return Story(
        draw(st.lists(_seeds(), min_size=1, max_size=8)),
        settings,
        timer(inventory=True) if is_inventory else timer(),
        draw(st.lists(st.sampled_from([MANY, 15, 30, 60]), min_size=1, max_size=3)),
        **more,
    )


class Killed(BaseException):
    """SCF killed the instance."""


@dataclass(slots=True)
class _Life:
    """One run: how many requests it sent, and where it ends. shift: by how much its clock is ahead."""

    cut: int = MANY
    death: Death | None = None
    requests: int = 0
    is_dead: bool = False
    work_ends: float = 0.0
    shift: float = 0.0

    def clock(self) -> float:
        """By this clock all of the time for work is over once the run has sent so many requests."""
        now = time.monotonic()
        if self.requests >= self.cut and not self.shift:
            self.shift = max(0.0, self.work_ends - now)
        return now + self.shift

    def deadline(self, _: Callable[[], float], limit_seconds: float, started: float) -> Deadline:
        made = run_deadline(self.clock, limit_seconds, started)
        self.work_ends = made.work_ends
        return made

    async def send(self, request: Callable[[], Any]) -> Any:
        self.requests += 1
        if self.death is not None and self.requests == self.death.at:
            if self.death.is_done:
                await request()
            self.is_dead = True
        if self.is_dead:
            raise Killed
        response = await request()
        if self.is_dead:
            raise Killed
        return response


@dataclass(slots=True)
class Player:
    """Plays a story. before: the uploads as they were; runs: those that were not killed."""

    cloud: Cloud
    platform: Platform
    story: Story
    before: dict[str, HeldUpload] = field(default_factory=dict)
    runs: list[Invocation] = field(default_factory=list)
    started: int = 0
    delivered: int = 0
    killed: int = 0

    def play(self) -> None:
        """Furnish the buckets, fire the timer, and run the chain to its end."""
        self.cloud.reset()
        for seed in self.story.seeds:
            self.cloud.seed(**seed)
        self.before = held(self.cloud)
        for fault in self.story.faults:
            self.cloud.fault(**fault)
        self.platform.codes = list(self.story.codes)
        with patched():
            self._attempt(self.story.event)
            self._deliver()
        self.cloud.heal()

    def sweep_again(self) -> None:
        """A later sweep, in which nothing goes wrong."""
        self.platform.codes = []
        self.story = Story(self.story.seeds, self.story.settings, timer())
        with patched():
            self._attempt(self.story.event)
            self._deliver()

    def _deliver(self) -> None:
        while self.platform.checkpoints():
            event = self.platform.take()
            self.delivered += 1
            for _ in range(1 + (self.delivered in self.story.twice)):
                self._attempt(event)

    def _attempt(self, event: dict[str, Any]) -> None:
        for _ in range(ATTEMPTS if self.story.has_retries else 1):
            if self._run(event):
                return

    def _run(self, event: dict[str, Any]) -> bool:
        """One run. Returns whether it ended without an error."""
        self.started += 1
        assert self.started < 300, "a chain goes on for ever"
        cuts = self.story.cuts
        life = _Life(cuts[self.started % len(cuts)], self.story.deaths.get(self.started))
        original = Connections.send

        async def send(connections: Connections, *args: Any, **named: Any) -> Any:
            return await life.send(lambda: original(connections, *args, **named))

        with mock.patch.object(Connections, "send", send), mock.patch.object(app, "run_deadline", life.deadline):
            try:
                done = self.platform.run(event, **self.story.settings)
            except Killed:
                self.killed += 1
                app.instance.reset()
                return False
        self.runs.append(done)
        return done.error is None


def held(cloud: Cloud) -> dict[str, HeldUpload]:
    """The uploads of both buckets by their ids."""
    return {one.upload_id: one for bucket in (BUCKET, OTHER) for one in cloud.uploads(bucket)}


@contextmanager
def patched() -> Iterator[None]:
    """Flushes are frequent, and a chain of which no run is under way is silent at once."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(run_recorder, "FLUSH_SECONDS", FLUSH_SECONDS))
        stack.enter_context(mock.patch.object(completion, "SILENT", timedelta(seconds=-60)))
        yield
