"""
The Chinese documents say what the English ones say: the same sections, settings, commands and links.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fixtures import ROOT

PAIRS = {"README.md": "README.zh-CN.md", "docs/deploying.md": "docs/zh-CN/deploying.md"}
pairs = pytest.mark.parametrize(("english", "chinese"), PAIRS.items(), ids=PAIRS)

FENCE = re.compile(r"(?ms)^ *```[a-z]*\n(.*?)^ *```$")
COMMENT = re.compile(r"\s+# .*$")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Section(NamedTuple):
    """What a section has that no translation changes."""

    level: int
    commands: tuple[str, ...]
    names: Counter[str]
    rows: int
    items: int
    targets: frozenset[str]


def sections(path: Path) -> list[Section]:
    return [section(text) for text in re.split(r"(?m)^(?=#+ )", FENCE.sub(hidden, path.read_text("utf-8"))) if text]


def hidden(fence: re.Match[str]) -> str:
    """A block of commands, as one line that no heading can be in."""
    return "\n".join(f"\0{COMMENT.sub('', line).strip()}" for line in fence[1].splitlines())


def section(text: str) -> Section:
    prose = re.sub(r"(?m)^\0.*\n?", "", text)
    return Section(
        len(text) - len(text.lstrip("#")),
        tuple(line[1:] for line in text.splitlines() if line.startswith("\0")),
        Counter(re.findall(r"`([^`\n]+)`", prose)),
        len(re.findall(r"(?m)^\|", prose)),
        len(re.findall(r"(?m)^(?:\d+\.|-) ", prose)),
        frozenset(target_name(target) for target in re.findall(r"\]\(([^)]+)\)", prose)),
    )


def target_name(target: str) -> str:
    """The document that a link leads to, wherever it stands. A link inside a document has a heading in its language."""
    path, _, _ = target.partition("#")
    return Path(path).name.replace(".zh-CN", "") if path else "#"


@pairs
def test_sections_are_the_same(english: str, chinese: str) -> None:
    theirs, ours = sections(ROOT / english), sections(ROOT / chinese)

    assert [one.level for one in ours] == [one.level for one in theirs]
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert one == other, f"section {number} of {chinese}"


@pairs
def test_document_is_chinese(english: str, chinese: str) -> None:
    headings = re.findall(r"(?m)^#+ (.*)$", (ROOT / chinese).read_text("utf-8"))

    assert [one for one in headings if not CHINESE.search(one) and one != "COS Sweeper"] == []
    assert not CHINESE.search((ROOT / english).read_text("utf-8").replace("中文", ""))
