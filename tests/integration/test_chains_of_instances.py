"""
Chains of real processes: the handler as it is deployed, invoked by itself over signed HTTP, killed for real.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from cos_sweeper.core.settings import load
from cos_sweeper.scf import cam_policy
from tests.emulator.public import Cloud, InvocationRecord
from tests.fixtures import ABORTING, HANDLER
from tests.function import FUNCTION, LOGS, PHOTOS
from tests.profiles import IS_NIGHTLY

ENVIRONMENT = {"BUCKETS": f"{PHOTOS},{LOGS}", **ABORTING}
PHOTO_BUCKET, LOG_BUCKET = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
OUTCOMES = ("kept", "would_abort", "aborted", "already_gone", "rejected", "failed", "deferred")


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, LOGS, function=HANDLER, env=ENVIRONMENT, concurrency=12) as cloud:
        yield cloud


@pytest.fixture
def scf(running: Cloud) -> Cloud:
    running.reset(PHOTOS, LOGS)
    running.set_role_policy(cam_policy.policy(load(ENVIRONMENT), FUNCTION))
    return running


def furnish(scf: Cloud, many: int) -> set[str]:
    """Abandoned uploads among live and young ones in both buckets; returns the ids that must stay."""
    for bucket, key in ((PHOTO_BUCKET, "raw/{n:05}"), (LOG_BUCKET, "{n:05}.gz")):
        scf.seed(bucket, key, count=many // 2, parts=2)
    stay = scf.seed(PHOTO_BUCKET, "raw/0002{n}-live", count=40, parts=2, hours_since_last_part=1)
    stay += scf.seed(LOG_BUCKET, "0001{n}-young", count=40, hours_since_start=5)
    return {one.upload_id for one in stay}


def left(scf: Cloud) -> set[str]:
    return {one.upload_id for bucket in (PHOTO_BUCKET, LOG_BUCKET) for one in scf.uploads(bucket)}


def runs_of(scf: Cloud) -> list[InvocationRecord]:
    """The executions, without those that only ask whether the function may invoke itself."""
    return [record for record in scf.invocations() if "cos_sweeper_probe" not in (record.event or {})]


def totals(records: list[InvocationRecord]) -> Counter[str]:
    """The outcomes of a chain's runs, added up."""
    counts: Counter[str] = Counter()
    for record in records:
        counts.update({name: record.answer[name] for name in OUTCOMES} if record.answer else {})
    return counts


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("fan_out", "many"), [(1, 320), (4, 900)])
def test_chain_of_short_runs_leaves_what_one_long_run_leaves_and_its_reports_add_up(
    fan_out: int, many: int, scf: Cloud
) -> None:
    stay = furnish(scf, many)
    scf.fault(delay_ms=300)
    # Of so many seconds a run keeps one for its continuation, enough for a slow machine.
    scf.scf_settings(time_limit_ms=5000, env={"FAN_OUT": str(fan_out)})

    scf.fire_timer()

    assert scf.wait_idle(300)
    runs = runs_of(scf)
    assert left(scf) == stay
    assert {record.end for record in runs} == {"returned"}
    assert len({record.answer["run_id"] for record in runs}) == 1
    assert max(record.answer["run"] for record in runs) > 2
    assert totals(runs) == {**dict.fromkeys(OUTCOMES, 0), "aborted": many, "kept": 80}
    assert sum(record.answer["bytes_freed"] for record in runs) == many * 2 << 20


@pytest.mark.sampled(1)
@pytest.mark.parametrize("fault", [{"duplicate": 1.0}, {"lose": 0.5, "skip": 1, "seed": 3}], ids=["twice", "lost"])
def test_next_timer_completes_a_chain_whose_events_arrived_twice_or_never(fault: dict[str, float], scf: Cloud) -> None:
    stay = furnish(scf, 600)
    scf.scf_settings(time_limit_ms=10_000, env={"FAN_OUT": "2"}, **fault)
    scf.fire_timer()
    assert scf.wait_idle(300)

    scf.scf_settings(time_limit_ms=60_000, duplicate=0.0, lose=0.0)
    scf.fire_timer()

    assert scf.wait_idle(300)
    runs = runs_of(scf)
    assert left(scf) == stay
    assert totals(runs)["aborted"] == 600
    assert sum(record.answer["bytes_freed"] for record in runs) == 600 * 2 << 20


def test_run_that_cannot_continue_fails_and_its_retry_completes_the_work(scf: Cloud) -> None:
    stay = furnish(scf, 400)
    scf.fault(delay_ms=150)
    scf.scf_settings(time_limit_ms=2500, env={"FAN_OUT": "1"})
    scf.invoke_fault(status=200, code="ResourceNotFound.Function", skip=1, count=2)

    scf.fire_timer()

    assert scf.wait_idle(300)
    first, *others = runs_of(scf)
    assert first.end == "raised"
    assert "ContinuationFailed" in str(first.error)
    assert {record.end for record in others} == {"returned"}
    assert left(scf) == stay


def test_time_limit_that_is_too_short_fails_the_chain_by_an_event_that_only_raises(scf: Cloud) -> None:
    furnish(scf, 20)
    scf.fault("ListMultipartUploads", delay_ms=1300)
    scf.scf_settings(time_limit_ms=2000, retry_wait_ms=10, env={"FAN_OUT": "1"})

    scf.fire_timer()

    assert scf.wait_idle(300)
    runs = runs_of(scf)
    raised = [record for record in runs if record.end == "raised"]
    assert {json.dumps(record.event["cos_sweeper_chain_failed"]["codes"]) for record in raised} <= {
        '["TooSlow"]',
        '["NoProgress"]',
    }
    assert len(raised) == 3
    assert [record.answer["status"] for record in runs if record.answer][-1] == "failed"
    assert len(scf.scf()["dead_letters"]) == 1


def test_sweep_survives_instances_that_are_killed_at_random_moments(scf: Cloud) -> None:
    """No event is killed more often than SCF tries it, so its retries alone must complete the sweep."""
    kills, young, many = (20, 41_000, 9_000) if IS_NIGHTLY else (6, 8_000, 3_000)
    scf.seed(PHOTO_BUCKET, "young/{n:05}", count=young, hours_since_start=5)
    stay = {one.upload_id for one in scf.uploads(PHOTO_BUCKET)}
    stay |= furnish(scf, many)
    scf.fault(delay_ms=100)
    scf.scf_settings(time_limit_ms=6000, retry_wait_ms=50, env={"FAN_OUT": "4"})
    chance = random.Random(20)
    scf.fire_timer()

    while len(deaths(scf)) < kills and not scf.wait_idle(chance.uniform(0.05, 0.3)):
        often = Counter(deaths(scf))
        busy = [one["pid"] for one in scf.scf()["instances"] if one["busy"] and often[one["request_id"]] < 2]
        if busy:
            scf.kill_instance(chance.choice(busy))

    assert scf.wait_idle(600)
    assert len(deaths(scf)) >= kills
    assert scf.scf()["dead_letters"] == []
    assert left(scf) == stay
    assert totals(runs_of(scf))["aborted"] <= many


def deaths(scf: Cloud) -> list[str]:
    """The request id of every run that was killed."""
    return [run.request_id for run in runs_of(scf) if run.end == "died"]
