"""
Figures are right or say that they are not: limits, interruptions, prices, and advice that fits the error.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import HANDLER
from tests.function import LOGS, PHOTOS
from tests.tap import Tap
from tests.terminal import CTRL_C, terminal

BUCKET = PHOTOS.partition("@")[0]


def test_run_that_stops_at_its_limit_says_at_least(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n:04}", count=2500, hours_since_start=300)

    ran = command("sweep", "--bucket", PHOTOS, "--abort", "--yes", "--max-aborts", "2")

    assert "≥ 1,998 uploads left were not looked at: MAX_ABORTS is reached." in ran.stderr
    assert ran.rows("Uploads") == [["aborted", "2", "2.00 MiB"], ["left", "≥ 1,998", ran.rows("Uploads")[1][2]]]
    assert command("report").rows("Runs in cos-sweeper-records")[0][3] == "≥ 2,000"


def test_run_that_a_person_stopped_is_incomplete_and_says_who_stopped_it(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n:03}", count=150, hours_since_start=400)
    port = int(cloud.endpoint.rpartition(":")[2])
    with (
        Tap(port, b"uploadId=") as tap,
        terminal(command, "inventory", "--bucket", PHOTOS, COS_ENDPOINT=tap.endpoint, NO_COLOR="1") as running,
    ):
        running.when(lambda: bool(tap.held))
        running.type(CTRL_C)
        running.until("Press Ctrl-C again")
        tap.release.set()
        ran = running.end()

    shown = " ".join(ran.stdout.split())
    assert ran.exit_code == 130
    assert "Incomplete, because you stopped it. ≥ " in shown
    assert "Not swept: " in shown
    assert "out of time" not in shown


@pytest.mark.parametrize("name", ["inventory", "sweep"])
def test_price_is_an_option_and_is_offered_where_it_is_missing(name: str, cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/a", hours_since_start=300, part_size=1 << 30)
    priced = ("--price-per-gb-month", "0.5", "--currency", "CNY")

    with_price, without = command(name, "--bucket", PHOTOS, *priced), command(name, "--bucket", PHOTOS)

    assert "That costs 0.50 CNY a month." in with_price.stdout.replace("\u00a0", " ")
    assert ("--price-per-gb-month PRICE" in without.stderr, "--price" in with_price.stderr.split("→")[0]) == (
        True,
        False,
    )


@pytest.mark.parametrize(("port", "advice"), [("1", "SCF could not be reached."), (None, "REGION/NAMESPACE/NAME")])
def test_advice_about_the_function_fits_the_error(port: str | None, advice: str, tmp_path: Path) -> None:
    with Cloud.start(PHOTOS, function=HANDLER) as cloud:
        endpoint = f"http://127.0.0.1:{port}" if port else cloud.invoke_endpoint
        command = Command(cloud, tmp_path, {"INVOKE_ENDPOINT": endpoint, "BUCKETS": PHOTOS})

        ran = command("check", "--function", "ap-guangzhou/other/cos-sweeper")

    assert advice in ran.stdout


LOOKS = {"inventory": ("inventory",), "plan": ("sweep",), "question": ("sweep", "--abort")}
DENIED = {"status": 403, "code": "AccessDenied"}
UNREAD = {
    "page 2 is denied": {"bucket": BUCKET, "skip": 1, **DENIED},
    "a bucket is denied": {"bucket": LOGS.partition("@")[0], **DENIED},
}


@pytest.mark.parametrize("fault", UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_headline_is_incomplete_where_a_listing_failed(
    look: tuple[str, ...], fault: dict[str, Any], cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "raw/{n:04}", count=1001, hours_since_start=5, parts=0)
    cloud.fault("ListMultipartUploads", **fault)

    ran = command(*look, BUCKETS=f"{PHOTOS},{LOGS}", typed="y\n")

    shown = " ".join((ran.stdout + ran.stderr).split())
    assert ran.exit_code == 1
    assert "Incomplete, because a listing failed. " in shown
    assert "None is known to be abandoned: " in shown
    assert "None is abandoned" not in shown
    assert look[0] == "sweep" or "≥ 1,00" in shown.partition(" unfinished")[0]


@pytest.mark.parametrize("look", [*LOOKS.values(), ("sweep", "--abort", "--yes")], ids=[*LOOKS, "abort"])
def test_headline_counts_what_could_not_be_judged(look: tuple[str, ...], cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=3, hours_since_start=300)
    cloud.fault("ListMultipartUploads", date_offset_seconds=3 * 86_400)

    ran = command(*look, "--bucket", PHOTOS, typed="")

    shown = " ".join((ran.stdout + ran.stderr).split())
    assert ran.exit_code == 3
    assert "3 uploads could not be judged: the clocks of the function and of COS differ." in shown
    assert "None is abandoned" not in shown
    assert ("None is known to be abandoned: " in shown) is ("--yes" not in look)
    assert len(cloud.uploads(BUCKET)) == 3
