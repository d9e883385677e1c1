"""
What `make demo` shows: the real handler, the real SDK, signed HTTP, and a COS on this machine. Ends with exit code 1 if
a promise did not hold.
"""

import json
import sys
import textwrap
from dataclasses import dataclass, field
from typing import Any

from qcloud_cos import CosConfig, CosS3Client

from tests.emulator.client import Cloud, HeldUpload
from tests.emulator.console import MIB, WIDTH, ago, amount, say, title, wide
from tests.emulator.demo_chain import Chains
from tests.function import LOGS, PHOTOS, Function, Invocation, named, timer

BUCKETS = {place.partition("@")[0]: place for place in (PHOTOS, LOGS)}
PHOTO_BUCKET, LOG_BUCKET = BUCKETS
# The limits that the function ships with.
SHIPPED = {"MIN_AGE_HOURS": "168", "MIN_IDLE_HOURS": "72"}


def main() -> int:
    """Run the demo; 0 when every promise held."""
    with Cloud.start(PHOTOS, LOGS) as cloud:
        story = Story(cloud)
        for chapter in (
            story.abandon,
            story.fail,
            story.dry_run,
            story.sweep,
            story.sweep_again,
            story.look_back,
        ):
            chapter()
    chains = Chains()
    chains.tell()
    story.kept_promises += chains.kept_promises
    return story.end()


