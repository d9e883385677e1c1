"""
A `.env` file as the deployment reads it, and the lines that a person meant in another way.

The command line of Serverless Cloud Framework uses dotenv 8, which knows only lines with `NAME=value`: no `export`, no
`NAME: value`, no comment behind a value and no value of several lines. Values in, values out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cos_sweeper.cli.words import t

# What JavaScript takes for white space.
SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
LINE = re.compile(rf"[{SPACE}]*([A-Za-z0-9_.-]+)[{SPACE}]*=[{SPACE}]*([^\n\r\u2028\u2029]*)[{SPACE}]*")
LINE_BREAK = re.compile(r"\r\n|\n|\r")
EDGES = re.compile(rf"\A[{SPACE}]+|[{SPACE}]+\Z")
COMMENT = re.compile(rf"(?:\A|[{SPACE}])#")


@dataclass(frozen=True, slots=True)
class DotEnv:
    """values: by name; they may be secret. lines: where each stands. problems: (line, what is wrong with it)."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    problems: tuple[tuple[int, str], ...]


def parse(text: str) -> DotEnv:
    """The variables of a `.env` file."""
    values, lines = {}, {}
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(LINE_BREAK.split(text), 1):
        match = LINE.fullmatch(line)
        if match:
            name, value = match.groups()
            values[name], lines[name] = _value(value), number
            problems += ((number, problem) for problem in _of_value(name, values[name], value))
        elif _trimmed(line)[:1] not in ("", "#"):
            problems.append((number, _of_line(line)))
    return DotEnv(values, lines, tuple(problems))


def _value(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace("\\n", "\n") if text[0] == '"' else text[1:-1]
    return _trimmed(text)


def _trimmed(text: str) -> str:
    return EDGES.sub("", text)


def _of_value(name: str, value: str, text: str) -> Iterator[str]:
    """What a person probably meant in another way. text: as it stands there."""
    if value != _trimmed(text):
        return
    if COMMENT.search(text):
        yield t("`#` is part of the value of {name}: put the comment on a line of its own.", name=name)
    elif value[:1] in ("'", '"') or value[-1:] in ("'", '"'):
        yield t("the quotes are part of the value of {name}: nothing may stand behind the last one.", name=name)


def _of_line(line: str) -> str:
    """Why the deployment ignores it. Holds no value."""
    if re.match(rf"[{SPACE}]*export[{SPACE}]", line):
        return t("the deployment ignores a line with `export`: write NAME=value.")
    if re.match(rf"[{SPACE}]*[\w.-]+[{SPACE}]*:", line):
        return t("the deployment ignores a line with `:`: write NAME=value.")
    return t("the deployment ignores this line: write NAME=value, a value on one line.")
