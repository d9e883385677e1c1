"""
A few random worlds for CI, and proof that the simulation can disagree. `soak.py` plays more.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import index
from tests.emulator.public import Cloud, send
from tests.simulation.over_http.play import Player
from tests.simulation.over_http.soak import Clouds, play, running_clouds, shrink, story
from tests.simulation.over_http.verdict import check
from tests.simulation.over_http.world import PHOTOS, Injected, NamedEvent, Planted, Step, SweepEvent, World, make_world

BUCKET = PHOTOS.partition("@")[0]
SETTINGS = (("BUCKETS", PHOTOS), ("DRY_RUN", "false"), ("VERIFY", "all"))
OLD = Planted(0, BUCKET, "raw/old.mov", hours=400, parts=(300.0, 200.0))
LIVE = Planted(1, BUCKET, "raw/live.mov", hours=400, parts=(300.0, 0.1))
SEEDS = range(1, 13)

Handler = Callable[[object, object], dict[str, Any]]


@pytest.fixture(scope="module")
def clouds() -> Iterator[Clouds]:
    with running_clouds() as started:
        yield started


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", SEEDS)
def test_function_does_what_the_oracle_says(seed: int, clouds: Clouds) -> None:
    world = make_world(seed)

    found = play(clouds, world)

    assert found == [], story(world)


def test_chain_of_short_runs_does_what_the_oracle_says(clouds: Clouds) -> None:
    world = make_world(1, "short")

    found = play(clouds, world)

    assert found == [], story(world)


def test_world_is_made_from_its_seed_alone() -> None:
    assert make_world(5) == make_world(5)
    assert make_world(5) != make_world(6)


# A function that does wrong


def report(aborted: int, status: str = "complete", **more: Any) -> dict[str, Any]:
    return {"status": status, "uploads": 0, "kept": 0, "would_abort": 0, "aborted": aborted, "bytes_freed": 0, **more}


def aborting(cloud: Cloud, key: str, payload: dict[str, Any], *, look: bool = True) -> Handler:
    """A function that lists, looks at the upload of one key, aborts it in any case, and reports it."""

    def handler(_event: object, _context: object) -> dict[str, Any]:
        send(cloud, "GET", BUCKET, params={"uploads": ""})
        for upload in cloud.uploads(BUCKET, key):
            if look:
                send(cloud, "GET", BUCKET, upload.key, {"uploadId": upload.upload_id})
            send(cloud, "DELETE", BUCKET, upload.key, {"uploadId": upload.upload_id})
        return payload

    return handler


def idle(payload: dict[str, Any]) -> Handler:
    """A function that does nothing, and says what it likes."""
    return lambda _event, _context: payload


def rules(clouds: Clouds, step: Step, make: Callable[[Cloud], Handler], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rules that a wrong function breaks in a step."""
    player = clouds.player(World(1, SETTINGS, (step,)))
    monkeypatch.setattr(index, "main_handler", make(player.cloud))
    return [each.rule for each in check(player.play(step))]


SWEEP = Step(SweepEvent(), plant=(OLD, LIVE))
RIGHT = report(1, uploads=2, kept=1, bytes_freed=2 << 20)


def test_function_that_does_right_is_not_blamed(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules(clouds, SWEEP, lambda cloud: aborting(cloud, OLD.key, RIGHT), monkeypatch) == []


@pytest.mark.parametrize(
    ("step", "make", "expected"),
    [
        pytest.param(
            SWEEP,
            lambda cloud: aborting(cloud, LIVE.key, RIGHT),
            "abort: a part arrived recently",
            id="abort of a live upload",
        ),
        pytest.param(
            SWEEP,
            lambda cloud: aborting(cloud, OLD.key, RIGHT, look=False),
            "abort: there was no complete look with right clocks in the last seconds",
            id="abort without a look",
        ),
        pytest.param(
            SWEEP,
            lambda cloud: aborting(cloud, OLD.key, {**RIGHT, "aborted": 2}),
            "claim: aborted",
            id="one abort more is claimed",
        ),
        pytest.param(
            SWEEP,
            lambda cloud: aborting(cloud, OLD.key, {**RIGHT, "bytes_freed": 3 << 20}),
            "claim: bytes",
            id="more bytes are claimed",
        ),
        pytest.param(SWEEP, lambda _: idle(report(0, uploads=2, kept=2)), "left after a calm chain", id="nothing done"),
        pytest.param(
            Step(SweepEvent(), (OLD,), faults=(Injected({"operation": "ListParts", "status": 503}),)),
            lambda _: idle(report(0, uploads=1, kept=1)),
            "left without a word",
            id="nothing done where something failed",
        ),
        pytest.param(
            Step(SweepEvent({"dry_run": True}), (OLD,)),
            lambda cloud: aborting(cloud, OLD.key, RIGHT),
            "abort: the sweep is a dry run",
            id="abort in a dry run",
        ),
        pytest.param(
            Step(NamedEvent("direct", (1,)), (OLD, LIVE)),
            lambda cloud: aborting(cloud, OLD.key, RIGHT),
            "abort: the event does not name it",
            id="abort of another upload than the one named",
        ),
        pytest.param(
            Step(SweepEvent(None), (OLD,)),
            lambda _: idle(report(0)),
            "rejected sweep without an exception",
            id="a rejected sweep that succeeds",
        ),
    ],
)
def test_function_that_does_wrong_is_found(
    step: Step,
    make: Callable[[Cloud], Handler],
    expected: str,
    clouds: Clouds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert expected in rules(clouds, step, make, monkeypatch)


def test_story_is_shrunk_to_what_matters(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = tuple(Planted(number, BUCKET, f"raw/{number}", hours=5) for number in range(2, 8))
    fault = Injected({"operation": "ListParts", "date": "missing", "count": 1})
    world = World(
        1, SETTINGS, (Step(SweepEvent(), (*noise, LIVE, OLD), faults=(fault,)), Step(SweepEvent({"dry_run": True})))
    )
    cloud = clouds.player(world).cloud
    monkeypatch.setattr(index, "main_handler", aborting(cloud, LIVE.key, RIGHT))

    smallest = shrink(clouds, world, "abort: a part arrived recently")

    assert smallest.steps == (Step(SweepEvent(), (LIVE,)),)


def test_player_leaves_what_it_played_in_to_be_seen(clouds: Clouds) -> None:
    """What was played includes parts that arrive meanwhile, and COS's responses."""
    fault = Injected({"operation": "ListParts", "part": {"when": "before"}, "count": 1}, OLD.number)
    step = Step(SweepEvent(), (OLD,), faults=(fault,))

    played = clouds.player(World(1, SETTINGS, (step,))).play(step)

    (upload,) = played.uploads.values()
    assert len(upload.arrivals) == 3
    assert {each.operation for each in played.requests} >= {"ListMultipartUploads", "ListParts"}
    assert all(each.body for each in played.requests if each.operation == "ListParts")


def test_player_starts_over_with_each_world(clouds: Clouds) -> None:
    first: Player = clouds.player(World(1, SETTINGS, (SWEEP,)))
    first.play(Step(SweepEvent({"dry_run": True}), (OLD, LIVE)))

    second = clouds.player(World(2, SETTINGS, (SWEEP,)))

    assert second.cloud.uploads(BUCKET) == []
