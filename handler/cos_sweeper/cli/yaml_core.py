"""
YAML as the deployment reads it: js-yaml 4, the core schema of YAML 1.2, where `yes`, `on` and `1:30` are texts.

What two parsers could read in two ways is refused: tags, aliases, merge keys, keys that stand there twice, line breaks
that only one of them knows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from cos_sweeper.cli.words import t

PLAIN, QUOTED, LIST, MAP = "plain", "quoted", "list", "map"
NULL = ("", "~", "null", "Null", "NULL")
BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
# With the `_` between digits that the earlier versions of js-yaml 4 take.
INTEGER = re.compile(r"[-+]?(?:0b([01_]+)|0o([0-7_]+)|0x([0-9a-fA-F_]+)|([0-9][0-9_]*))")
FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*"
)
# A number or a truth value whose text is the same after it was read.
SAME_TEXT = re.compile(r"true|false|0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,8})\.[0-9]{0,5}[1-9]")
# A longer number is none: both languages give up.
MAX_DIGITS = 400
OTHER_LINE_BREAKS = re.compile("[\x85\u2028\u2029]")


class NotRead(ValueError):
    """The text is no YAML, or could be read in two ways. reason: holds no value. line: from 1, 0 if not known."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A plain value that is no text. text: as it stands there. value: what it is, None also for a date."""

    text: str
    value: bool | int | float | None

    @property
    def keeps_its_text(self) -> bool:
        """Whether it becomes the text that stands there, where a text is needed."""
        return SAME_TEXT.fullmatch(self.text) is not None


@dataclass(frozen=True, slots=True)
class Yaml:
    """
    document: maps, lists, texts, and `Unquoted` for all other values. lines: of each path, such as `inputs.events[0]`.
    """

    document: Any
    lines: Mapping[str, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Leaves open what a value is, and takes no alias."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise NotRead(t("it has an alias"), self.line + 1)
        return super().compose_node(parent, index)

    def resolve(self, kind: type[Any], value: Any, implicit: Any) -> Any:  # noqa: ARG002 PyYAML's signature
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else QUOTED
        return LIST if kind is yaml.SequenceNode else MAP


def parse(text: str) -> Yaml:
    """Raises NotRead."""
    if OTHER_LINE_BREAKS.search(text):
        raise NotRead(t("it has a line break that only some programs take for one"))
    try:
        root = yaml.compose(text, Loader=_Loader)
        lines: dict[str, int] = {}
        return Yaml(None if root is None else _read(root, "", lines), lines)
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        raise NotRead(t("it is not valid YAML"), mark.line + 1 if mark else 0) from exc


def inner(path: str, key: str) -> str:
    """The path of a key."""
    return f"{path}.{key}" if path else key


def scalar(text: str) -> "str | Unquoted":
    """What a plain value is."""
    if text in NULL or DATE.fullmatch(text) or (len(text) > MAX_DIGITS and text.strip("0123456789_") == ""):
        return Unquoted(text, None)
    if text in BOOLEANS:
        return Unquoted(text, BOOLEANS[text])
    match = INTEGER.fullmatch(text)
    if match and not text.endswith("_"):
        base, digits = next((base, each) for base, each in zip((2, 8, 16, 10), match.groups(), strict=True) if each)
        number = int(digits.replace("_", "") or "0", base)
        return Unquoted(text, -number if text.startswith("-") else number)
    if FLOAT.fullmatch(text) and not text.endswith("_"):
        return Unquoted(text, _float(text))
    return text


def _float(text: str) -> float | None:
    try:
        return float(re.sub(r"\.(?=inf|nan)", "", text.replace("_", "").lower()))
    except ValueError:
        return None


def _read(node: yaml.Node, path: str, lines: dict[str, int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if node.tag == MAP:
        return _map(node, path, lines)
    if node.tag == LIST:
        return [_read(each, f"{path}[{index}]", lines) for index, each in enumerate(node.value)]
    if node.tag not in (PLAIN, QUOTED):
        raise NotRead(t("it has a tag"), line)
    return scalar(node.value) if node.tag == PLAIN else node.value


def _map(node: yaml.Node, path: str, lines: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag not in (PLAIN, QUOTED) or (key.tag, key.value) == (PLAIN, "<<"):
            raise NotRead(t("it has a key that is no plain text"), line)
        if key.value in found:
            raise NotRead(t("the key `{key}` stands there twice", key=key.value[:80]), line)
        lines[inner(path, key.value)] = line
        found[key.value] = _read(value, inner(path, key.value), lines)
    return found
