"""
Reports in a directory: as under REPORT, for their owner alone, and kept where they cannot be stored.
"""

import asyncio
import os
import stat
from pathlib import Path
from unittest import mock

import pytest

from cos_sweeper.cli.local_folder import KeptFolder, LocalFolder
from cos_sweeper.core.errors import CosRejected, StoreError


def test_directory_has_what_was_put_for_its_owner_alone(tmp_path: Path) -> None:
    async def use() -> tuple[bytes | None, bytes | None, list[str]]:
        folder = LocalFolder(tmp_path / "records")
        await folder.put("run/parts/a.json.gz", b"one")
        await folder.put("run/parts/a.json.gz", b"two")
        await folder.put("run/uploads/b.jsonl.gz", b"b")
        await folder.put("history/1.json", b"h")
        return await folder.get("run/parts/a.json.gz"), await folder.get("run/none"), await folder.names("run/")

    body, none, names = asyncio.run(use())

    assert (body, none, names) == (b"two", None, ["run/parts/a.json.gz", "run/uploads/b.jsonl.gz"])
    files = [path for path in (tmp_path / "records").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert len(files) == 3


def test_names_come_in_order_after_the_marker(tmp_path: Path) -> None:
    async def use() -> tuple[list[str], list[str]]:
        folder = LocalFolder(tmp_path)
        for name in ("history/3", "history/1", "history/2", "other/1"):
            await folder.put(name, b"")
        return await folder.names("history/", "history/1"), await folder.names("nothing/")

    assert asyncio.run(use()) == (["history/2", "history/3"], [])


@pytest.mark.parametrize("name", ["../x", "run/../../x", "./x"])
def test_name_that_leaves_the_directory_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        asyncio.run(LocalFolder(tmp_path / "records").put(name, b""))

    assert list(tmp_path.iterdir()) == []


def test_file_in_the_way_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")

    with pytest.raises(StoreError, match="CannotWrite"):
        asyncio.run(LocalFolder(tmp_path).put("run/report.json", b""))


class Broken(LocalFolder):
    async def put(self, name: str, body: bytes) -> None:  # noqa: ARG002
        raise StoreError("AccessDenied", 403)


def test_document_that_cannot_be_stored_is_kept_and_the_failure_is_known(tmp_path: Path) -> None:
    async def use() -> tuple[bytes | None, list[str], StoreError | None]:
        folder = KeptFolder(Broken(tmp_path))
        await folder.put("run/ends/0.json.gz", b"end")
        return await folder.get("run/ends/0.json.gz"), await folder.names("run/"), folder.failed

    body, names, failed = asyncio.run(use())

    assert (body, names, failed and failed.code) == (b"end", ["run/ends/0.json.gz"], "AccessDenied")


def test_record_of_an_upload_that_cannot_be_stored_is_raised(tmp_path: Path) -> None:
    """Without it nothing may be aborted."""
    with pytest.raises(StoreError):
        asyncio.run(KeptFolder(Broken(tmp_path)).put("run/uploads/a.intents-000001.jsonl.gz", b""))


def test_folder_that_stores_nothing_keeps_no_records(tmp_path: Path) -> None:
    async def use() -> tuple[list[str], bytes | None]:
        folder = KeptFolder(None)
        await folder.put("run/uploads/a.jsonl.gz", b"records")
        await folder.put("run/report.json", b"{}")
        return await folder.names("run/"), await folder.get("run/report.json")

    assert asyncio.run(use()) == (["run/report.json"], b"{}")
    assert list(tmp_path.iterdir()) == []


def test_pipe_is_not_read_and_a_directory_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")

    with pytest.raises(CosRejected, match="CannotRead"):
        asyncio.run(LocalFolder(tmp_path).get("report.json"))
    with (
        mock.patch.object(Path, "rglob", side_effect=PermissionError(13, "Permission denied", "/root")),
        pytest.raises(CosRejected, match="/root: Permission denied"),
    ):
        asyncio.run(LocalFolder(tmp_path).names(""))
