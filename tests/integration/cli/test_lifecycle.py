"""
`lifecycle` shows which buckets have a rule for unfinished uploads, and adds one without a change to the others.
"""

import base64
import hashlib
from typing import Any

import pytest

from cos_sweeper.core.coverage import LifecycleRule
from cos_sweeper.cos.lifecycle_xml import lifecycle_rules
from tests.command import Command
from tests.emulator.public import Cloud, send
from tests.function import LOGS, PHOTOS
from tests.terminal import in_terminal

BOTH = f"{PHOTOS},{LOGS}"
BUCKET = PHOTOS.partition("@")[0]
OTHER_BUCKET = LOGS.partition("@")[0]
EXPIRE = "<Rule><ID>old</ID><Filter><Prefix>a/</Prefix></Filter><Status>Enabled</Status><New x='1'>é</New></Rule>"
OLD = f"<?xml version='1.0' encoding='utf-8'?>\n<LifecycleConfiguration> {EXPIRE}\n</LifecycleConfiguration>\n".encode()
ABORT = (
    "<LifecycleConfiguration><Rule><ID>ours</ID><Filter/><Status>Enabled</Status><AbortIncompleteMultipartUpload>"
    "<DaysAfterInitiation>{days}</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"
)
LOCK = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
ADD = ("lifecycle", "--add-rule", "30", "--yes")


def put(cloud: Cloud, document: bytes | str, bucket: str = BUCKET, what: str = "lifecycle", region: str = "") -> None:
    body = document.encode() if isinstance(document, str) else document
    region = region or ("ap-guangzhou" if bucket == BUCKET else "ap-singapore")
    answer = send(cloud, "PUT", bucket, params={what: ""}, body=body, credentials=cloud.owner, region=region)
    assert answer.status == 200


def document(cloud: Cloud, bucket: str = BUCKET) -> bytes:
    region = "ap-guangzhou" if bucket == BUCKET else "ap-singapore"
    answer = send(cloud, "GET", bucket, params={"lifecycle": ""}, credentials=cloud.owner, region=region)
    return answer.body if answer.status == 200 else b""


def writes(cloud: Cloud, since: int) -> list[tuple[str, str, str]]:
    """Every request that is no read."""
    return [(one.method, one.operation, one.bucket) for one in cloud.requests(since) if one.method != "GET"]


def test_coverage_names_the_state_of_every_bucket_and_what_to_do(cloud: Cloud, command: Command) -> None:
    put(cloud, ABORT.format(days=7))

    ran = command("lifecycle", BUCKETS=BOTH)

    assert ran.exit_code == 0
    assert f"{PHOTOS}\tevery upload, after 7 days\tNothing.\n{LOGS}\tnone\tAdd a rule.\n" in ran.stdout
    assert "1 of 2 buckets have a rule for every upload." in ran.stdout
    assert f"cos-sweeper lifecycle --add-rule 30 --bucket {LOGS}" in ran.stderr
    assert writes(cloud, 0) == [("PUT", "PutBucketLifecycle", BUCKET)]


def test_next_step_of_the_coverage_is_a_rule_that_the_settings_allow(command: Command) -> None:
    ran = command("lifecycle", BUCKETS=PHOTOS, MIN_AGE_HOURS="2000", EXCLUDE_PREFIXES="keep/")

    assert f"cos-sweeper lifecycle --add-rule 84 --prefix PREFIX --bucket {PHOTOS}" in ran.stderr


def test_coverage_as_json_is_the_report_s_own(cloud: Cloud, command: Command) -> None:
    put(cloud, LOCK, what="object-lock")
    cloud.fault("GetBucketLifecycle", bucket=OTHER_BUCKET, status=403, code="AccessDenied")

    ran = command("lifecycle", "--all-buckets", "--json")

    states = {one["bucket"]: one["state"] for one in ran.json["coverage"]}
    assert (ran.exit_code, states) == (3, {PHOTOS: "object_lock", LOGS: "unreadable"})
    assert ran.json["counts"]["unreadable"] == 1


def test_added_rule_leaves_every_other_byte_and_the_old_document_is_kept(cloud: Cloud, command: Command) -> None:
    put(cloud, OLD)
    mark = cloud.mark()

    ran = command(*ADD, "--prefix", "tmp/", BUCKETS=PHOTOS)

    stored = document(cloud)
    start = stored.index(b"<Rule><ID>abort-")
    end = stored.index(b"</LifecycleConfiguration>")
    assert stored[:start] + stored[end:] == OLD
    assert lifecycle_rules(stored) == (
        *lifecycle_rules(OLD),
        LifecycleRule("abort-incomplete-uploads", "Enabled", aborts=True, days=30, prefix="tmp/"),
    )
    (kept,) = (command.folder / "cos-sweeper-lifecycle").iterdir()
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (OLD, 0o600)
    assert ran.exit_code == 0
    assert kept.name in ran.stdout
    assert "+      <Prefix>tmp/</Prefix>" in ran.stdout
    assert [line for line in ran.stdout.splitlines() if line.startswith("-") and line != "--- now"] == []
    assert writes(cloud, mark) == [("PUT", "PutBucketLifecycle", BUCKET)]


