"""
Wrong use leads to the right line: each error has the next step of a person who typed just that.
"""

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS

BUCKET = PHOTOS.partition("@")[0]
HERE = ("--bucket", PHOTOS)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--json", "inventory"), "Options stand after the command: `cos-sweeper COMMAND --json`."),
        (("sweep", PHOTOS), f"A bucket is an option here: `cos-sweeper sweep --bucket {PHOTOS}`."),
        (("sweep", PHOTOS, "--lang", "zh"), f"此处存储桶是选项：`cos-sweeper sweep --bucket {PHOTOS}`。"),
        (("drain", "--bucket", PHOTOS), "The bucket is no option here: `cos-sweeper drain NAME@REGION`."),
        (("abort", PHOTOS, "-x"), "`cos-sweeper abort -- BUCKET KEY`"),
        (("events", "tmer"), "Did you mean timer?"),
        (("inventory", *HERE, "--min-age-hours", "7d"), "error: --min-age-hours: "),
        (("inventory", *HERE, "--set", "min_age_hours=7d"), "error: --set MIN_AGE_HOURS: "),
        (("inventory", *HERE, "--set", "FOO"), "`cos-sweeper inventory --help`"),
        (("lifecycle", "--add-rule", "x"), "`cos-sweeper lifecycle --help`"),
        (("policy", *HERE, "--region", "Guangzhou!"), "such as ap-guangzhou."),
        (("policy", "--serverless", "x.yml", "--abort"), "`--abort` has no effect here."),
        (("policy", "--serverless", "x.yml", *HERE), "`--bucket` has no effect here."),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_wrong_use_has_the_next_step(arguments: tuple[str, ...], text: str, command: Command) -> None:
    ran = command(*arguments)

    assert ran.exit_code == 2
    assert text in ran.stderr


def test_policy_without_aborts_names_the_option_that_allows_them(command: Command) -> None:
    here = ("policy", *HERE, "--region", "ap-guangzhou")

    without, with_abort = command(*here), command(*here, "--abort")

    assert "AbortMultipartUpload" not in without.stdout
    assert f"# cos-sweeper policy --bucket {PHOTOS} --region ap-guangzhou --abort allows it." in without.stderr
    assert "AbortMultipartUpload" in with_abort.stdout
    assert "DRY_RUN" not in with_abort.stderr


def test_abort_that_is_denied_names_the_permission(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=300)
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")

    ran = command("sweep", *HERE, "--abort", "--yes")

    assert ran.rows("Failed") == [["AccessDenied", "1", "Allow name/cos:AbortMultipartUpload in this bucket."]]
