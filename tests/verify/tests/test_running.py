"""
A run tells the truth about COS, takes away what it made whatever happens, and touches nothing else.
"""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.response import Response
from tests.emulator.public import FULL_ACCESS, Cloud
from tests.function import PHOTOS
from tests.unit.cli.little_monitor import LittleMonitor
from tests.verify import table
from tests.verify.bounds import new_prefix
from tests.verify.checks.all import CHECKS
from tests.verify.cleanup import clean
from tests.verify.outcome import AsExpected, Check, NotChecked, Outcome, OutOfBounds
from tests.verify.tests.little_api import LittleApi
from tests.verify.tests.scene import BUCKET, Scene, different, not_checked, with_body
from tests.verify.world import MANY, World

PHOTOS_NAME = PHOTOS.partition("@")[0]


def full_scene(cloud: Cloud, **more: object) -> Scene:
    """With every service beside COS."""
    monitor = LittleMonitor({("StdMultipartNumber", PHOTOS_NAME): ([1_790_000_000], [12])})
    return Scene(cloud, api=LittleApi(cloud), monitor=monitor, **more)  # type: ignore[arg-type]


def strangers(cloud: Cloud) -> list[str]:
    """Uploads that others made, some of them another run of this program."""
    keys = ["a", "cos-sweeper-verify/a", f"{new_prefix()}markers/same"]
    for key in keys:
        cloud.seed(PHOTOS_NAME, key)
    return sorted(keys)


def assert_clean(cloud: Cloud, others: list[str] | None = None) -> None:
    assert sorted(one.key for one in cloud.uploads(PHOTOS_NAME)) == (others or [])
    assert cloud.objects(PHOTOS_NAME) == []


def test_everything_is_as_expected_at_the_emulator_and_nothing_is_left(cloud: Cloud) -> None:
    others, scene = strangers(cloud), full_scene(cloud, many=MANY)

    run = scene.run()

    assert different(run) == []
    assert not_checked(run) == ["sign-token", "monitor-unit"]
    assert (run.defect, run.interrupted, run.cleaned.left) == ("", False, [])
    assert_clean(cloud, others)


def test_every_request_is_about_the_bucket_and_the_prefix(cloud: Cloud) -> None:
    mark, scene = cloud.mark(), full_scene(cloud)

    scene.run()

    asked = cloud.requests(mark)
    keys = {one.key for one in asked if one.key}
    assert {one.bucket for one in asked} == {PHOTOS_NAME, ""}
    assert [key for key in keys if not key.lstrip("/\\").startswith(scene.prefix)] == []
    # The emulator has no name for the reading of versions.
    assert {one.operation for one in asked if not one.key} - {""} == {
        *("GetBucket", "GetBucketLifecycle", "GetBucketObjectLockConfiguration", "GetService", "ListMultipartUploads"),
    }


def test_temporary_credentials_check_their_token_and_cannot_make_narrower_ones(cloud: Cloud) -> None:
    made = cloud.add_credentials(policy=FULL_ACCESS, token="an-example-token-of-32-characters")
    scene = full_scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, made.token or ""))

    run = scene.run()

    assert different(run) == []
    assert [name for name in not_checked(run) if not name.startswith("permission-")] == [
        "monitor-unit",
        "function-itself",
    ]
    assert_clean(cloud)


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        ("name/cos:InitiateMultipartUpload", "abort-204"),
        ("name/cos:UploadPart", "abort-204"),
        ("name/cos:ListParts", "parts-pages"),
        ("name/cos:GetBucketLifecycle", "lifecycle-none"),
        ("name/cos:GetBucketObjectLock", "abort-completed"),
        ("name/cos:PutObject", "report-objects"),
        ("name/cos:GetService", "service"),
        ("name/cos:ListMultipartUploads", "list-fresh"),
    ],
)
def test_missing_permission_leaves_unchecked_what_needs_it(denied: str, expected: str, cloud: Cloud) -> None:
    statements = [*FULL_ACCESS["statement"], {"effect": "deny", "action": denied, "resource": "*"}]
    made = cloud.add_credentials(policy={"version": "2.0", "statement": statements})
    scene = Scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, ""))

    run = scene.run()

    assert different(run) == []
    assert expected in not_checked(run)
    # Without its listing nothing that was made is found again, and that is said.
    assert bool(run.cleaned.left) == (denied == "name/cos:ListMultipartUploads")


