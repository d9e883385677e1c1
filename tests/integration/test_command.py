"""
The terminal command, piped: `check`, `inventory` and `sweep` against the emulator.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import HANDLER
from tests.function import LOGS, PHOTOS, role_policy
from tests.schema import problems

PHOTO_BUCKET, LOG_BUCKET = PHOTOS.partition("@")[0], LOGS.partition("@")[0]


@pytest.fixture
def command(cloud: Cloud, tmp_path: Path) -> Command:
    return Command(cloud, tmp_path)


def left(cloud: Cloud, bucket: str = PHOTO_BUCKET) -> set[str]:
    return {upload.key for upload in cloud.uploads(bucket)}


def check(ran: Any, name: str) -> dict[str, str]:
    """One finding of `check --json`."""
    (found,) = [one for one in ran.json["checks"] if one["check"] == name]
    return dict(found)


# check


def test_check_shows_whose_the_credentials_are_and_what_they_may_do(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=2)

    ran = command("check")

    assert ran.exit_code == 0
    assert "✓ credentials: account 100000000001, permanent" in ran.stdout
    assert [f"{LOGS}", "✓", "✓", "✓", "0", "no rule"] in [line.split("\t") for line in ran.stdout.splitlines()]
    assert [f"{PHOTOS}", "✓", "✓", "✓", "2", "no rule"] in [line.split("\t") for line in ran.stdout.splitlines()]
    assert left(cloud) == {"0", "1"}


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
def test_check_finds_the_permission_that_is_missing(operation: str, cloud: Cloud, command: Command) -> None:
    policy = role_policy({"BUCKETS": f"{PHOTOS},{LOGS}", "DRY_RUN": "false"})
    for statement in policy["statement"]:
        statement["action"] = [action for action in statement["action"] if action != f"name/cos:{operation}"]
    policy["statement"] = [one for one in policy["statement"] if one["action"]]
    command.credentials = cloud.add_credentials(policy=policy)

    ran = command("check", "--json", BUCKETS=PHOTOS)

    (bucket,) = ran.json["buckets"]
    assert [name for name, code in bucket["permissions"].items() if code != "allowed"] == [operation]
    assert ran.exit_code == 1
    assert f"Allow name/cos:{operation} in {PHOTOS}" in command("check", BUCKETS=PHOTOS).stdout


def test_check_needs_get_service_only_where_no_bucket_is_named(cloud: Cloud, command: Command) -> None:
    policy = role_policy({"BUCKETS": f"{PHOTOS},{LOGS}", "DRY_RUN": "false"})
    command.credentials = cloud.add_credentials(policy=policy)

    named, unnamed = command("check", "--json", BUCKETS=PHOTOS), command("check", "--json")

    assert (named.exit_code, check(named, "buckets")["state"]) == (0, "none")
    assert (unnamed.exit_code, check(unnamed, "buckets")["state"]) == (1, "bad")


@pytest.mark.parametrize(
    ("settings", "exit_code", "text"),
    [
        ({"MIN_AGE_HOURS": "0", "MAX_ABORTS": "x"}, 2, "MIN_AGE_HOURS"),
        ({"TENCENTCLOUD_SECRET_KEY": ""}, 2, "Only half"),
        ({"TENCENTCLOUD_SECRET_KEY": "wrong"}, 1, "SignatureDoesNotMatch"),
        ({"TENCENTCLOUD_SECRET_ID": "wrong"}, 1, "InvalidAccessKeyId"),
    ],
    ids=["settings", "half", "key", "id"],
)
def test_check_says_what_is_wrong(settings: dict[str, str], exit_code: int, text: str, command: Command) -> None:
    ran = command("check", BUCKETS=PHOTOS, **settings)

    assert (ran.exit_code, text in ran.stdout) == (exit_code, True)


def test_check_sees_a_clock_that_is_wrong(cloud: Cloud, command: Command) -> None:
    cloud.clock(offset_seconds=400)

    ran = command("check", "--json", BUCKETS=PHOTOS)

    assert (ran.exit_code, check(ran, "clock")["state"]) == (1, "bad")


def test_check_shows_every_setting_with_its_origin_and_no_secret(command: Command) -> None:
    (command.folder / "cos-sweeper.toml").write_text(
        f'buckets = ["{PHOTOS}"]\nhttp_token = "s3cret-of-sixteen-characters"\n'
    )

    ran = command("check", "--json", "--min-age-hours", "200", "--set", f"report={LOGS}/reports")

    assert ran.json["settings"]["MIN_AGE_HOURS"] == {"value": "200", "from": "--min-age-hours"}
    assert ran.json["settings"]["REPORT"] == {"value": f"{LOGS}/reports", "from": "--set"}
    assert ran.json["settings"]["BUCKETS"]["from"] == "cos-sweeper.toml"
    assert ran.json["settings"]["MIN_IDLE_HOURS"]["from"] == "environment"
    assert "s3cret" not in ran.stdout + ran.stderr
    assert check(ran, "REPORT")["state"] == "good"


def test_check_reads_the_time_limit_and_the_memory_of_the_function(tmp_path: Path) -> None:
    with Cloud.start(PHOTOS, function=HANDLER, time_limit_ms=30_000) as cloud:
        command = Command(cloud, tmp_path, {"INVOKE_ENDPOINT": cloud.invoke_endpoint, "BUCKETS": PHOTOS})

        short = command("check", "--json", "--function", "ap-guangzhou/cos-sweeper")
        unknown = command("check", "--json", "--function", "ap-guangzhou/other/cos-sweeper")
        wrong = command("check", "--function", "cos-sweeper")

    assert check(short, "function")["text"] == "ap-guangzhou/cos-sweeper: 30 s, 128 MB, Python3.10"
    assert check(short, "function")["state"] == "warn"
    assert "ResourceNotFound" in check(unknown, "function")["text"]
    assert (short.exit_code, unknown.exit_code, wrong.exit_code) == (0, 0, 2)


# inventory


def test_inventory_shows_where_it_leaks_and_aborts_nothing(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3, parts=2)
    cloud.seed(PHOTO_BUCKET, "new/{n}", count=2, hours_since_start=2)
    since = cloud.mark()

    ran = command("inventory", "--bucket", PHOTO_BUCKET)

    assert ran.exit_code == 0
    assert ran.stdout.startswith("5 uploads unfinished, 8.00 MiB. 3 uploads abandoned, 6.00 MiB: older than 3 d")
    assert ["  raw/", "3", "6.00 MiB"] in ran.rows("Where")
    assert ran.rows("Kept") == [["started recently", "2"]]
    assert {request.method for request in cloud.requests(since)} == {"GET"}
    assert list(command.folder.iterdir()) == []


def test_inventory_as_json_is_the_report_and_nothing_else_is_on_stdout(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)

    ran = command("inventory", "--all-buckets", "--json")

    assert problems(ran.json) == []
    assert (ran.json["kind"], ran.json["totals"]["left"]["uploads"]) == ("inventory", 3)


def test_inventory_writes_a_page_and_records_where_it_is_told_to(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    page, records = command.folder / "page.html", command.folder / "records"

    ran = command("inventory", "--bucket", PHOTOS, "--html", str(page), "--records", str(records))

    (report,) = records.glob("*/report.json")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert problems(json.loads(report.read_text())) == []
    assert len(list(records.glob("*/uploads/*.outcomes-*"))) == 1
    assert f"Records and report: records/{report.parent.name}" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "text"),
    [
        ((), {}, "No bucket is named."),
        (("--bucket", LOGS), {"BUCKETS": PHOTOS}, f"The bucket {LOGS} is not among the allowed ones."),
        (("--bucket", LOGS), {"EXCLUDE_BUCKETS": LOG_BUCKET}, f"The bucket {LOG_BUCKET} is excluded."),
        (("--all-buckets",), {"BUCKETS": PHOTOS}, f"BUCKETS (environment) allows only {PHOTOS}."),
        (("--bucket", PHOTOS, "--prefix", "b/"), {"PREFIXES": "a/"}, "the prefix 'b/' is outside PREFIXES."),
        (("--colour",), {}, "There is no option --colour."),
        (("--secret-key=hunter2",), {}, "--secret-key: a secret is no option"),
        (("--set", "HTTP_TOKEN=hunter2-hunter2-hunter2"), {}, "HTTP_TOKEN is a secret"),
    ],
    ids=["none", "not_allowed", "excluded", "all", "prefix", "option", "secret_option", "secret_setting"],
)
def test_wrong_use_is_one_sentence_and_a_next_step(
    arguments: tuple[str, ...], settings: dict[str, str], text: str, cloud: Cloud, command: Command
) -> None:
    since = cloud.mark()

    ran = command("inventory", *arguments, **settings)

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: {text}")
    assert "hunter2" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not [one for one in cloud.requests(since) if one.operation != "GetService"]


def test_denied_listing_fails_and_says_what_to_do(cloud: Cloud, command: Command) -> None:
    cloud.seed(LOG_BUCKET, "a")
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")

    ran = command("inventory", BUCKETS=f"{PHOTOS},{LOGS}")

    assert ran.exit_code == 1
    assert ran.rows("Failed")[0][0] == "AccessDenied"
    assert ran.rows("Uploads") == [["abandoned", "≥ 1", "≥ 1.00 MiB"]]


# sweep


def test_sweep_is_a_plan_unless_it_is_told_to_abort(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)

    ran = command("sweep", "--bucket", PHOTOS, DRY_RUN="false", MAX_ABORTS="2")

    assert left(cloud) == {"raw/0", "raw/1", "raw/2"}
    assert ran.exit_code == 0
    assert ran.rows("Uploads") == [["would be aborted", "3", "3.00 MiB"]]
    assert "One run aborts 2 at most" in ran.stderr


@pytest.mark.parametrize(
    ("typed", "aborts"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("", False)]
)
def test_sweep_aborts_after_a_yes_and_only_then(typed: str, aborts: bool, cloud: Cloud, command: Command) -> None:  # noqa: FBT001
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.seed(PHOTO_BUCKET, "other/x")

    ran = command("sweep", "--bucket", PHOTOS, "--prefix", "raw/", "--abort", typed=typed)

    assert left(cloud) == {"other/x"} | (set() if aborts else {"raw/0", "raw/1", "raw/2"})
    assert ran.exit_code == (0 if aborts else 130)
    assert "Abort 3 uploads, 3.00 MiB? This cannot be undone." in ran.stderr
    assert "oldest\t" in ran.stderr
    assert (command.folder / "cos-sweeper-records").exists() == aborts


def test_sweep_aborts_nothing_where_nobody_can_be_asked(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    since = cloud.mark()

    ran = command("sweep", "--bucket", PHOTOS, "--abort")

    assert ran.exit_code == 2
    assert "Give `--yes`" in ran.stderr
    assert cloud.requests(since) == []


@pytest.mark.parametrize("place", ["environment", "option", "file"])
def test_dry_run_that_an_operator_set_wins_over_abort_and_is_said(place: str, cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    if place == "file":
        (command.folder / "cos-sweeper.toml").write_text("dry_run = true\n")

    ran = command(
        *("sweep", "--bucket", PHOTOS, "--abort", "--yes"),
        *(("--set", "dry_run=true") if place == "option" else ()),
        **({"DRY_RUN": "true"} if place == "environment" else {}),
    )

    assert len(left(cloud)) == 3
    assert ran.exit_code == 3
    assert "DRY_RUN is true" in ran.stderr


def test_sweep_records_every_abort_before_it_is_sent(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    (command.folder / "cos-sweeper-records").write_text("a file is in the way")

    ran = command("sweep", "--bucket", PHOTOS, "--abort", "--yes")

    assert len(left(cloud)) == 3
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "No records can be written to" in ran.stderr


def test_sweep_records_under_report_where_it_is_set(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)

    ran = command("sweep", "--abort", "--yes", "--json", BUCKETS=PHOTOS, REPORT=f"{LOGS}/reports")

    names = [one.key for one in cloud.objects(LOG_BUCKET)]
    run_id = ran.json["run_id"]
    assert {f"reports/{run_id}/report.json", f"reports/{run_id}/report.html", f"reports/history/{run_id}.json"} <= {
        *names
    }
    assert any("intents" in name for name in names)
    assert list(command.folder.iterdir()) == []


def test_sweep_that_cannot_store_its_report_shows_it_and_is_partial(cloud: Cloud, command: Command) -> None:
    """Records of aborts are another matter: without them nothing is aborted."""
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("PutObject", status=403, code="AccessDenied")

    ran = command("sweep", "--json", BUCKETS=PHOTOS, REPORT=f"{LOGS}/reports")

    assert ran.json["totals"]["left"]["uploads"] == 3
    assert ran.exit_code == 3
    assert "Not everything could be stored: AccessDenied" in ran.stderr


def test_sweep_until_empty_ends_without_progress(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=5)
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied", skip=2)

    ran = command(*("sweep", "--abort", "--yes", "--until-empty", "--max-aborts", "2", "--json"), BUCKETS=PHOTOS)

    assert [report["totals"]["freed"]["uploads"] for report in ran.json] == [2, 0]
    assert ran.exit_code == 1


@pytest.mark.parametrize(("more", "verb"), [((), "costs"), (("--abort", "--yes"), "saves")], ids=["plan", "aborted"])
def test_sweep_says_what_uploads_cost_or_what_their_abort_saves(
    more: tuple[str, ...], verb: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", part_size=1 << 30)

    ran = command("sweep", "--bucket", PHOTOS, *more, PRICE_PER_GB_MONTH="0.5", CURRENCY="CNY")

    assert f"That {verb} 0.50" in ran.stdout


def test_sweep_of_nothing_asks_nothing(command: Command) -> None:
    ran = command("sweep", "--bucket", PHOTOS, "--abort", typed="")

    assert ran.exit_code == 0
    assert "None is abandoned" in ran.stderr


# Habits


def test_log_has_the_lines_of_the_engine_and_no_secret(cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    log = command.folder / "log"

    command("sweep", "--bucket", PHOTOS, "--abort", "--yes", "--log", str(log))

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines].count("upload.failed") == 3
    assert cloud.owner.secret_key not in log.read_text()


def test_defect_is_one_sentence_with_its_trace_in_the_log(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cos_sweeper.cli.showing.account", lambda *_: 1 / 0)
    log = command.folder / "log"

    ran = command("inventory", "--bucket", PHOTOS, "--log", str(log))

    assert ran.exit_code == 1
    assert ran.stderr.startswith("error: This is a defect of COS Sweeper: ZeroDivisionError at")
    assert "ZeroDivisionError" in log.read_text()


@pytest.mark.parametrize("name", ["inventorry", "nothing"])
def test_unknown_command_is_answered_with_what_there_is(name: str, command: Command) -> None:
    ran = command(name)

    assert ran.exit_code == 2
    assert f"There is no command {name}." in ran.stderr
    assert ("Did you mean inventory?" in ran.stderr) == (name == "inventorry")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_shows_every_command_and_the_first_steps(arguments: tuple[str, ...], command: Command) -> None:
    ran = command(*arguments)

    assert ran.exit_code == 0
    assert all(name in ran.stdout for name in ("check", "inventory", "cos-sweeper sweep --bucket NAME@REGION --abort"))


def test_command_is_chinese_in_a_chinese_locale(command: Command) -> None:
    assert "用法" in command("--help", LANG="zh_CN.UTF-8").stdout
    assert "没有指定存储桶" in command("inventory", "--lang", "zh").stderr
    assert "No bucket is named" in command("inventory", "--lang", "en", LANG="zh_CN.UTF-8").stderr