def test_bucket_without_rules_gets_its_first_one(cloud: Cloud, command: Command) -> None:
    ran = command(*ADD, "--json", BUCKETS=BOTH)

    assert ran.exit_code == 0
    assert [one["result"] for one in ran.json["buckets"]] == ["written", "written"]
    assert [one.days for name in (BUCKET, OTHER_BUCKET) for one in lifecycle_rules(document(cloud, name))] == [30, 30]
    assert ran.json["buckets"][0]["old_document"] is None
    assert ran.json["buckets"][0]["rule"] == {"id": "abort-incomplete-uploads", "prefix": "", "days": 30}


@pytest.mark.parametrize(("days", "result"), [(30, "already_covered"), (31, "written")])
def test_rule_is_added_only_where_none_does_the_same(days: int, result: str, cloud: Cloud, command: Command) -> None:
    put(cloud, ABORT.format(days=days))
    mark = cloud.mark()

    ran = command(*ADD, "--prefix", "tmp/", "--json", BUCKETS=PHOTOS)

    assert (ran.exit_code, ran.json["buckets"][0]["result"]) == (0, result)
    assert len(writes(cloud, mark)) == (result == "written")


def test_rule_is_not_written_where_nobody_can_be_asked(cloud: Cloud, command: Command) -> None:
    ran = command("lifecycle", "--add-rule", "30", BUCKETS=BOTH)

    assert ran.exit_code == 2
    assert ran.stdout.count("+    <Status>Enabled</Status>") == 2
    assert "--yes" in ran.stderr
    assert writes(cloud, 0) == []


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        pytest.param(["2"], {}, "MIN_AGE_HOURS", id="younger than the minimum age"),
        pytest.param(["30"], {"EXCLUDE_PREFIXES": "keep/"}, "EXCLUDE_PREFIXES", id="an excluded prefix in it"),
        pytest.param(["30", "--prefix", "keep/a"], {"EXCLUDE_PREFIXES": "keep/"}, "keep/", id="under an excluded one"),
        pytest.param(["30"], {"PREFIXES": "tmp/"}, "PREFIXES", id="outside of the prefixes"),
        pytest.param(["30", "--prefix", " "], {}, "space", id="a space as prefix"),
        pytest.param(["30", "--bucket", LOGS], {}, "not among the allowed", id="another bucket"),
        pytest.param(["30", "--prefix", "cafe\u0301/"], {"EXCLUDE_PREFIXES": "caf\xe9/"}, "keeps", id="other form"),
        pytest.param(["30"], {"DRY_RUN": "true"}, "DRY_RUN is true (environment), and it wins", id="dry run"),
        pytest.param(["30"], {"EXCLUDE_BUCKETS": BUCKET}, "no bucket", id="excluded bucket"),
    ],
)
def test_rule_beyond_the_settings_is_wrong_use(
    arguments: list[str], environ: dict[str, str], said: str, cloud: Cloud, command: Command
) -> None:
    ran = command("lifecycle", "--yes", "--add-rule", *arguments, **{"BUCKETS": PHOTOS, **environ})

    assert (ran.exit_code, writes(cloud, 0)) == (2, [])
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_bucket_that_is_refused_does_not_stop_the_others(cloud: Cloud, command: Command) -> None:
    put(cloud, LOCK, what="object-lock")
    mark = cloud.mark()

    ran = command(*ADD, "--json", BUCKETS=BOTH)

    assert ran.exit_code == 1
    assert [one["result"] for one in ran.json["buckets"]] == ["refused", "written"]
    assert "Object Lock" in ran.json["buckets"][0]["detail"]
    assert writes(cloud, mark) == [("PUT", "PutBucketLifecycle", OTHER_BUCKET)]


def test_document_with_that_id_is_refused(cloud: Cloud, command: Command) -> None:
    put(cloud, OLD)

    ran = command(*ADD, "--id", "old", "--json", BUCKETS=PHOTOS)

    assert (ran.exit_code, ran.json["buckets"][0]["result"], document(cloud)) == (1, "refused", OLD)