def test_what_may_not_be_aborted_is_named_as_left(cloud: Cloud) -> None:
    deny = {"effect": "deny", "action": "name/cos:AbortMultipartUpload", "resource": "*"}
    policy = {"version": "2.0", "statement": [*FULL_ACCESS["statement"], deny]}
    made = cloud.add_credentials(policy=policy)
    scene = Scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, ""))

    run = scene.run()

    assert different(run) == []
    assert len(run.cleaned.left) == 1
    assert scene.prefix in run.cleaned.left[0]
    assert table.exit_code(run) == table.SOMETHING_LEFT


@pytest.mark.parametrize(
    "fault", [{"reset": "before"}, {"reset": "after"}, {"status": 503, "code": "SlowDown"}], ids=str
)
def test_lost_answers_make_nothing_different_and_leave_nothing(fault: dict[str, object], cloud: Cloud) -> None:
    cloud.fault(probability=0.05, **fault)  # type: ignore[arg-type]
    scene = Scene(cloud)

    run = scene.run()

    assert different(run) == []
    cloud.heal()
    assert run.cleaned.left == []
    assert_clean(cloud)


def test_cos_that_answers_nothing_is_left_alone_soon(cloud: Cloud) -> None:
    cloud.fault(status=503, code="SlowDown")
    mark, scene = cloud.mark(), Scene(cloud)

    run = scene.run()

    assert different(run) == []
    assert len(not_checked(run)) == len(CHECKS)
    assert len(cloud.requests(mark)) < 100


@pytest.mark.parametrize("minutes", [10, -10], ids="{} min".format)
def test_clock_that_is_off_is_found_and_makes_nothing_else_different(minutes: int, cloud: Cloud) -> None:
    scene = Scene(cloud, ahead=timedelta(minutes=minutes))

    run = scene.run()

    assert different(run) == ["date"]
    assert {"engine-dry-run", "engine-sweep"} <= set(not_checked(run))
    assert_clean(cloud)


@pytest.mark.parametrize("hours", [1, -2], ids="{} h".format)
def test_clock_that_cos_does_not_accept_leaves_everything_unchecked(hours: int, cloud: Cloud) -> None:
    scene = Scene(cloud, ahead=timedelta(hours=hours))

    run = scene.run()

    assert [name for name in different(run) if not name.startswith("sign-")] == []
    assert "abort-204" in not_checked(run)
    assert_clean(cloud)


def test_wrong_credentials_leave_everything_unchecked(cloud: Cloud) -> None:
    scene = Scene(cloud, credentials=Credentials("AKIDnobody000000", "nothing", ""))

    run = scene.run()

    assert "abort-204" in not_checked(run)
    assert run.cleaned.left == []


@pytest.mark.parametrize("configuration", ["object-lock", "versioning"])
def test_bucket_that_would_keep_an_object_gets_none(configuration: str, cloud: Cloud) -> None:
    def lie(_method: str, url: str, response: Response) -> Response:
        enabled = b"<C><ObjectLockEnabled>Enabled</ObjectLockEnabled></C>"
        return with_body(response, enabled, 200) if f"?{configuration}=" in url else response

    mark, scene = cloud.mark(), Scene(cloud, lie=lie)

    run = scene.run()

    assert different(run) == []
    assert {"abort-completed", "report-objects"} <= set(not_checked(run))
    assert {"CompleteMultipartUpload", "PutObject"}.isdisjoint(one.operation for one in cloud.requests(mark))


def test_run_against_a_server_on_this_machine_asks_no_service_of_the_cloud(cloud: Cloud) -> None:
    scene = Scene(cloud)

    whys = {one.outcome.seen for one in scene.run().results if one.check.name.startswith(("permission", "monitor-c"))}

    assert whys == {f"a COS on this machine has no {service} beside it" for service in ("sts", "monitor")}


