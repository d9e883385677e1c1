"""
Whatever ends a run, it takes away what it made; and no request leaves that is about anything else.
"""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import replace

import pytest

from cos_sweeper.net.response import Response
from tests.emulator.public import Cloud
from tests.verify import table
from tests.verify.checks.all import CHECKS
from tests.verify.cleanup import clean
from tests.verify.outcome import AsExpected, Check, NotChecked, Outcome, OutOfBounds
from tests.verify.tests.scene import BUCKET, PHOTOS_NAME, Scene, assert_clean, strangers, with_body
from tests.verify.world import World


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


@pytest.mark.parametrize(("status", "is_cleaned"), [(200, True), (400, True), (409, True), (403, False), (404, False)])
def test_start_that_is_refused_in_an_odd_way_may_have_made_something(
    status: int, cloud: Cloud, *, is_cleaned: bool
) -> None:
    world = Scene(cloud).world_of(Scene(cloud).options({}))

    async def answer() -> Response:
        return Response(status, {}, b"")

    asyncio.run(world.sender._noting("POST", answer()))  # noqa: SLF001

    assert world.sender.may_have_made is is_cleaned


def test_clean_up_skips_what_a_listing_has_beyond_the_prefix_and_takes_the_rest(cloud: Cloud) -> None:
    (stranger,) = cloud.seed(PHOTOS_NAME, "a-stranger")
    entry = f"<Upload><Key>{stranger.key}</Key><UploadId>{stranger.upload_id}</UploadId></Upload>".encode()

    def lie(method: str, url: str, response: Response) -> Response:
        if method != "GET" or "uploads" not in url or b"</Prefix>" not in response.content:
            return response
        return with_body(response, response.content.replace(b"</Prefix>", b"</Prefix>" + entry, 1), 200)

    scene = Scene(cloud, lie=lie)
    cloud.seed(PHOTOS_NAME, scene.prefix + "a")

    async def work() -> None:
        world = scene.world_of(scene.options({}))
        done = await clean(world)
        await world.close()
        assert (done.uploads, done.left) == (1, ["COS listed what is not below the prefix; it was not touched"])

    asyncio.run(work())

    assert [one.key for one in cloud.uploads(PHOTOS_NAME)] == ["a-stranger"]


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
