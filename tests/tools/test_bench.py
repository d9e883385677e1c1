"""
The benchmark's own parts: that what it measures is what it says. Nothing here measures a time.
"""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from qcloud_cos import CosConfig, CosS3Auth

from cos_sweeper.core.model import BEGINNING, Bucket, Cursor, Upload
from cos_sweeper.cos import xml
from tests.bench import documents, limit, load, small, table
from tests.bench.figures import Figures
from tests.bench.rows import Contender, Row, rounds
from tests.bench.serving import serving

BUCKET = Bucket(load.BUCKET, load.REGION)


@pytest.mark.parametrize("method", ["DELETE", "GET"])
def test_limit_signs_as_the_sdk_does(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_795_000_000
    monkeypatch.setattr("qcloud_cos.cos_auth.time.time", lambda: now)
    ((key, upload_id),) = load.uploads(1)
    config = CosConfig(Region=load.REGION, SecretId=load.SECRET_ID, SecretKey=load.SECRET_KEY, Token=load.TOKEN)
    headers = {"Host": load.HOST, "x-cos-security-token": load.TOKEN}
    request: Any = SimpleNamespace(method=method, url=f"https://{load.HOST}/{key}", headers=headers)

    CosS3Auth(config, key, params={"uploadId": upload_id})(request)
    ours = limit.Signer(now).authorization(method.lower(), f"/{key}", (("uploadid", upload_id),))

    assert ours == request.headers["Authorization"]


@pytest.mark.parametrize("encoding", ["", "url"])
@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_pages_list_every_upload_once_and_in_order(count: int, encoding: str) -> None:
    listed: list[tuple[str, str]] = []
    cursor: Cursor | None = BEGINNING

    while cursor is not None:
        body = documents.uploads_page(documents.first_after(cursor.key), count, encoding)
        page = xml.uploads_page(body, BUCKET, cursor)
        listed += [(each.upload.key, each.upload.upload_id) for each in page.listed]
        cursor = page.next

    assert listed == load.uploads(count) == sorted(listed)


def test_uploads_have_one_part_each_as_old_as_themselves() -> None:
    ((key, upload_id),) = load.uploads(1)

    page = xml.parts_page(documents.parts(key, upload_id), Upload(BUCKET, key, upload_id), 0)
    listed = xml.uploads_page(documents.uploads_page(0, 1, "url"), BUCKET, BEGINNING).listed

    assert [part.last_modified for part in page.parts] == [listed[0].initiated]
    assert page.next is None


@pytest.mark.parametrize("delay_ms", [0, 20])
def test_responder_answers_all_requests_of_a_sweep(delay_ms: int) -> None:
    uploads = 1500

    with serving(delay_ms, uploads) as served:
        figures = limit.rate(served.port, 64, 60, limit.sweep_requests(uploads))

    assert served.requests == 2 * uploads + 2
    assert served.aborts == uploads
    assert figures.calls <= served.requests


def test_responder_answers_requests_that_come_together() -> None:
    with serving(0) as served:
        figures = limit.pipelined(served.port, 64, 0.05)

    assert served.aborts == figures.calls > 0


def test_row_that_cannot_be_measured_names_the_reason_and_the_others_go_on() -> None:
    def fail() -> Any:
        raise RuntimeError("it broke")

    with serving(0) as served:
        pass
    figures = Figures(calls=100, seconds=1, cpu_seconds=0.5, peak_bytes=1 << 20)
    works = Contender("works", lambda: (figures, served))

    found = rounds([works, Contender("fails", fail), Contender("absent", fail, absent="not installed: no index")], 2)
    lines = table.aborts(found, found[0], found[0])

    assert found[0].figures == figures
    assert re.search(r"fails +failed: it broke", lines[2])
    assert re.search(r"absent +not installed: no index", lines[3])


def test_command_runs_in_every_folder_of_its_cgroup(tmp_path: Path) -> None:
    folders = (tmp_path / "a cpu", tmp_path / "memory")
    for folder in folders:
        folder.mkdir()
    command = small.Box(folders).command([sys.executable, "-c", "import os, sys; print(os.getpid(), sys.argv)", "$a b"])

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    (entered,) = {(folder / "cgroup.procs").read_text().strip() for folder in folders}
    assert said == f"{entered} ['-c', '$a b']\n"


def test_best_round_stands_for_a_row() -> None:
    with serving(0) as served:
        pass
    some = iter([Figures(10, 1, 1, 1), Figures(30, 1, 1, 1), Figures(20, 1, 1, 1)])

    (row,) = rounds([Contender("row", lambda: (next(some), served))], 3)

    assert row == Row("row", Figures(30, 1, 1, 1))
