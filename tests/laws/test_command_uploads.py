"""
The laws hold for the commands that name uploads: `abort`, `explain`, and `drain`, for which no age counts.
"""

import ast
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint, checkpoint_reader
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.model import CHECKPOINT
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.policy import Policy
from cos_sweeper.engine import sweep
from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import BUCKETS, HANDLER, NOW, aborting_settings
from tests.function import PHOTOS, Function, named
from tests.laws.buckets import BUCKET, OTHER, furnish, left
from tests.laws.checkpoints import plans
from tests.laws.hostile_events import environments, events, upload_ids, words
from tests.laws.requests import is_lawful
from tests.laws.test_keep import Case, ages, cases, idles, keys, plant
from tests.profiles import examples

COMMITTERS = "out/_temporary/a"
EXCLUSIONS = st.sampled_from([[], ["keep"], ["logs/keep", "raw/b"]])
with_committers = st.lists(
    st.builds(Case, st.one_of(keys, st.just(COMMITTERS)), ages, st.one_of(st.none(), idles)), max_size=8
)


@pytest.fixture
def command(cloud: Cloud, tmp_path: Path) -> Command:
    return Command(cloud, tmp_path)


def policies_of(plan: Plan) -> list[Policy]:
    return [one.policy for one in plan.listings] + [one.policy for one in plan.targets]


def listed(texts: list[str]) -> str:
    return json.dumps(texts) if texts else ""


# drain


