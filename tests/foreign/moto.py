"""
The function in front of a store that nobody here wrote: moto's S3, with what differs in COS put right in between.

moto answers List Multipart Uploads with one page, whatever is asked, in the order of the starts. List Parts has pages.
"""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.emulator.public import Cloud, Credentials
from tests.foreign.checks import BUCKET, COMMANDS, KEY, REGION, Client, Unexpected, World, expect, version_of
from tests.foreign.moto_adapter import Ages, adapter
from tests.function import Function, named, timer

LONG_AGO, RECENTLY, LAST_PART = 1000.0, 1.0, 1001
SEED = Path(__file__).with_name("moto_seed.py")
OTHER = "logs-1250000000"
# Uploads under new/ began recently, and at busy/ a part came recently: at late/ the last one of more than a page.
AGES = Ages(
    upload=lambda key: RECENTLY if key.startswith("new/") else LONG_AGO,
    part=lambda key, number: (
        RECENTLY if key.startswith(("new/", "busy/")) or (key.startswith("late/") and number == LAST_PART) else LONG_AGO
    ),
)
ROLE = Credentials("AKIDEXAMPLE", "secretExampleKey", "tokenExample")
Seeds = Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class _Store:
    """What the function is given in place of the emulator. Its role may do everything."""

    endpoint: str
    seeding: str
    role: Credentials = ROLE

    def set_role_policy(self, _: dict[str, Any]) -> None:
        """Nothing: moto has no policies of CAM's."""

    def seed(self, seeds: Seeds) -> list[str]:
        """Start uploads, as bucket, key and number of parts, and return their ids."""
        run = [str(COMMANDS / "python"), str(SEED), self.seeding]
        env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        done = subprocess.run(run, input=json.dumps([(BUCKET, OTHER), seeds]), env=env, capture_output=True, text=True)
        if done.returncode:
            raise Unexpected(f"moto could not be filled: {done.stderr.strip().splitlines()[-1:]}")
        ids: list[str] = json.loads(done.stdout)
        return ids

    def invoke(self, event: object, **settings: Any) -> dict[str, Any]:
        """Invoke the function, and return its report."""
        function = Function(cast("Cloud", self))
        invoked = function(event, **{"BUCKETS": f"{BUCKET}@{REGION},{OTHER}@{REGION}", **settings})
        if invoked.error:
            raise Unexpected(f"{invoked.error!r}")
        return invoked.report

    def left(self, bucket: str = BUCKET) -> list[str]:
        """The keys of the uploads that are left, sorted, as moto itself lists them."""
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{self.seeding}/{bucket}?uploads"
        ) as answer:
            listed = answer.read().decode()
        return sorted(part.partition("</Key>")[0] for part in listed.split("<Key>")[1:])


@contextmanager
def _moto() -> Iterator[_Store]:
    """A moto of its own, behind the adapter."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(COMMANDS / "moto_server"), "--host=127.0.0.1", f"--port={port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            with adapter(port, AGES) as endpoint:
                yield _Store(endpoint, f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise Unexpected("moto does not start within a minute")


def sweep_of_all_buckets_aborts_what_is_old_and_idle(_: World) -> None:
    aborted = [(BUCKET, KEY, 2), (BUCKET, "old/没有", 0), (BUCKET, KEY, 1), (OTHER, "old/a&b <c>", 1)]
    with _moto() as store:
        store.seed([*aborted, (BUCKET, "new/1", 1), (BUCKET, "new/2", 0), (BUCKET, "busy/1", 2), (OTHER, "busy/2", 1)])
        report = store.invoke(timer(), BUCKETS="*")
        expect("status", report["status"], "complete")
        expect("counts", (report["uploads"], report["aborted"], report["kept"]), (8, 4, 4))
        expect("left", (store.left(), store.left(OTHER)), (["busy/1", "new/1", "new/2"], ["busy/2"]))


def dry_run_aborts_nothing(_: World) -> None:
    with _moto() as store:
        store.seed([(BUCKET, KEY, 2), (BUCKET, "new/1", 1)])
        report = store.invoke(timer(), DRY_RUN="true")
        expect("counts", (report["would_abort"], report.get("aborted", 0), report["kept"]), (1, 0, 1))
        expect("left", store.left(), ["new/1", KEY])


def sweep_aborts_1201_uploads_that_moto_lists_in_one_page(_: World) -> None:
    with _moto() as store:
        store.seed([(BUCKET, "new/1", 1), *((BUCKET, f"old/{number}", 0) for number in range(1201))])
        report = store.invoke(timer())
        expect("counts", (report["uploads"], report["aborted"]), (1202, 1201))
        expect("left", store.left(), ["new/1"])


def part_on_the_second_page_of_List_Parts_keeps_an_upload(_: World) -> None:
    with _moto() as store:
        store.seed([(BUCKET, "late/1", LAST_PART), (BUCKET, "old/1", LAST_PART)])
        report = store.invoke(timer())
        expect("counts", (report["aborted"], report["kept"]), (1, 1))
        expect("left", store.left(), ["late/1"])


def named_upload_is_aborted_and_no_other(_: World) -> None:
    with _moto() as store:
        one, other, _third = store.seed([(BUCKET, KEY, 1), (BUCKET, KEY, 1), (BUCKET, "old/1", 1)])
        reports = [store.invoke(named(BUCKET, KEY, one)) for _again in range(2)]
        expect("first and again", [(each["aborted"], each["already_gone"]) for each in reports], [(1, 0), (0, 1)])
        expect("left", store.left(), ["old/1", KEY])
        store.invoke(named(OTHER, KEY, other))
        expect("left after the wrong bucket was named", store.left(), ["old/1", KEY])


CLIENT = Client(
    "the function on moto",
    lambda: version_of([COMMANDS / "python", "-c", "import moto, boto3; print(moto.__version__)"]),
    (
        sweep_of_all_buckets_aborts_what_is_old_and_idle,
        dry_run_aborts_nothing,
        sweep_aborts_1201_uploads_that_moto_lists_in_one_page,
        part_on_the_second_page_of_List_Parts_keeps_an_upload,
        named_upload_is_aborted_and_no_other,
    ),
)
