"""
What protects a person who aborts: options that cannot apply, an answer that binds, and warnings.
"""

from typing import Any
from unittest import mock

import pytest

from tests.command import Command, Ran
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS

BUCKET = PHOTOS.partition("@")[0]
ID = "1585130821cbb7df1d11846c"
AGE, EVENT = "`--min-age-hours` has no effect here.", "`--event-min-idle-minutes` has no effect here."


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["abort", PHOTOS, "a", ID, "--min-age-hours", "900"], AGE),
        (["abort", PHOTOS, "a", ID, "--set", "MIN_IDLE_HOURS=900"], "`--set MIN_IDLE_HOURS` has no effect here."),
        (["abort", PHOTOS, "a", "--event-min-idle-minutes", "60"], EVENT),
        (["explain", PHOTOS, "a", "--event-min-idle-minutes", "60"], EVENT),
        (["drain", PHOTOS, "--set", "MIN_AGE_HOURS=900"], "`--set MIN_AGE_HOURS` has no effect here."),
        (["lifecycle", "--bucket", PHOTOS, "--old", "x"], "need `--add-rule`"),
        (["events", "timer", "--bucket", PHOTOS, "--key", "x"], "`--key` and `--upload-id` have no effect here."),
        (["report", ".", "--records", "x"], "`--records` has no effect here: a directory is named."),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_option_without_effect_is_refused(arguments: list[str], text: str, cloud: Cloud, command: Command) -> None:
    mark = cloud.mark()

    ran = command(*arguments)

    assert (ran.exit_code, cloud.requests(mark)) == (2, [])
    assert text in ran.stderr


def test_setting_of_the_environment_is_no_option_without_effect(cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "a")

    assert command("abort", PHOTOS, "a", upload.upload_id, "--yes", MIN_AGE_HOURS="900").exit_code == 0


@pytest.mark.parametrize("verb", ["abort", "explain"])
def test_upload_that_cos_does_not_know_is_not_said_to_be_done(verb: str, cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "a")

    ran = command(verb, PHOTOS, "b", upload.upload_id, *(["--yes"] if verb == "abort" else []))

    assert ran.exit_code == 3
    assert "COS knows no such upload: it was completed or aborted, or its key or its id is another one." in ran.stderr


def answered(command: Command, *arguments: str, answer: str, meanwhile: Any) -> Ran:
    """The command, with what happens while its question waits."""

    def prompt(*_: object, **__: object) -> str:
        meanwhile()
        return answer

    with mock.patch("click.prompt", prompt):
        return command(*arguments, typed="")


ASKING = pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["sweep", "--bucket", PHOTOS, "--abort"], "y"),
        (["sweep", "--bucket", PHOTOS, "--abort", "--until-empty", "--max-aborts", "1"], "y"),
        (["abort", PHOTOS, "a"], "y"),
        (["drain", PHOTOS], BUCKET),
    ],
    ids=["sweep", "until_empty", "abort", "drain"],
)


@ASKING
def test_answer_binds_to_the_uploads_that_were_shown(
    arguments: list[str], answer: str, cloud: Cloud, command: Command
) -> None:
    shown = cloud.seed(BUCKET, "a", count=2, hours_since_start=300)

    def meanwhile() -> None:
        cloud.seed(BUCKET, "a", hours_since_start=400)

    ran = answered(command, *arguments, answer=answer, meanwhile=meanwhile)

    assert len(cloud.uploads(BUCKET)) == 1
    assert not {one.upload_id for one in shown} & {one.upload_id for one in cloud.uploads(BUCKET)}
    assert "1 upload left as they are: the question did not show them." in ran.stderr
    assert ran.exit_code == (3 if arguments[0] == "drain" else 0)


def test_answer_to_fewer_uploads_than_shown_is_said_with_the_reason(cloud: Cloud, command: Command) -> None:
    _, alive = cloud.seed(BUCKET, "a{n}", count=2, hours_since_start=300)

    def meanwhile() -> None:
        cloud.seed(BUCKET, alive.key, upload_id=alive.upload_id, hours_since_start=300, hours_since_last_part=0.1)

    ran = answered(command, "sweep", "--bucket", PHOTOS, "--abort", answer="y", meanwhile=meanwhile)

    assert [one.upload_id for one in cloud.uploads(BUCKET)] == [alive.upload_id]
    assert "Shown 2, aborted 1. kept: a part arrived recently (1)." in ran.stderr


def test_preview_of_a_drain_counts_what_a_sweep_would_keep(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "old", hours_since_start=300)
    cloud.seed(BUCKET, "young", hours_since_start=2)
    cloud.seed(BUCKET, "in-use", hours_since_start=300, hours_since_last_part=1)

    ran = command("drain", PHOTOS, typed="\n")

    assert "A sweep would keep 2 uploads of these: younger than 3 d, or a part arrived within 1 d." in ran.stderr
    assert "# The oldest" in ran.stderr


def test_preview_of_a_sweep_shows_the_oldest_and_what_is_kept(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "old", hours_since_start=300)
    cloud.seed(BUCKET, "young", hours_since_start=2)

    ran = command("sweep", "--bucket", PHOTOS, "--abort", typed="\n")

    assert all(text in ran.stderr for text in ("# The oldest", "# Kept", "started recently\t1"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inventory", "--bucket", PHOTOS, "--prefix", "rwa/"], "--prefix rwa/"),
        (
            ["sweep", "--bucket", PHOTOS, "--exclude-prefix", "rwa/", "--exclude-prefix", "raw/"],
            "--exclude-prefix rwa/",
        ),
        (["sweep", "--bucket", PHOTOS, "--exclude-bucket", "logz-1250000000"], "--exclude-bucket logz-1250000000"),
        (["drain", PHOTOS, "--confirm", BUCKET, "--exclude-prefix", "keep/"], "--exclude-prefix keep/"),
        (["sweep", "--all-buckets", "--exclude-bucket", LOGS.partition("@")[0]], ""),
    ],
    ids=["prefix", "exclude_prefix", "exclude_bucket", "drain", "none"],
)
def test_protective_option_that_matches_nothing_is_told(
    arguments: list[str], told: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "raw/a", hours_since_start=300)

    ran = command(*arguments)

    assert ran.exit_code == 0
    assert [line.split("`")[1] for line in ran.stderr.splitlines() if "matches nothing" in line] == (
        [told] if told else []
    )