# Interrupted


def check_of(work: object) -> Check:
    """A check that makes something, and then does this."""

    async def run(world: World) -> Outcome:
        await world.start("interrupted/a")
        await world.start_at(f"{world.prefix}interrupted/b")
        await work(world)  # type: ignore[operator]
        return AsExpected("")

    return Check("interrupted", "", run)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
def test_signal_ends_the_run_and_the_clean_up_still_happens(kind: signal.Signals, cloud: Cloud) -> None:
    async def be_killed(_: World) -> None:
        os.kill(os.getpid(), kind)
        await asyncio.Event().wait()

    run = Scene(cloud).run([check_of(be_killed), CHECKS[0]])

    assert run.interrupted
    assert [type(one.outcome) for one in run.results] == [NotChecked, NotChecked]
    assert table.exit_code(run) == table.INTERRUPTED
    assert_clean(cloud)


def test_exception_in_a_check_ends_the_run_and_the_clean_up_still_happens(cloud: Cloud) -> None:
    async def break_down(_: World) -> None:
        raise ZeroDivisionError("AKIDsecret")

    run = Scene(cloud).run([check_of(break_down)])

    assert run.defect == "ZeroDivisionError"
    assert table.exit_code(run) == table.SOMETHING_LEFT
    assert_clean(cloud)


def test_second_signal_ends_the_clean_up_too_and_that_is_said(cloud: Cloud) -> None:
    async def be_killed(world: World) -> None:
        listing = world.listing_at

        async def listing_then_killed(*args: str, **params: str) -> object:
            os.kill(os.getpid(), signal.SIGINT)
            return await listing(*args, **params)

        world.listing_at = listing_then_killed  # type: ignore[method-assign, assignment]
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    run = Scene(cloud).run([check_of(be_killed)])

    assert run.cleaned.left == ["the clean-up was interrupted"]


def test_what_a_killed_run_left_is_cleaned_by_its_prefix(cloud: Cloud) -> None:
    others, scene = strangers(cloud), Scene(cloud)
    for name in ("a", "x/中", "x/中"):
        cloud.seed(PHOTOS_NAME, scene.prefix + name)

    async def work() -> None:
        world = scene.world_of(scene.options({}))
        await world.store().put_report(BUCKET, f"{world.folder}report/a", b"{}")
        done = await clean(world)
        await world.close()
        assert (done.uploads, done.objects, done.left) == (3, 1, [])

    asyncio.run(work())

    assert_clean(cloud, others)


# The guard


def test_request_out_of_bounds_is_not_sent_and_ends_the_run(cloud: Cloud) -> None:
    (stranger,) = cloud.seed(PHOTOS_NAME, "theirs")

    async def abort_theirs(world: World) -> None:
        await world.client.send("DELETE", stranger.key, {"uploadId": stranger.upload_id})

    run = Scene(cloud).run([check_of(abort_theirs)])

    assert run.defect == "a DELETE was not sent, because it names a key that is not below the prefix"
    assert_clean(cloud, ["theirs"])


def test_request_out_of_bounds_ends_the_run_even_if_the_check_does_not_notice(cloud: Cloud) -> None:
    async def list_everything(world: World) -> None:
        with suppress(OutOfBounds):
            await world.client.send("GET", "", {"uploads": ""})

    run = Scene(cloud).run([check_of(list_everything)])

    assert run.defect == "a GET was not sent, because it names a listing beyond the prefix"


def test_guard_holds_for_the_functions_store_too(cloud: Cloud) -> None:
    async def list_everything(world: World) -> None:
        await world.store().list_reports(BUCKET, f"{world.folder}report/", "")
        other = replace(BUCKET, name="logs-1250000000")
        await world.store().lifecycle(other)

    run = Scene(cloud).run([check_of(list_everything)])

    assert run.defect == "a GET was not sent, because it names another host"
