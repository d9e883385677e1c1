"""
The terminal command, piped: `abort`, `explain`, `drain` and `report` against the emulator.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cos_sweeper.cli import words
from tests.command import Command, Ran
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, named, timer

BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
RECORDS = "cos-sweeper-records"
KEYS = ["raw/cat.mp4", "猫/x y+z", "raw/100%", "raw/%41", "-x", "a\nb", "a//b"]


@pytest.fixture
def command(cloud: Cloud, tmp_path: Path) -> Iterator[Command]:
    yield Command(cloud, tmp_path, {"BUCKETS": PHOTOS})
    words.use(words.ENGLISH)


def left(cloud: Cloud, bucket: str = BUCKET) -> list[str]:
    return sorted(upload.key for upload in cloud.uploads(bucket))


def outcomes(ran: Ran) -> list[str]:
    return [one["outcome"] for one in ran.json["uploads"]]


def runs(command: Command) -> list[str]:
    folder = command.folder / RECORDS
    return sorted(path.name for path in folder.iterdir() if path.name != "history") if folder.exists() else []


def recorded(command: Command, key: str) -> list[str]:
    return [one["outcome"] for one in command("report", "--find", key, "--json").json["records"]]


# abort


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("by_id", [False, True], ids=["key", "id"])
def test_abort_takes_exactly_this_key(key: str, cloud: Cloud, command: Command, *, by_id: bool) -> None:
    (upload,) = cloud.seed(BUCKET, key, parts=3)
    cloud.seed(BUCKET, f"{key}.bak")

    ran = command("abort", PHOTOS, "--yes", "--json", "--", key, *([upload.upload_id] if by_id else []))

    assert ran.exit_code == 0
    assert outcomes(ran) == ["aborted"]
    assert [ran.json["uploads"][0][name] for name in ("key", "bytes", "parts", "verified")] == [key, 3 << 20, 3, True]
    assert left(cloud) == [f"{key}.bak"]
    # Uploads that the command names by their id are the operator's own list; the others are recorded first.
    assert recorded(command, key) == (["aborted"] if by_id else ["intended", "aborted"])


@pytest.mark.parametrize(("typed", "exit_code"), [("n\n", 130), ("\n", 130), ("y\n", 0)], ids=["no", "enter", "yes"])
def test_abort_shows_and_asks(typed: str, exit_code: int, cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", count=2, parts=3, hours_since_start=300)

    ran = command("abort", PHOTOS, "a", typed=typed)

    assert ran.exit_code == exit_code
    assert ran.stderr.count("3.00 MiB\t3\twould be freed") == 2
    assert "Abort 2 uploads, 6.00 MiB? This cannot be undone." in ran.stderr
    assert len(left(cloud)) == (0 if exit_code == 0 else 2)


def test_abort_of_a_key_keeps_its_younger_uploads_and_says_so(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=300)
    (young,) = cloud.seed(BUCKET, "a", hours_since_start=3, parts=2)

    ran = command("abort", PHOTOS, "a", "--yes")

    assert ran.exit_code == 3
    assert "2.00 MiB\t2\tkept: started recently" in ran.stdout
    assert "cos-sweeper explain" in ran.stderr
    assert [upload.upload_id for upload in cloud.uploads(BUCKET)] == [young.upload_id]


def test_abort_with_an_id_warns_of_a_part_that_just_arrived(cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "a", hours_since_start=30, hours_since_last_part=0.1, parts=2)

    asked = command("abort", PHOTOS, "a", upload.upload_id, typed="n\n")
    kept = command("abort", PHOTOS, "a", upload.upload_id, "--yes", "--event-min-idle-minutes", "60")

    assert f"{PHOTOS}/a {upload.upload_id}\n" in asked.stderr
    for ran in (asked, command("abort", PHOTOS, "a", upload.upload_id, "--yes")):
        assert "A part arrived 6 min ago: the upload may be alive." in ran.stderr
        assert "A sweep would keep it: started recently." in ran.stderr
    assert (kept.exit_code, left(cloud)) == (3, [])
    assert "kept: a part arrived recently" in kept.stdout


def test_abort_shows_the_key_under_which_cos_has_the_upload(cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "x y/k", hours_since_start=30, parts=2)

    asked = command("abort", PHOTOS, "x+y/k", upload.upload_id, typed="n\n")
    done = command("abort", PHOTOS, "x+y/k", upload.upload_id, "--yes")

    assert f"{PHOTOS}/x y/k {upload.upload_id}\n" in asked.stderr
    assert f"{PHOTOS}/x y/k {upload.upload_id}\n" in done.stdout
    for ran in (asked, done):
        assert "COS has this upload under another key: x y/k" in ran.stderr
        assert "A sweep would keep it: started recently." in ran.stderr
        assert "x+y" not in ran.stdout + ran.stderr
    # The start is known.
    assert "\n–" not in asked.stderr
    assert (done.exit_code, left(cloud)) == (0, [])


def test_abort_aborts_only_what_the_question_showed(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=300)
    (later,) = cloud.seed(BUCKET, "a", hours_since_start=72 + 50 / 3600)
    cloud.clock(offset_seconds=-100)

    def answer(question: str, **_: Any) -> str:
        cloud.clock(offset_seconds=0)
        return "y" if "Abort 1 upload" in question else ""

    with mock.patch("click.prompt", answer):
        command("abort", PHOTOS, "a", typed="")

    assert [upload.upload_id for upload in cloud.uploads(BUCKET)] == [later.upload_id]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "text"),
    [
        (["abort", PHOTOS, "a"], 2, "Give `--yes`"),
        (["abort", PHOTOS, "", "--yes"], 2, "The key is empty."),
        (["abort", PHOTOS, "a", "", "--yes"], 2, "the upload id is empty"),
        (["abort", LOGS, "a", "--yes"], 2, "not among the allowed ones"),
        (["abort", PHOTOS, "a", "--yes", "--exclude-bucket", BUCKET], 2, "is excluded"),
        (["abort", PHOTOS, "other", "--yes"], 0, "no unfinished upload"),
        (["abort", PHOTOS, "a", "--yes", "--exclude-prefix", "a"], 3, "under an excluded prefix"),
        (["abort", PHOTOS, "a", "--yes", "--set", "PREFIXES=b/"], 3, "outside the prefixes"),
        (["abort", PHOTOS, "a", "--yes", "--set", "DRY_RUN=true"], 3, "DRY_RUN is true (--set), and it wins"),
        (["abort", PHOTOS], 2, "is missing"),
        (["explain", PHOTOS, "a", ""], 2, "the upload id is empty"),
        (["explain", LOGS, "a"], 2, "not among the allowed ones"),
        (["explain", PHOTOS, "other"], 0, "no unfinished upload"),
        (["drain", PHOTOS], 2, f"Give `--confirm {BUCKET}`"),
        (["drain", PHOTOS, "--yes"], 2, "`--yes` is not enough here"),
        (["drain", PHOTOS, "--confirm", "photos"], 2, "is not the name of the bucket"),
        (["drain", LOGS, "--confirm", OTHER], 2, "not among the allowed ones"),
        (["drain", PHOTOS, "--confirm", BUCKET, "--exclude-bucket", BUCKET], 2, "is excluded"),
        (["drain", PHOTOS, "--confirm", BUCKET, "--set", "DRY_RUN=true"], 3, "1 upload would go"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_nothing_is_aborted_and_the_reason_is_said(
    arguments: list[str], exit_code: int, text: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=300)
    cloud.seed(OTHER, "a", hours_since_start=300)
    mark = cloud.mark()

    ran = command(*arguments)

    assert ran.exit_code == exit_code
    assert text in ran.stdout + ran.stderr
    assert (left(cloud), left(cloud, OTHER)) == (["a"], ["a"])
    assert {request.method for request in cloud.requests(mark)} <= {"GET"}


@pytest.mark.parametrize("command_line", [["abort", PHOTOS, "a", "--yes"], ["drain", PHOTOS, "--confirm", BUCKET]])
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "AbortMultipartUpload"])
def test_missing_permission_fails_with_a_next_step(
    command_line: list[str], operation: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=300)
    cloud.fault(operation, status=403, code="AccessDenied")

    ran = command(*command_line)

    assert ran.exit_code == 1
    assert "`cos-sweeper check --bucket photos-1250000000@ap-guangzhou` shows" in ran.stderr
    assert "name/cos:AbortMultipartUpload" in ran.stdout + ran.stderr or operation != "AbortMultipartUpload"
    assert left(cloud) == ["a"]


def test_key_that_no_request_can_carry_is_left_with_the_way_out(cloud: Cloud, command: Command) -> None:
    key = b"raw/\xff".decode("utf-8", "surrogateescape")
    cloud.seed(BUCKET, key, hours_since_start=300)

    by_key = command("abort", PHOTOS, key, "--yes")
    explained = command("explain", PHOTOS, key)
    drained = command("drain", PHOTOS, "--confirm", BUCKET)

    assert (by_key.exit_code, explained.exit_code, drained.exit_code) == (3, 3, 3)
    assert "the key is not valid UTF-8" in by_key.stdout
    assert r"raw/\xff" in explained.stdout
    assert "`cos-sweeper lifecycle --bucket" in by_key.stderr
    assert "`cos-sweeper lifecycle --bucket" in drained.stderr
    assert len(left(cloud)) == 1


# explain


def facts(ran: Ran) -> dict[str, str]:
    return {row[0]: row[1] for row in ran.rows("Evidence (times in UTC)")}


def test_explanation_has_all_evidence(cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/cat", hours_since_start=300, hours_since_last_part=3, parts=7)

    ran = command("explain", PHOTOS, "raw/cat", upload.upload_id, "--exclude-prefix", "x/")

    found = facts(ran)
    assert found["started, as listed"].endswith(".000Z")
    assert found["started, as read"].endswith("(12 d ago)")
    assert found["time in the upload id"] == found["started, as read"]
    assert found["parts"] == "7, 7.00 MiB"
    assert found["newest part"].endswith("(3 h ago)")
    assert found["idle"] == "3 h"
    assert "differs by" in found["COS's clock"]
    assert found["EXCLUDE_PREFIXES"] == "none of 1 matches (--exclude-prefix)"
    assert found["MIN_AGE_HOURS"].startswith("3 d (environment), until ")
    assert len(ran.rows("Newest parts (times in UTC)")) == 5
    assert "A sweep keeps it: a part arrived recently. Would be aborted from " in ran.stdout
    assert "that names its id aborts it, and looks neither at its age nor at its parts." in ran.stdout


@pytest.mark.parametrize(
    ("key", "hours", "more", "fact", "value"),
    [
        ("out/_temporary/a", 300, [], "committer's path", "/_temporary"),
        ("a", 300, ["--exclude-prefix", "a"], "EXCLUDE_PREFIXES", "a matches (--exclude-prefix)"),
        ("a+b%20c", 300, [], "the key can mean", "a+b%20c | a%2Bb%2520c | a+b c | a b c"),
        ("a", 300, ["--set", "PREFIXES=b/"], "PREFIXES", "none of 1 matches (--set)"),
    ],
    ids=["committer", "excluded", "readings", "outside"],
)
def test_explanation_says_which_rule_meets_the_key(
    key: str, hours: float, more: list[str], fact: str, value: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, key, hours_since_start=hours)

    ran = command("explain", PHOTOS, key, *more)

    assert facts(ran)[fact] == value
    assert ("Time alone does not change that." in ran.stdout) == ("can mean" not in fact)


def test_explanation_covers_a_start_with_two_readings(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", upload_id="plain-id", hours_since_start=300)
    entry = "<Upload><Key>a</Key><UploadId>plain-id</UploadId><Initiated>Wed Jan 18 16:04:17 2017</Initiated></Upload>"
    raw = f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{entry}</ListMultipartUploadsResult>"
    cloud.fault("ListMultipartUploads", raw=raw, headers={})

    found = facts(command("explain", PHOTOS, "a"))

    assert found["started, as listed"] == "Wed Jan 18 16:04:17 2017"
    assert found["started, as read"].startswith("2017-01-18 16:04:17")
    assert found["or, in China's time"].startswith("2017-01-18 08:04:17")
    assert found["time in the upload id"] == "none"


def test_explanation_of_an_upload_that_is_not_listed(cloud: Cloud, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "a", hours_since_start=300)
    raw = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
    cloud.fault("ListMultipartUploads", raw=raw, headers={})

    ran = command("explain", PHOTOS, "a", upload.upload_id)

    assert facts(ran)["in the listing"] == "no, so its start is unknown"
    assert "A sweep keeps it: it is not in the listing" in ran.stdout


# drain


def test_drain_asks_for_the_name_and_takes_uploads_in_progress(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=3, hours_since_start=0.1, parts=2)
    wrong = command("drain", PHOTOS, typed="photos\n")
    before = left(cloud)

    right = command("drain", PHOTOS, typed=f"{BUCKET}\n")

    assert (wrong.exit_code, len(before)) == (130, 3)
    assert "what is still being uploaded goes, too" in right.stderr
    assert "3 uploads would go, 6.00 MiB" in right.stderr
    assert f"{PHOTOS} has no unfinished upload any more." in right.stdout
    assert (right.exit_code, left(cloud)) == (0, [])


def test_drain_records_into_a_directory_and_never_into_report(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=0.1)

    ran = command("drain", PHOTOS, "--confirm", BUCKET, REPORT=f"{PHOTOS}/reports")

    assert ran.exit_code == 0
    assert cloud.objects(BUCKET, "") == []
    (run_id,) = runs(command)
    assert sorted(recorded(command, "a")) == ["aborted", "intended"]
    assert command("report").rows(f"Runs in {RECORDS}")[0][1] == "drain"
    stored = json.loads((command.folder / RECORDS / run_id / "report.json").read_text())
    assert stored["settings"]["min_age_hours"] == stored["settings"]["min_idle_hours"] == 0
    assert stored["settings"]["verify"] == "all"


def test_drain_verifies_each_abort(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "{n}", count=5)
    mark = cloud.mark()

    command("drain", PHOTOS, "--confirm", BUCKET)

    aborts = [request.operation for request in cloud.requests(mark)].count("AbortMultipartUpload")
    gone = [one for one in cloud.requests(mark) if one.operation == "ListParts" and one.status == 404]
    assert (aborts, len(gone)) == (5, 5)


def test_drain_goes_on_after_each_limit_until_the_listing_is_empty(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "{n}", count=5)

    ran = command("drain", PHOTOS, "--confirm", BUCKET, "--json", MAX_ABORTS="2")

    assert [run["totals"]["freed"]["uploads"] for run in ran.json["runs"]] == [2, 2, 1]
    assert (ran.exit_code, ran.json["is_empty"], left(cloud)) == (0, True, [])


def test_drain_of_a_bucket_that_is_still_written_to_ends(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a")
    real = words.t
    more = iter(range(100))

    def say(text: str, /, **values: object) -> str:
        # A client starts another upload in each run.
        if text == "Aborting":
            cloud.seed(BUCKET, f"more-{next(more)}", hours_since_start=0)
        if text.startswith("Records and report"):
            cloud.seed(BUCKET, f"more-{next(more)}", hours_since_start=0)
        return real(text, **values)

    with mock.patch("cos_sweeper.cli.draining.t", say), mock.patch("cos_sweeper.cli.showing.t", say):
        ran = command("drain", PHOTOS, "--confirm", BUCKET, "--json")

    assert len(ran.json["runs"]) == 10
    assert (ran.exit_code, ran.json["is_empty"]) == (3, False)
    assert "find the client that still writes" in ran.stderr


def test_drain_is_in_chinese_where_it_is_asked_for(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a")

    ran = command("drain", PHOTOS, "--confirm", BUCKET, "--lang", "zh")

    assert "不再有未完成的上传" in ran.stdout
    assert "仍在上传的也会被中止" in ran.stderr


# report


def test_report_lists_the_runs_and_shows_one(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=2, parts=3)
    swept = command("sweep", "--abort", "--yes", "--json")
    (upload,) = cloud.seed(BUCKET, "x")
    command("abort", PHOTOS, "x", upload.upload_id, "--yes")
    run_id = swept.json["run_id"]

    (other,) = [one for one in runs(command) if one != run_id]
    listed, latest = command("report", BUCKETS=""), command("report", "latest", "--json", BUCKETS="")

    rows = {row[0]: row for row in listed.rows(f"Runs in {RECORDS}")}
    assert rows[run_id][1:] == ["sweep", "complete", "2", "2", "6.00 MiB", PHOTOS]
    assert (rows[other][1], rows[other][-1]) == ("abort", PHOTOS)
    assert [row[1:4] for row in command("report", "--find", "raw/0").rows("Uploads with exactly this key")] == [
        [PHOTOS, "freed", "3.00 MiB"]
    ]
    # Of two runs that began in one second either may be the latest.
    assert f"report {RECORDS}/{max(run_id, other)} --list" in command("report", "--find", "raw").stderr
    assert latest.json == swept.json
    assert command("report", run_id, "--json").json == swept.json
    assert command("report", f"{RECORDS}/{run_id}", "--json").json == swept.json
    by_records = command("report", other, "--json").json
    assert [one["upload_id"] for one in by_records["records"]] == [upload.upload_id]


def test_report_reads_what_the_function_stored(cloud: Cloud, function: Function, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=3)
    function(timer(), REPORT=f"{PHOTOS}/reports", BUCKETS=PHOTOS)
    html = command.folder / "page.html"

    ran = command("report", "latest", "--html", str(html), "--json", REPORT=f"{PHOTOS}/reports", BUCKETS="")
    found = command("report", "--find", "raw/1", "--json", REPORT=f"{PHOTOS}/reports", BUCKETS="")

    assert ran.exit_code == 0
    assert ran.json["totals"]["freed"]["uploads"] == 3
    assert html.read_bytes().startswith(b"<!")
    assert html.stat().st_mode & 0o077 == 0
    assert [one["outcome"] for one in found.json["records"]] == ["intended", "aborted"]


def test_report_finds_hashed_keys_with_their_secret(cloud: Cloud, function: Function, command: Command) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/a")
    hashed: dict[str, Any] = {"RECORD_KEYS": "hash", "RECORD_KEYS_SECRET": "an-example-secret-of-keys"}
    report: dict[str, Any] = {"REPORT": f"{PHOTOS}/reports", "BUCKETS": ""}
    function({"uploads": [named(BUCKET, "raw/a", upload.upload_id)]}, **{**report, "BUCKETS": PHOTOS}, **hashed)

    with_secret = command("report", "--find", "raw/a", "--json", **report, **hashed)
    without = command("report", "--find", "raw/a", "--json", **report)

    assert [one["outcome"] for one in with_secret.json["records"]] == ["aborted"]
    assert without.json["records"] == []
    assert "Set RECORD_KEYS=hash and RECORD_KEYS_SECRET" in without.stderr


def cut_off(command: Command, run_id: str, began: str | None) -> Path:
    """As if the last run of the chain had been killed. began: the chain."""
    folder = command.folder / RECORDS
    for path in [*(folder / run_id).glob("report.*"), *(folder / run_id / "ends").iterdir()]:
        path.unlink()
    history = folder / "history" / f"{run_id}.json"
    entry = json.loads(history.read_text())
    history.write_text(json.dumps({**entry, "status": "running", "ended": None, "began": began or entry["began"]}))
    return folder / run_id / "report.json"


def test_report_of_a_chain_that_ended_without_one_is_completed_and_stored(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=2, parts=3)
    swept = command("sweep", "--abort", "--yes", "--json").json
    stored = cut_off(command, swept["run_id"], "2026-01-01T00:00:00+00:00")

    first = command("report", swept["run_id"], "--json")
    again = command("report", swept["run_id"], "--json")

    assert "It was completed now, and stored." in first.stderr
    assert first.json["totals"] == swept["totals"]
    assert first.json["shards"]["missing"] == ["1/1"]
    assert (first.exit_code, again.exit_code) == (3, 3)
    assert again.json == json.loads(stored.read_text()) == first.json
    assert "completed now" not in again.stderr


def test_report_of_a_chain_that_may_still_run_is_not_stored(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/{n}", count=2, parts=3)
    swept = command("sweep", "--abort", "--yes", "--json").json
    stored = cut_off(command, swept["run_id"], None)

    ran = command("report", swept["run_id"], "--json")

    assert "This chain may still run." in ran.stderr
    assert ran.exit_code == 3
    assert not stored.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["20260101T000000Z-aa"], "There is no run 20260101T000000Z-aa in cos-sweeper-records."),
        (["nonsense"], "nonsense is neither a directory nor the id of a run."),
        (["--html", "x.html"], "Which run shall be written as a page?"),
        (["latest", "--find", "a", "--html", "x.html"], "Leave out `--html`."),
        (["--records", "elsewhere"], "There are no records in elsewhere."),
    ],
    ids=["unknown", "nonsense", "no_run", "find_as_page", "no_directory"],
)
def test_report_says_what_it_cannot_show(arguments: list[str], text: str, cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "a")
    command("sweep", "--abort", "--yes")

    ran = command("report", *arguments)

    assert ran.exit_code == 2
    assert text in ran.stderr
