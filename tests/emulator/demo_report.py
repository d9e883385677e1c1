"""
What the demo shows of stored reports: the account of an inventory, the page of a sweep, the records of an upload.
"""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulator.client import Cloud
from tests.emulator.console import amount, say, wide, wrap_json

ROOT = Path(__file__).parents[2]
FOLDER = "build/demo"
PAGE = f"{FOLDER}/report.html"
# Made up. The demo says so.
PRICES = '{"STANDARD": 0.10, "STANDARD_IA": 0.08}'
CURRENCY = "CNY"
SHOWN = 4
ABANDONED = ("freed", "left", "failed")


@dataclass(frozen=True, slots=True)
class Reports:
    """What the function stored under its report prefix."""

    cloud: Cloud
    bucket: str
    prefix: str

    def report_json(self, run_id: str) -> dict[str, Any]:
        """The account of a chain."""
        report: dict[str, Any] = json.loads(self.cloud.content(self.bucket, f"{self.prefix}/{run_id}/report.json"))
        return report

    def save(self, run_id: str) -> None:
        """Copy all objects to build/demo, as any client of COS does, and the page of one chain beside them."""
        shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
        for stored in self.cloud.objects(self.bucket, f"{self.prefix}/"):
            path = ROOT / FOLDER / stored.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.cloud.content(self.bucket, stored.key))
        shutil.copy(ROOT / FOLDER / self.prefix / run_id / "report.html", ROOT / PAGE)

    def look_up(self, run_id: str, key: str) -> list[dict[str, Any]]:
        """Show the records of a key in one chain, with the command of docs/reports.md, and return them."""
        wanted = shlex.quote(f'"key":"{key}"')
        command = f"zgrep -hF {wanted} {run_id}/uploads/*.gz"
        say(f"    $ {command}")
        done = subprocess.run(command, shell=True, cwd=ROOT / FOLDER / self.prefix, capture_output=True, check=False)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        for line in done.stdout.decode().splitlines():
            wrap_json(line)
        return records


def show_account(report: dict[str, Any]) -> None:
    """What leaks, where, who leaks it, what it costs, and what lifecycle rules do about it."""
    totals, settings = report["totals"], report["settings"]
    age, idle = settings["min_age_hours"] / 24, settings["min_idle_hours"] / 24
    say(f"    → {report['status']}: {measure(totals['open'])}")
    say(f"      abandoned (older than {age:.0f} days, no part for {idle:.0f} days): {measure(totals['found'])}")
    say("    Where the most bytes are abandoned:")
    show_largest([(f"{short(one['bucket'])}  {one['prefix']}", one) for one in directories(report["prefixes"]["tree"])])
    say("    Who started these uploads:")
    show_largest([(one["user"], one) for one in report["initiators"]["rows"]])
    say("    What lifecycle rules do about it:")
    for one in report["coverage"]:
        covered = f"every upload is aborted after {one['days']} days" if one["state"] == "whole_bucket" else "no rule"
        say(f"      {short(one['bucket'])}: {covered}")


def show_largest(rows: list[tuple[str, dict[str, Any]]]) -> None:
    """The rows with the most abandoned bytes."""
    ranked = sorted(((sum(one[name]["bytes"] for name in ABANDONED), name, one) for name, one in rows), reverse=True)
    for size, name, one in ranked[:SHOWN]:
        uploads = sum(one[group]["uploads"] for group in ABANDONED)
        if uploads:
            say(f"      {name:<{32 - wide(name)}}{uploads:>6} uploads{amount(size):>12}")


def directories(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a prefix tree that have no rows below them."""
    for one in rows:
        yield from directories(one["children"]) if one["children"] else [one]


def measure(of: dict[str, Any]) -> str:
    """Uploads, bytes and cost of a sum."""
    return f"{of['uploads']:,} uploads, {amount(of['bytes'])}, {of['per_month']:,.2f} {CURRENCY} a month"


def short(bucket: str) -> str:
    """A bucket without its APPID."""
    return bucket.rpartition("-")[0] if "@" not in bucket else bucket.partition("@")[0].rpartition("-")[0]
