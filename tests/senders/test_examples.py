"""
The folder `examples/`: its events do what their names say, its files are short, and its README names them all.
"""

import json
import re
from pathlib import Path

import pytest

from tests.emulator.public import Cloud, Seeded
from tests.fixtures import ROOT
from tests.function import LOGS, PHOTOS, Function
from tests.senders.clients import EXAMPLES

BUCKET = PHOTOS.partition("@")[0]
EVENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in (EXAMPLES / "events").glob("*.json")}
SENDERS = sorted(path for path in EXAMPLES.rglob("*.*") if path.suffix in (".py", ".mjs", ".js", ".sh"))
MAX_LINES = 39


@pytest.fixture
def named(cloud: Cloud) -> list[Seeded]:
    """The uploads that the events name, one more of each key, and two that a sweep of tmp/ finds or keeps."""
    uploads = [
        seeded
        for each in EVENTS["several_uploads"]["uploads"]
        for seeded in cloud.seed(BUCKET, each["key"], upload_id=each["uploadId"])
    ]
    for key, hours in (("raw/2026/cat.mp4", 1), ("raw/2026/dog.mp4", 1), ("tmp/old", 500), ("tmp/new", 200)):
        cloud.seed(BUCKET, key, hours_since_start=hours)
    return uploads


@pytest.mark.parametrize(("name", "count"), [("one_upload", 1), ("several_uploads", 2)])
def test_event_aborts_exactly_the_uploads_that_it_names(
    cloud: Cloud, function: Function, named: list[Seeded], name: str, count: int
) -> None:
    report = function(EVENTS[name]).report

    left = {each.upload_id for each in cloud.uploads(BUCKET)}
    assert report["aborted"] == count
    assert [each.upload_id in left for each in named] == [number >= count for number in range(2)]
    assert len(left) == 6 - count


def test_event_of_an_inventory_counts_every_upload_and_aborts_none(
    cloud: Cloud, function: Function, named: list[Seeded]
) -> None:
    report = function(EVENTS["inventory"], REPORT=f"{LOGS}/reports").report

    assert report["kept"] + report["would_abort"] == len(cloud.uploads(BUCKET)) == 4 + len(named)


def test_event_of_a_narrowed_timer_would_abort_what_is_old_under_its_prefix(
    cloud: Cloud, function: Function, named: list[Seeded]
) -> None:
    report = function(EVENTS["timer_narrowed"]).report

    assert (report["would_abort"], report["aborted"]) == (1, 0)
    assert len(cloud.uploads(BUCKET)) == 4 + len(named)


@pytest.mark.parametrize("path", SENDERS, ids=[str(path.relative_to(EXAMPLES)) for path in SENDERS])
def test_sender_has_fewer_than_forty_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


def test_readme_links_every_file() -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    linked = {(EXAMPLES / target).resolve() for target in re.findall(r"\]\(([a-z_./-]+)\)", text)}

    files = {*SENDERS, *(EXAMPLES / "events").glob("*.json")}

    assert len(files) > 10
    assert files <= linked, sorted(str(path.relative_to(ROOT)) for path in files - linked)
