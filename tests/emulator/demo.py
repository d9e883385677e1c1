"""
What `make demo` shows: the real handler, the real SDK, signed HTTP, and a COS on this machine.

Ends with exit code 1 if one of its checks failed.
"""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from qcloud_cos import CosConfig, CosS3Client

from tests.emulator.client import Cloud, HeldUpload
from tests.emulator.console import MIB, ago, amount, say, title, wide, wrap
from tests.emulator.demo_chain import Chains
from tests.emulator.demo_report import CURRENCY, FOLDER, PAGE, PRICES, Reports, show_account
from tests.emulator.demo_uploads import FAILED, LIVE, LOST, YOUNG, abandon, live_upload
from tests.function import LOGS, PHOTOS, Function, Invocation, named, timer

BUCKETS = {place.partition("@")[0]: place for place in (PHOTOS, LOGS)}
PHOTO_BUCKET, LOG_BUCKET = BUCKETS
PREFIX = "sweeper-reports"
SETTINGS = {
    "REPORT": f"{PHOTOS}/{PREFIX}",
    "PRICE_PER_GB_MONTH": PRICES,
    "CURRENCY": CURRENCY,
    # The limits that the function ships with.
    "MIN_AGE_HOURS": "168",
    "MIN_IDLE_HOURS": "72",
    "MAX_ABORTS": "10000",
}

PURPOSES = {
    "AbortMultipartUpload": "the only request that removes something",
    "GetBucket": "lists stored reports",
    "GetBucketLifecycle": "for the report: which rules exist",
    "GetBucketObjectLockConfiguration": "the same",
    "GetObject": "reads what earlier runs stored",
    "ListMultipartUploads": "lists unfinished uploads",
    "ListParts": "looks at the parts of one upload",
    "PutObject": "stores reports and records",
}


def main() -> int:
    """Run the demo; 0 when every check passed."""
    with Cloud.start(PHOTOS, LOGS) as cloud:
        story = Story(cloud)
        for chapter in (
            story.abandon,
            story.inventory,
            story.fail,
            story.dry_run,
            story.sweep,
            story.look_up,
            story.errors,
            story.look_back,
        ):
            chapter()
    chains = Chains()
    chains.tell()
    story.checks += chains.checks
    return story.end()