@dataclass(slots=True)
class Story:
    """One cloud, one function, and the promises made so far."""

    cloud: Cloud
    function: Function = field(init=False)
    client: CosS3Client = field(init=False)
    live_id: str = ""
    parts_sent: int = 0
    kept_promises: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.function = Function(self.cloud, {"REPORT": f"{PHOTOS}/sweeper-reports", **SHIPPED})
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
        say(f"A COS is listening on {self.cloud.endpoint}. Clients left these multipart uploads unfinished;")
        say("their parts are stored and billed. One of them is alive: its client is still sending parts.")
        cloud = self.cloud
        cloud.seed(PHOTO_BUCKET, "backup/2026-10.tar", parts=500, part_size=10 * MIB, hours_since_start=21 * 24)
        cloud.seed(PHOTO_BUCKET, "raw/wedding-{n}.mov", count=3, parts=25, part_size=8 * MIB, hours_since_start=200)
        cloud.seed(PHOTO_BUCKET, "raw/取景 1+1.mov", parts=4, part_size=8 * MIB, hours_since_start=170)
        cloud.seed(PHOTO_BUCKET, "new/today.mov", parts=9, part_size=8 * MIB, hours_since_start=5)
        cloud.seed(LOG_BUCKET, "app/{n:03}.gz", count=120, parts=3, part_size=MIB, hours_since_start=175)
        (live,) = cloud.seed(
            PHOTO_BUCKET, "raw/live.mov", parts=12, part_size=8 * MIB, hours_since_start=192, hours_since_last_part=1
        )
        self.live_id, self.parts_sent = live.upload_id, 12
        self.live_part_arrives()
        self.show_uploads()

    def fail(self) -> None:
        title("2  An upload fails, an event names it, it is gone")
        started = self.client.create_multipart_upload(Bucket=PHOTO_BUCKET, Key="raw/failed.mov")
        for number in (1, 2):
            self.client.upload_part(PHOTO_BUCKET, "raw/failed.mov", b"\0" * 4 * MIB, number, started["UploadId"])
        say("A client starts raw/failed.mov through the SDK, sends two parts of 4 MiB, and breaks down.")
        say("Its error handler sends the function what it knows:")
        failure = named(PHOTO_BUCKET, "raw/failed.mov", started["UploadId"])
        say(f'    {{"bucket": "{PHOTO_BUCKET}", "key": "raw/failed.mov", "uploadId": "{started["UploadId"][:18]}…"}}')
        before = len(self.held())
        result = self.invoke(failure)
        self.show_answer(result)
        report = result.report
        self.promise(
            "the failed upload is gone, and only that one",
            self.gone(started["UploadId"]) and len(self.held()) == before - 1,
        )
        self.promise("its 8 MiB are counted as freed", report["bytes_freed"] == 8 * MIB)

    def dry_run(self) -> None:
        title("3  The nightly timer while DRY_RUN is true, as it ships")
        before = self.held()
        result = self.function(timer(), DRY_RUN="true")
        self.show_answer(result)
        self.show_leaks(result)
        self.promise("a dry run leaves everything as it was", self.held() == before)

    def sweep(self) -> None:
        title("4  The same timer after DRY_RUN=false")
        self.live_part_arrives()
        result = self.invoke(timer())
        self.show_answer(result)
        say("What is left:")
        self.show_uploads()
        say("")
        say("The report, as the timer gets it and as it is kept in the bucket (without its lists):")
        flat = {name: value for name, value in result.report.items() if not isinstance(value, (list, dict))}
        for line in textwrap.wrap(json.dumps(flat), WIDTH - 4):
            say(f"    {line}")
        left = {upload.key for upload in self.held()}
        self.promise("the live upload is still there", not self.gone(self.live_id))
        self.promise("the upload that was started today is still there", "new/today.mov" in left)
        self.promise("every abandoned upload is gone", left == {"raw/live.mov", "new/today.mov"})
        self.promise(
            "every byte that left the buckets is in the report",
            result.report["bytes_freed"] == (500 * 10 + 3 * 25 * 8 + 4 * 8 + 120 * 3) * MIB,
        )

    def sweep_again(self) -> None:
        title("5  A COS that is out of sorts: the next night")
        self.cloud.seed(LOG_BUCKET, "app/late-{n}.gz", count=6, parts=2, part_size=MIB, hours_since_start=180)
        self.cloud.fault("AbortMultipartUpload", status=503, code="SlowDown", count=4)
        self.cloud.fault("AbortMultipartUpload", key="app/late-3.gz", status=403, code="AccessDenied")
        say("Six more were left behind. COS says SlowDown to four requests, and denies one key altogether.")
        result = self.invoke(timer())
        self.cloud.heal()
        ended = result.lines("run.finished")[0]
        say(f"    it aborted {ended['aborted']}, and failed loudly, so that SCF tries again and somebody hears of it:")
        for line in textwrap.wrap(f"{type(result.error).__name__}: {result.error}", WIDTH - 4):
            say(f"    {line}")
        self.promise(
            "a failure is said and does not stop the others", result.error is not None and ended["aborted"] == 5
        )
        again = self.invoke(timer())
        say("The permission is mended, SCF's retry comes:")
        self.show_answer(again)
        self.promise("the retry finishes the work", again.report["aborted"] == 1)

    def look_back(self) -> None:
        title("6  All that the function ever asked of COS")
        operations: dict[str, int] = self.cloud.totals()["operations"]
        for operation in ("ListMultipartUploads", "ListParts", "AbortMultipartUpload", "PutObject"):
            say(f"    {operations.get(operation, 0):5}  {operation}")
        say(f"Reports were kept as objects: {', '.join(one.key for one in self.cloud.objects(PHOTO_BUCKET)[:1])}, …")
        deleted = [name for name in operations if name in ("DeleteObject", "DeleteBucket")]
        self.promise("nothing but uploads was ever deleted", not deleted)

    def end(self) -> int:
        title("What was promised")
        for promise, held in self.kept_promises:
            say(f"    {'kept  ' if held else 'BROKEN'}  {promise}")
        broken = [promise for promise, held in self.kept_promises if not held]
        say("")
        say("All of it held." if not broken else f"{len(broken)} of {len(self.kept_promises)} did not hold.")
        return 1 if broken else 0

    # What happens meanwhile

    def invoke(self, raw: dict[str, Any]) -> Invocation:
        return self.function(raw)

    def live_part_arrives(self) -> None:
        self.parts_sent += 1
        self.client.upload_part(PHOTO_BUCKET, "raw/live.mov", b"\0" * MIB, self.parts_sent, self.live_id)
        say(f"    … part {self.parts_sent} of raw/live.mov arrives …")

    def promise(self, words: str, held: bool) -> None:  # noqa: FBT001  # reads as the sentence it is
        self.kept_promises.append((words, held))

    def held(self) -> list[HeldUpload]:
        return [upload for bucket in BUCKETS for upload in self.cloud.uploads(bucket)]

    def gone(self, upload_id: str) -> bool:
        return upload_id not in {upload.upload_id for upload in self.held()}

    # What is shown

    def show_uploads(self) -> None:
        say("")
        say(f"    {'bucket and key':<44}{'uploads':>8}{'started':>12}{'last part':>12}{'bytes':>12}")
        for bucket in BUCKETS:
            for key, group in grouped(self.cloud.uploads(bucket)).items():
                newest = max(upload.last_part or upload.initiated for upload in group)
                size = sum(upload.bytes for upload in group)
                where = f"{bucket.rpartition('-')[0]}  {key}"
                say(
                    f"    {where:<{44 - wide(where)}}{len(group):>8}{ago(group[0].initiated):>12}{ago(newest):>12}"
                    f"{amount(size):>12}"
                )
        total = sum(upload.bytes for upload in self.held())
        say(f"    {'together':<44}{len(self.held()):>8}{amount(total):>36}")

    def show_answer(self, result: Invocation) -> None:
        report = result.report
        names = ("aborted", "would_abort", "already_gone", "kept", "rejected", "failed", "deferred")
        counts = ", ".join(f"{report[name]} {name.replace('_', ' ')}" for name in names if report[name])
        freed = report["bytes_freed"] or report["bytes_would_free"]
        verb = "freed" if report["bytes_freed"] else "would be freed"
        say(f"    → {report['status']}: {counts}; {amount(freed)} {verb}")
        for reason, count in report["kept_by_reason"].items():
            say(f"      kept {count}: {reason}")

    def show_leaks(self, result: Invocation) -> None:
        say("    where it leaks:")
        for leak in result.report["largest_prefixes"]:
            place = f"{leak['bucket'].partition('-')[0]}  {leak['prefix'] or '(top level)'}"
            say(f"      {place:<24}{leak['uploads']:>5} uploads{amount(leak['bytes']):>12}")


def grouped(uploads: list[HeldUpload]) -> dict[str, list[HeldUpload]]:
    """Uploads by key, those that are many of a kind together."""
    groups: dict[str, list[HeldUpload]] = {}
    for upload in uploads:
        many = upload.key.startswith("app/")
        groups.setdefault("app/*.gz" if many else upload.key, []).append(upload)
    return groups


if __name__ == "__main__":
    sys.exit(main())