@settings(max_examples=examples(20))
@given(
    found=with_committers,
    prefixes=st.sampled_from([[], ["raw/"], ["raw/", "logs/", "out/"]]),
    excluded=EXCLUSIONS,
    limit=st.sampled_from(["none", "1", "3"]),
    committers=st.booleans(),
)
def test_drain_leaves_what_its_key_keeps_and_nothing_else(
    found: list[Case],
    prefixes: list[str],
    excluded: list[str],
    limit: str,
    *,
    committers: bool,
    cloud: Cloud,
    command: Command,
) -> None:
    planted = plant(cloud, found)
    cloud.seed(OTHER, "raw/a", hours_since_start=1000)
    mark = cloud.mark()
    kept = {
        upload_id
        for upload_id, case in planted.items()
        if case.key.startswith(tuple(excluded))
        or (prefixes and not case.key.startswith(tuple(prefixes)))
        or (case.key == COMMITTERS and not committers)
    }

    ran = command(
        *("drain", PHOTOS, "--confirm", BUCKET, "--json", *(["--include-committers"] if committers else [])),
        PREFIXES=listed(prefixes),
        EXCLUDE_PREFIXES=listed(excluded),
        MAX_ABORTS=limit,
    )

    assert left(cloud) == kept
    assert len(left(cloud, OTHER)) == 1
    assert ran.json["is_empty"] == (not kept)
    assert ran.exit_code == (3 if kept else 0)
    assert [request for request in cloud.requests(mark) if not is_lawful(request)] == []
    assert {request.host for request in cloud.requests(mark)} <= {f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"}
    records = [run["records"] for run in ran.json["runs"]]
    assert sum(one["lines"] for run in records for one in run) >= len(planted) - len(kept)


@settings(max_examples=examples(60))
@given(raw=events, environment=environments)
def test_no_event_and_no_setting_of_the_function_leads_to_a_policy_that_drains(
    raw: Any, environment: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)
    seen: list[Plan] = []
    real = sweep.run

    async def run(plan: Plan, *arguments: Any, **more: Any) -> Any:
        seen.append(plan)
        return await real(plan, *arguments, **more)

    with mock.patch.object(sweep, "run", run):
        function(raw, **environment)

    assert not [policy for plan in seen for policy in policies_of(plan) if policy.is_drain]


@settings(max_examples=examples(100))
@given(wanted=plans)
def test_no_checkpoint_leads_to_a_policy_that_drains(wanted: Plan) -> None:
    none = timedelta(0)
    allowed = aborting_settings(BUCKETS)
    drains = replace(
        wanted,
        listings=tuple(
            replace(one, policy=replace(one.policy, min_age=none, min_idle=none, is_drain=True))
            for one in wanted.listings
        ),
        targets=tuple(replace(one, policy=replace(one.policy, is_drain=True)) for one in wanted.targets),
    )
    for text in checkpoint.write(drains):
        raw = json.loads(text)[CHECKPOINT]
        raw["policies"] = [{**one, "is_drain": True} for one in raw["policies"]]
        try:
            built = checkpoint_reader.read(raw, allowed, BUCKETS, NOW)
        except RequestRejected:
            continue

        assert not [policy for policy in policies_of(built) if policy.is_drain]
        assert all(one.policy.min_age >= allowed.min_age or one.policy.only_key is not None for one in built.listings)


def test_policy_that_drains_is_made_by_the_command_alone() -> None:
    makers = {
        path.relative_to(HANDLER).as_posix()
        for path in HANDLER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "is_drain"
    }

    assert makers == {"cos_sweeper/cli/draining.py"}


# abort


@settings(max_examples=examples(20))
@given(
    found=cases,
    key=keys,
    min_age=st.sampled_from([1, 24, 72]),
    min_idle=st.sampled_from([1, 24, 48]),
    prefixes=st.sampled_from([[""], ["raw/"]]),
    excluded=EXCLUSIONS,
)
def test_abort_of_a_key_takes_what_a_sweep_would_take_of_it_and_nothing_else(
    found: list[Case],
    key: str,
    min_age: int,
    min_idle: int,
    prefixes: list[str],
    excluded: list[str],
    cloud: Cloud,
    command: Command,
) -> None:
    planted = plant(cloud, found)
    mark = cloud.mark()
    going = {
        upload_id
        for upload_id, case in planted.items()
        if case.key == key and case.is_abandoned(min_age, min_idle, prefixes, excluded)
    }

    ran = command(
        *("abort", PHOTOS, "--yes", "--json", "--", key),
        MIN_AGE_HOURS=str(min_age),
        MIN_IDLE_HOURS=str(min_idle),
        PREFIXES=",".join(prefixes),
        EXCLUDE_PREFIXES=",".join(excluded),
    )

    assert left(cloud) == {*planted} - going
    assert {one["upload_id"] for one in ran.json["uploads"] if one["outcome"] == "aborted"} == going
    others = {upload_id for upload_id, case in planted.items() if case.key == key} - going
    assert {one["upload_id"] for one in ran.json["uploads"] if one["outcome"] == "kept"} == others
    assert ran.exit_code == (3 if others else 0)
    assert [request for request in cloud.requests(mark) if not is_lawful(request)] == []


@settings(max_examples=examples(15))
@given(
    case=st.builds(Case, keys, ages, st.one_of(st.none(), idles)),
    minutes=st.sampled_from(["0", "60", "1500"]),
    excluded=EXCLUSIONS,
)
def test_abort_with_an_id_has_the_outcome_of_an_event_that_names_the_upload(
    case: Case, minutes: str, excluded: list[str], cloud: Cloud, function: Function, command: Command
) -> None:
    environment: dict[str, Any] = {
        "EVENT_MIN_IDLE_MINUTES": minutes,
        "EXCLUDE_PREFIXES": ",".join(excluded),
        "BUCKETS": PHOTOS,
    }
    (upload_id,) = plant(cloud, [case])
    event = function({"uploads": [named(BUCKET, case.key, upload_id)]}, **environment).report
    (upload_id,) = plant(cloud, [case])

    explained = command("explain", PHOTOS, "--json", "--", case.key, upload_id, **environment).json["uploads"][0]
    ran = command("abort", PHOTOS, "--yes", "--json", "--", case.key, upload_id, **environment)

    (found,) = ran.json["uploads"]
    assert found["outcome"] == ("aborted" if event["aborted"] else "kept")
    assert ({found["reason"]: 1} if "reason" in found else {}) == event["kept_by_reason"]
    assert (upload_id in left(cloud)) == (found["outcome"] == "kept")
    assert explained["event"]["would_abort"] == bool(event["aborted"])
    assert explained["event"]["reason"] == found.get("reason", "")


@settings(max_examples=examples(40))
@given(
    verb=st.sampled_from(["abort", "explain"]),
    key=words,
    upload_id=st.one_of(st.none(), upload_ids),
    bucket=st.sampled_from([PHOTOS, BUCKET, OTHER, "elsewhere-1250000000", "..", ""]),
)
def test_wire_carries_lawful_requests_for_any_key_id_and_bucket(
    verb: str, key: str, upload_id: str | None, bucket: str, cloud: Cloud, command: Command
) -> None:
    furnish(cloud)
    elsewhere = left(cloud, OTHER)
    mark = cloud.mark()

    ran = command(
        verb,
        *(["--yes"] if verb == "abort" else []),
        *("--", bucket, key, *([] if upload_id is None else [upload_id])),
        BUCKETS=PHOTOS,
    )

    requests = cloud.requests(mark)
    assert [request for request in requests if not is_lawful(request)] == []
    assert left(cloud, OTHER) == elsewhere
    assert verb == "abort" or {request.method for request in requests} <= {"GET"}
    assert ran.exit_code in (0, 1, 2, 3)
    assert "defect" not in ran.stderr


# explain


@settings(max_examples=examples(20))
@given(
    found=cases.filter(bool),
    min_age=st.sampled_from(["1", "24", "72"]),
    min_idle=st.sampled_from(["1", "24", "48"]),
    prefixes=st.sampled_from(["", "raw/", "raw/,logs/"]),
    excluded=EXCLUSIONS,
)
def test_explanation_agrees_with_the_sweep_and_only_reads(
    found: list[Case],
    min_age: str,
    min_idle: str,
    prefixes: str,
    excluded: list[str],
    cloud: Cloud,
    command: Command,
) -> None:
    policy = {"MIN_AGE_HOURS": min_age, "MIN_IDLE_HOURS": min_idle, "PREFIXES": prefixes}
    policy["EXCLUDE_PREFIXES"] = ",".join(excluded)
    planted = plant(cloud, found)
    mark = cloud.mark()

    explained = [
        one
        for key in {case.key for case in found}
        for one in command("explain", PHOTOS, "--json", "--", key, **policy).json["uploads"]
    ]

    assert {request.method for request in cloud.requests(mark)} <= {"GET"}
    assert {one["upload_id"] for one in explained} == {*planted}
    command("sweep", "--bucket", PHOTOS, "--abort", "--yes", **policy)
    assert {one["upload_id"] for one in explained if one["sweep"]["would_abort"]} == {*planted} - left(cloud)
    # The engine's own outcome and the rule that is named are the same.
    assert [one for one in explained if one["sweep"]["reason"] != one.get("reason", "")] == []