@dataclass(slots=True)
class Story:
    """One cloud, one function, and the checks made so far."""

    cloud: Cloud
    function: Function = field(init=False)
    client: CosS3Client = field(init=False)
    live_id: str = ""
    abandoned_bytes: int = 0
    sweep_run_id: str = ""
    reports: Reports = field(init=False)
    checks: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.function = Function(self.cloud, SETTINGS)
        self.reports = Reports(self.cloud, PHOTO_BUCKET, PREFIX)
        owner = self.cloud.owner
        config = CosConfig(
            Region=PHOTOS.partition("@")[2],
            SecretId=owner.secret_id,
            SecretKey=owner.secret_key,
            IP="127.0.0.1",
            Port=self.cloud.port,
            Scheme="http",
        )
        self.client = CosS3Client(config, retry=0)

    def abandon(self) -> None:
        title("1  Two buckets, and what their object listings do not show")
        say(f"An emulated COS listens on {self.cloud.endpoint}. Clients left these multipart uploads unfinished.")
        say(f"Their parts are stored and billed. One upload is alive: the client of {LIVE} still sends parts.")
        self.abandoned_bytes = abandon(self.cloud, self.client, PHOTO_BUCKET, LOG_BUCKET)
        self.live_id = live_upload(self.cloud, PHOTO_BUCKET)
        self.live_part_arrives()
        self.show_uploads()

    def inventory(self) -> None:
        title("2  The first run of a new function: an inventory")
        say("It reads the parts of every upload and aborts nothing. The prices are made up for this demo:")
        say(f"    PRICE_PER_GB_MONTH={PRICES} CURRENCY={CURRENCY}")
        say('The event is {"inventory": true}:')
        before = self.held()
        result = self.invoke({"inventory": True})
        report = self.reports.report_json(result.report["run_id"])
        show_account(report)
        self.check("the inventory counts every unfinished byte", report["totals"]["open"]["bytes"] == size_of(before))
        self.check("the inventory aborts nothing", self.held() == before)

    def fail(self) -> None:
        title("3  An upload fails, and an event names it")
        started = self.client.create_multipart_upload(Bucket=PHOTO_BUCKET, Key=FAILED)
        for number in (1, 2):
            self.client.upload_part(PHOTO_BUCKET, FAILED, b"\0" * 4 * MIB, number, started["UploadId"])
        say(f"A client starts {FAILED}, sends two parts of 4 MiB, and fails. Its error handler invokes the function:")
        failure = named(PHOTO_BUCKET, FAILED, started["UploadId"])
        say(f'    {{"bucket": "{PHOTO_BUCKET}", "key": "{FAILED}", "uploadId": "{started["UploadId"][:18]}…"}}')
        before = len(self.held())
        result = self.function(failure)
        self.show_response(result)
        self.check(
            "the failed upload is gone, and no other upload",
            self.gone(started["UploadId"]) and len(self.held()) == before - 1,
        )
        self.check("its 8 MiB count as freed", result.report["bytes_freed"] == 8 * MIB)

    def dry_run(self) -> None:
        title("4  The nightly timer with DRY_RUN=true, which is the default")
        before = self.held()
        self.show_response(self.invoke(timer(), DRY_RUN="true"))
        self.check("the dry run aborts nothing", self.held() == before)

    def sweep(self) -> None:
        title("5  The same timer with DRY_RUN=false")
        self.live_part_arrives()
        result = self.invoke(timer())
        self.show_response(result)
        say("What is still there:")
        self.show_uploads()
        left = self.held()
        self.sweep_run_id = result.report["run_id"]
        totals = self.reports.report_json(result.report["run_id"])["totals"]
        self.check("the live upload is still there", not self.gone(self.live_id))
        self.check("the uploads that started today are still there", sum(one.key.startswith(YOUNG) for one in left) > 0)
        self.check("every abandoned upload is gone", all(one.key.startswith(YOUNG) or one.key == LIVE for one in left))
        self.check("the report counts every byte that was freed", totals["freed"]["bytes"] == self.abandoned_bytes)

    def look_up(self) -> None:
        title(f"6  What happened to {LOST}?")
        self.reports.save(self.sweep_run_id)
        say(f"The stored objects are copied to {FOLDER}/{PREFIX}. There:")
        records = self.reports.look_up(self.sweep_run_id, LOST)
        say("The first line was stored before the abort was sent, the second one after it.")
        self.check(
            "the records say what was intended, and then what happened",
            [one["outcome"] for one in records] == ["intended", "aborted"],
        )

    def errors(self) -> None:
        title("7  The next night: COS answers with errors")
        self.cloud.seed(LOG_BUCKET, "app/late-{n}.gz", count=6, parts=2, hours_since_start=180)
        self.cloud.fault("AbortMultipartUpload", status=503, code="SlowDown", count=4)
        self.cloud.fault("AbortMultipartUpload", key="app/late-3.gz", status=403, code="AccessDenied")
        say("Six more uploads are abandoned. COS answers SlowDown four times, and denies access to one key.")
        result = self.invoke(timer())
        self.cloud.heal()
        ended = result.lines("run.finished")[0]
        say(f"    → {ended['status']}: {ended['aborted']} aborted, {ended['failed']} failed. The run raises:")
        wrap(f"{type(result.error).__name__}: {result.error}")
        self.check(
            "a failure is reported and does not stop the other uploads",
            result.error is not None and ended["aborted"] == 5,
        )
        say("SCF counts an error, which an alarm can watch. The operator grants the access, and the timer fires again:")
        again = self.invoke(timer())
        self.show_response(again)
        self.check("the next sweep aborts what failed", again.report["aborted"] == 1)

    def look_back(self) -> None:
        title("8  All requests that the function has sent to COS so far")
        role = self.cloud.role.secret_id
        sent = Counter(one.operation for one in self.cloud.requests() if one.secret_id == role)
        for operation, count in sorted(sent.items()):
            say(f"    {count:6,}  {operation:<36}{PURPOSES.get(operation, '')}")
        changes = {name for name in sent if not name.startswith(("Get", "List"))}
        self.check(
            "the function sent reads, aborts and its own reports, and nothing else",
            changes == {"AbortMultipartUpload", "PutObject"},
        )

    def end(self) -> int:
        title("What the demo checked")
        for words, passed in self.checks:
            say(f"    {'yes' if passed else 'NO '}  {words}")
        failed = [words for words, passed in self.checks if not passed]
        say("")
        say(
            f"{len(failed)} of {len(self.checks)} checks FAILED."
            if failed
            else f"All {len(self.checks)} checks passed."
        )
        say(f"The page of the sweep in chapter 5 is {PAGE}. Open it in a browser.")
        return 1 if failed else 0

    def invoke(self, raw: dict[str, Any], **settings: Any) -> Invocation:
        """Begin each sweep in a second of its own: the history of a report sorts them by the second."""
        time.sleep(1 - time.time() % 1)
        return self.function(raw, **settings)

    # What happens meanwhile

    def live_part_arrives(self) -> None:
        number = self.cloud.upload_part(PHOTO_BUCKET, LIVE, self.live_id, size=8 * MIB)
        say(f"    … part {number} of {LIVE} arrives …")

    def check(self, words: str, passed: bool) -> None:  # noqa: FBT001  # reads as the sentence it is
        self.checks.append((words, passed))

    def held(self) -> list[HeldUpload]:
        return [upload for bucket in BUCKETS for upload in self.cloud.uploads(bucket)]

    def gone(self, upload_id: str) -> bool:
        return upload_id not in {upload.upload_id for upload in self.held()}

    # What is shown

    def show_uploads(self) -> None:
        say("")
        say(f"    {'bucket and prefix':<44}{'uploads':>8}{'started':>12}{'last part':>12}{'bytes':>12}")
        for bucket in BUCKETS:
            for place, group in by_directory(self.cloud.uploads(bucket)).items():
                newest = max(upload.last_part or upload.initiated for upload in group)
                where = f"{bucket.rpartition('-')[0]}  {place}"
                say(
                    f"    {where:<{44 - wide(where)}}{len(group):>8}{ago(group[0].initiated):>12}{ago(newest):>12}"
                    f"{amount(size_of(group)):>12}"
                )
        held = self.held()
        say(f"    {'together':<44}{len(held):>8}{amount(size_of(held)):>36}")

    def show_response(self, result: Invocation) -> None:
        report = result.report
        names = ("aborted", "would_abort", "already_gone", "kept", "rejected", "failed", "deferred")
        counts = ", ".join(f"{report[name]} {name.replace('_', ' ')}" for name in names if report[name])
        freed = report["bytes_freed"] or report["bytes_would_free"]
        verb = "freed" if report["bytes_freed"] else "would be freed"
        say(f"    → {report['status']}: {counts}; {amount(freed)} {verb}")
        for reason, count in report["kept_by_reason"].items():
            say(f"      kept {count}: {reason}")


def size_of(uploads: list[HeldUpload]) -> int:
    return sum(upload.bytes for upload in uploads)


def by_directory(uploads: list[HeldUpload]) -> dict[str, list[HeldUpload]]:
    """Uploads by the directory of their key; one that is alone there by its key."""
    groups: dict[str, list[HeldUpload]] = {}
    for upload in uploads:
        groups.setdefault(upload.key.rpartition("/")[0] + "/", []).append(upload)
    return {group[0].key if len(group) == 1 else place: group for place, group in groups.items()}


if __name__ == "__main__":
    sys.exit(main())
