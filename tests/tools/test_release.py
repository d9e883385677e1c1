"""
What a release consists of.
"""

import subprocess
from pathlib import Path

import pytest

from cos_sweeper.core.version import VERSION
from tests.fixtures import ROOT
from tests.tools.release import NoRelease, gather, notes

CHANGELOG = "# Changelog\n\n## 1.2.0\n\nNew.\n\n### More\n\n- One.\n\n## 1.1.0\n\nOld.\n"
BUILT = ("function.zip", "cos_sweeper-1.2.0-py3-none-any.whl", "sbom.json")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for name in BUILT:
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("tag", ["v1.2.0", ""])
def test_release_has_every_part_the_notes_of_its_version_and_checksums(tag: str, build: Path) -> None:
    folder = build / "release"
    folder.mkdir()
    (folder / "of an earlier one").write_text("")

    gather(build, folder, CHANGELOG, "1.2.0", tag)

    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.count(": OK")) == (0, 3)
    assert len(list(folder.iterdir())) == 5
    assert (folder / "NOTES.md").read_text() == "New.\n\n### More\n\n- One.\n"


@pytest.mark.parametrize(
    ("version", "tag", "said"),
    [
        ("1.2.0", "v1.1.0", "not that of version 1.2.0"),
        ("1.3.0", "", "nothing about 1.3.0"),
        ("1.1.0", "", "not built"),
    ],
)
def test_release_that_does_not_agree_is_none(version: str, tag: str, said: str, build: Path) -> None:
    with pytest.raises(NoRelease, match=said):
        gather(build, build / "release", CHANGELOG, version, tag)

    assert not (build / "release").exists()


def test_changelog_has_notes_for_this_version() -> None:
    assert notes((ROOT / "CHANGELOG.md").read_text("utf-8"), VERSION)
