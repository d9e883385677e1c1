"""
The commands of report.html, run on the records that belong to it.
"""

import gzip
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cos_sweeper.report import record
from cos_sweeper.report.page_parts import numbers
from tests.page.reporter import RECENT, Json, Reporter, Upload
from tests.page.reporter import record as row_of
from tests.page.samples import story
from tests.unit.report.test_page import parsed

KINDS: dict[str, dict[str, Any]] = {"sweep": {}, "dry run": {"dry_run": True}, "inventory": {"kind": "inventory"}}


def line_of(upload: Upload, outcome: str) -> bytes:
    row: Json = row_of(upload)
    moments = {name: numbers.moment(row[name]) for name in ("initiated", "last_part")}
    rest = {"cos_request_id": "", "verified": None, "status": None, "at": None, "run": 1, "shard": "1/1"}
    code = upload.reason if upload.group == "failed" else ""
    reason = "" if code else upload.reason
    return record.line(record.Record(**{**row, **moments, **rest, "outcome": outcome, "reason": reason, "code": code}))


@pytest.mark.parametrize("kind", KINDS)
def test_command_prints_as_many_lines_as_the_page_says(kind: str, tmp_path: Path) -> None:
    reporter = Reporter(story(400, 150), **KINDS[kind])
    names = {"left": "would_abort"} if reporter.keeps_all else {}
    (tmp_path / "uploads").mkdir()
    lines = [
        line_of(one, names.get(one.group, one.outcome))
        for one in reporter.uploads
        if one.group != "kept" or one.reason == RECENT or reporter.kind == "inventory"
    ]
    (tmp_path / "uploads" / "0.run-1.a.outcomes-1.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))

    anchors = parsed(reporter.report()).all("a")
    links = {one["data-q"] or "": one.get("data-n") for one in anchors if "zgrep" in (one.get("data-q") or "")}
    script = "\n".join(f"{command} | wc -l" for command in links)
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=True, text=True)

    assert len(links) > 20
    printed = dict(zip(links, done.stdout.split(), strict=True))
    assert printed == {command: (number or "").replace(",", "") for command, number in links.items()}