def test_missing_permission_to_write_is_named(cloud: Cloud, command: Command) -> None:
    put(cloud, OLD)
    cloud.fault("PutBucketLifecycle", status=403, code="AccessDenied")

    ran = command(*ADD, BUCKETS=PHOTOS)

    assert (ran.exit_code, document(cloud)) == (1, OLD)
    assert "name/cos:PutBucketLifecycle" in ran.stderr


@pytest.mark.parametrize(("reset", "result"), [("after", "written"), ("before", "not_written")])
def test_write_without_an_answer_is_read_back_and_never_repeated(
    reset: str, result: str, cloud: Cloud, command: Command
) -> None:
    put(cloud, OLD)
    cloud.fault("PutBucketLifecycle", reset=reset)
    mark = cloud.mark()

    ran = command(*ADD, "--json", BUCKETS=PHOTOS)

    assert (ran.exit_code, ran.json["buckets"][0]["result"]) == (int(result != "written"), result)
    assert len(writes(cloud, mark)) == 1
    assert (document(cloud) != OLD) == (result == "written")


def test_write_is_not_sent_if_the_old_document_cannot_be_kept(cloud: Cloud, command: Command) -> None:
    put(cloud, OLD)
    (command.folder / "file").write_text("")

    ran = command(*ADD, "--old", "file/x", BUCKETS=PHOTOS)

    assert (ran.exit_code, document(cloud)) == (1, OLD)
    assert "cannot be kept" in ran.stderr


def test_question_in_a_terminal_is_answered_and_the_rule_written(cloud: Cloud, command: Command) -> None:
    put(cloud, OLD)

    no = in_terminal(command, "lifecycle", "--add-rule", "30", answers=["n"], BUCKETS=PHOTOS)
    before = document(cloud)
    yes = in_terminal(command, "lifecycle", "--add-rule", "30", answers=["y"], BUCKETS=PHOTOS)

    assert (no.exit_code, before) == (130, OLD)
    assert (yes.exit_code, len(lifecycle_rules(document(cloud)))) == (0, 2)
    assert "Written and read back" in yes.stdout


def test_document_that_another_program_changed_during_the_question_is_not_overwritten(
    cloud: Cloud, command: Command
) -> None:
    put(cloud, OLD)
    theirs = OLD.replace(b"old", b"theirs")

    def change() -> str:
        put(cloud, theirs)
        return "y"

    ran = in_terminal(command, "lifecycle", "--add-rule", "30", answers=[change], BUCKETS=PHOTOS)

    assert (ran.exit_code, document(cloud)) == (1, theirs)
    assert "Another program changed the rules" in ran.stdout


def test_options_of_a_rule_without_the_rule_are_wrong_use(command: Command) -> None:
    assert command("lifecycle", "--yes", BUCKETS=PHOTOS).exit_code == 2


def test_written_document_carries_its_digest(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from cos_sweeper.net.client import Connections

    sent: list[tuple[dict[str, Any], bytes]] = []
    real = Connections.send

    def send_and_note(self: Connections, method: str, url: str, headers: Any, body: bytes | None, *rest: Any) -> Any:
        if method == "PUT" and body is not None:
            sent.append((dict(headers), body))
        return real(self, method, url, headers, body, *rest)

    monkeypatch.setattr(Connections, "send", send_and_note)
    command(*ADD, BUCKETS=PHOTOS)

    ((headers, body),) = sent
    given = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in headers.items()}
    assert given["content-md5"] == base64.b64encode(hashlib.md5(body).digest()).decode()
    assert "content-md5" in given["authorization"]


def test_part_of_a_document_is_not_taken_for_the_whole(cloud: Cloud, command: Command) -> None:
    part = "<LifecycleConfiguration><Rule><ID>x</ID><Status>Enabled</Status><Filter/></Rule></LifecycleConfiguration>"
    cloud.fault("GetBucketLifecycle", raw=part, status=206)

    ran = command("lifecycle", "--add-rule", "30", "--yes", "--bucket", PHOTOS)

    assert ran.exit_code == 1
    assert "PutBucketLifecycle" not in {one.operation for one in cloud.requests()}


@pytest.mark.parametrize("more", [("--prefix", "a/", "--prefix=b/"), ("--add-rule=40", "--yes")])
def test_option_that_is_given_twice_is_wrong_use(more: tuple[str, ...], cloud: Cloud, command: Command) -> None:
    mark = cloud.mark()

    ran = command("lifecycle", "--add-rule", "30", "--yes", *more)

    assert (ran.exit_code, cloud.requests(mark)) == (2, [])
    assert f"{more[0].partition('=')[0]} is given twice" in ran.stderr
