"""
The world as a state machine: clients, time, timers, events, SCF and faults, in any order.

The laws are checked at each request to COS, after every run and after every chain. Here is what may happen, and one
more law: without faults, one sweep completes the work.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cos_sweeper.core.model import Bucket, Upload
from tests.emulator.public import Seed
from tests.fixtures import HOUR, LOGS, PHOTOS
from tests.simulation.in_memory import events, strategies, terms
from tests.simulation.in_memory.chains import Expectation
from tests.simulation.in_memory.platform import Platform
from tests.simulation.in_memory.scene import Act, Fault, Scene, parts_upto
from tests.simulation.in_memory.store import Circumstances
from tests.simulation.in_memory.strategies import Crowd
from tests.simulation.in_memory.tally import Tally
from tests.simulation.in_memory.terms import AT_ONCE, MINUTE, OTHERS, Rules


class World(RuleBasedStateMachine):
    """
    Everything that may happen.

    scale: how much larger crowds, pages and times are than in a world for CI. crowd: how many uploads are enough.
    """

    scale: ClassVar[int] = 1
    crowd: ClassVar[int] = 60
    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.platform = Platform(self.scene, self.tally)
        self.prior_failures: list[Callable[[], Expectation]] = []
        self.tally.worlds += 1

    # Clients

    @initialize(crowds=st.lists(strategies.crowds, max_size=4))
    def uploads_exist_at_first(self, crowds: list[Crowd]) -> None:
        for crowd in crowds:
            self._start(crowd)

    @rule(crowd=strategies.crowds)
    def clients_start_uploads(self, crowd: Crowd) -> None:
        self._start(crowd)

    @rule(crowd=strategies.crowds)
    def client_starts_an_upload_with_an_odd_id(self, crowd: Crowd) -> None:
        self._start(replace(crowd, count=0), odd_id=True)

    def _start(self, crowd: Crowd, *, odd_id: bool = False) -> None:
        self.tally.steps += 1
        if len(self.scene.live) >= self.crowd:
            return
        seed = Seed(
            self.scene.now - crowd.age * HOUR,
            self.scene.now - min(crowd.age, crowd.idle) * HOUR,
            crowd.key,
            crowd.count * self.scale or 1,
            part_numbers=parts_upto(crowd.parts),
            part_size=3 + crowd.parts + crowd.count % 5,
            first=len(self.scene.live),
        )
        self.scene.start(crowd.bucket, seed, crowd.quirk, odd_id=odd_id)

    @rule(act=strategies.acts)
    def client_acts(self, act: Act) -> None:
        self.scene.act(act)
        self.tally.steps += 1

    @rule(minutes=st.sampled_from([1, 6, 60, 300, 1440, 5000]))
    def time_passes(self, minutes: int) -> None:
        self.scene.now += minutes * MINUTE
        self.tally.steps += 1

    # Events

    @rule(
        crowd=st.none() | strategies.crowds, narrowing=st.just({}) | strategies.narrowings, how=strategies.circumstances
    )
    def timer_fires(self, crowd: Crowd | None, narrowing: dict[str, Any], how: Circumstances) -> None:
        if crowd:
            self._start(crowd)
        self._send(lambda: self._timer(narrowing), how)

    @rule(crowd=strategies.leftovers, limit=strategies.limits, how=strategies.short_runs)
    def sweep_takes_many_short_runs(self, crowd: Crowd, limit: dict[str, Any], how: Circumstances) -> None:
        self._start(crowd)
        self._send(lambda: self._timer(limit), how)

    @rule(crowd=strategies.leftovers, how=strategies.short_runs, tighter=strategies.tightenings, by_name=st.booleans())
    def settings_are_tightened_while_a_chain_is_under_way(
        self, crowd: Crowd, how: Circumstances, tighter: dict[str, Any], *, by_name: bool
    ) -> None:
        self._start(crowd)
        uploads = list(self.scene.live.values())[-12:]
        make = (lambda: self._failed(uploads, "direct")) if by_name else (lambda: self._timer({}))
        self._send(make, replace(how, later=True))
        self.platform.rules = replace(self.platform.rules, **tighter)
        self.platform.drain(self._scaled(how))

    @precondition(lambda self: self.scene.live)
    @rule(
        names=st.lists(strategies.named, min_size=1, max_size=6),
        way=st.sampled_from(events.WAYS),
        how=strategies.circumstances,
    )
    def uploads_fail(self, names: list[tuple[int, str]], way: str, how: Circumstances) -> None:
        if not self.scene.live:
            return
        uploads = [self._named(self.scene.picked(pick), what) for pick, what in names]
        self._send(lambda: self._failed(uploads, way), how)

    @rule(
        crowd=st.none() | strategies.crowds,
        completions=st.lists(st.tuples(strategies.picks, strategies.afterwards), min_size=1, max_size=3),
        how=strategies.circumstances,
    )
    def objects_are_completed(
        self, crowd: Crowd | None, completions: list[tuple[int, int | None]], how: Circumstances
    ) -> None:
        if crowd:
            self._start(crowd)
        reported: list[tuple[Bucket, str, datetime]] = []
        for pick, after in completions:
            if self.scene.live:
                upload = self.scene.picked(pick)
                held = self.scene.held(upload)
                assert held is not None
                if after is None:
                    self.scene.act(Act("complete", pick))
                at = self.scene.now if after is None else held.initiated + after * HOUR
                reported.append((upload.bucket, upload.key, min(at, self.scene.now)))
        if reported:
            self._send(lambda: self._completed(reported), how)

    @precondition(lambda self: self.prior_failures)
    @rule(pick=strategies.picks, how=strategies.circumstances)
    def event_is_repeated(self, pick: int, how: Circumstances) -> None:
        self._send(self.prior_failures[pick % len(self.prior_failures)], how)

    @precondition(lambda self: self.platform.queue)
    @rule(pick=strategies.picks, times=st.sampled_from([1, 1, 2]), how=strategies.circumstances)
    def continuation_arrives(self, pick: int, times: int, how: Circumstances) -> None:
        self.platform.deliver(pick % len(self.platform.queue), self._scaled(how), times)
        self.tally.steps += 1

    @precondition(lambda self: self.platform.queue)
    @rule(pick=strategies.picks)
    def continuation_is_lost(self, pick: int) -> None:
        self.platform.lose(pick % len(self.platform.queue))
        self.tally.steps += 1

    # Faults

    @rule(fault=strategies.faults)
    def requests_fail(self, fault: Fault) -> None:
        self.scene.conditions.faults.append(replace(fault))
        self.tally.steps += 1

    @rule(gone=st.booleans(), new=st.booleans())
    def listings_go_stale(self, *, gone: bool, new: bool) -> None:
        self.scene.conditions.lists_gone, self.scene.conditions.hides_new = gone, new
        self.tally.steps += 1

    @rule(
        lead=st.sampled_from([0, 0, 4, -4, 5, -5, 6, -6, 3000]),
        date=st.sampled_from(["the truth", "the truth", "nothing", timedelta(days=400), timedelta(minutes=-6)]),
        lies=st.sampled_from([("page", "parts"), ("page",), ("parts",)]),
    )
    def clock_is_skewed(self, lead: int, date: str | timedelta, lies: tuple[str, ...]) -> None:
        conditions = self.scene.conditions
        conditions.our_lead, conditions.date, conditions.lies = lead * MINUTE, date, lies
        self.tally.steps += 1

    @rule()
    def faults_are_cleared(self) -> None:
        self.scene.clear()
        self.tally.steps += 1

    @rule(rules=strategies.settings)
    def settings_change(self, rules: Rules) -> None:
        self.platform.rules = rules
        self.tally.steps += 1

    # What must be

    @rule()
    def sweep_without_faults_completes_the_work(self) -> None:
        """One sweep without faults aborts everything abandoned, and nothing else."""
        self.scene.clear()
        rules = replace(self.platform.rules, dry_run=False, max_aborts=None, buckets=(PHOTOS, LOGS))
        kept, abandoned = self._by_their_fate(rules)
        self.platform.rules = rules
        waiting, self.platform.queue = self.platform.queue, type(self.platform.queue)()
        self._send(lambda: self._timer({}), Circumstances(seconds=100, page_size=7))
        self.platform.queue.extend(waiting)
        left = set(self.scene.live.values())
        assert not abandoned & left, f"abandoned, and still there after a sweep: {abandoned & left}"
        assert kept <= left, f"kept by the settings, and gone after a sweep: {kept - left}"
        self.platform.drain()

    def _by_their_fate(self, rules: Rules) -> tuple[set[Upload], set[Upload]]:
        """The uploads that a sweep must keep, and those that it must abort."""
        on = terms.sweep(rules, {})
        assert on is not None
        kept: set[Upload] = set()
        abandoned: set[Upload] = set()
        for upload in self.scene.live.values():
            seen = self.scene.seen(upload)
            goes = seen and on.covers(upload) and not on.why_keep(seen, self.scene.ours, (AT_ONCE, AT_ONCE))
            (abandoned if goes and terms.is_addressable(upload) else kept).add(upload)
        return kept, abandoned

    @invariant()
    def uploads_that_vanished_are_accounted_for(self) -> None:
        held = sum(len(bucket.uploads) for bucket in self.scene.account.buckets.values())
        assert held == len(self.scene.live)

    def teardown(self) -> None:
        self.sweep_without_faults_completes_the_work()

    # How events are made

    def _send(self, make: Callable[[], Expectation], how: Circumstances) -> None:
        self.prior_failures.append(make)
        self.tally.steps += 1
        self.tally.events += 1
        self.scene.conditions.faults += [replace(fault) for fault in how.faults]
        self.platform.event(make(), self._scaled(how))

    def _scaled(self, how: Circumstances) -> Circumstances:
        if len(self.scene.live) < 60:
            return how
        return replace(how, seconds=how.seconds * self.scale, page_size=min(1000, how.page_size * self.scale))

    def _timer(self, narrowing: dict[str, Any]) -> Expectation:
        rules = self.platform.rules
        on = terms.sweep(rules, narrowing)
        if on is None:
            return Expectation(events.timer(narrowing), (), 1, is_sweep=True)
        rejected = len(set(narrowing.get("buckets", ())) - rules.names)
        return Expectation(events.timer(narrowing), (on,), rejected, is_sweep=True)

    def _named(self, upload: Upload, what: str) -> Upload:
        changes = {
            "wrong id": {"upload_id": upload.upload_id[:-1] + "x"},
            "other key": {"key": upload.key + "x"},
            "foreign": {"bucket": OTHERS},
            "elsewhere": {"bucket": replace(upload.bucket, region="ap-beijing")},
            "no key": {"key": ""},
            "no id": {"upload_id": ""},
        }
        if what == "gone" and self.scene.gone:
            return next(reversed(self.scene.gone.values()))[0]
        return replace(upload, **changes.get(what, {}))  # type: ignore[arg-type]

    def _failed(self, uploads: Sequence[Upload], way: str) -> Expectation:
        expected = [terms.named(self.platform.rules, upload) for upload in uploads]
        on = tuple(dict.fromkeys(one for one in expected if one is not None))
        return Expectation(events.failed(uploads, way), on, expected.count(None))

    def _completed(self, reported: Sequence[tuple[Bucket, str, datetime]]) -> Expectation:
        ours = self.scene.ours
        expected = [
            # Such a key may be encoded, and no URL proves that it is not. With a space in it, it cannot be.
            None
            if "+" in key and " " not in key
            else terms.stale_siblings(self.platform.rules, bucket, key, min(at, ours))
            for bucket, key, at in reported
        ]
        on = tuple(dict.fromkeys(one for one in expected if one is not None))
        return Expectation(events.completed(reported), on, expected.count(None))
