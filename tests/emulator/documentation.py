"""
The parts of docs/emulator.md that repeat the code: `python -m tests.emulator.documentation` writes them anew.

Each stands between a line that names it and a line that ends it. The rest of the page is written by hand.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.emulator.__main__ import make_parser
from tests.emulator.table import CONDITIONS, COPY_SOURCE, OVERRIDES, STORED, TABLE, Operation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"
PLACES = {"service": "/", "bucket": "/", "object": "/KEY"}
GROUPS = {
    "stored headers": STORED,
    "conditions": CONDITIONS,
    "the copy's source": COPY_SOURCE,
    "changes of the response": OVERRIDES,
}
"""Names that several operations have together."""
SECTION = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")


def written(page: str) -> str:
    """A page with its generated parts as they are now."""
    return SECTION.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n{found[3]}", page)


def operations() -> str:
    """What is implemented, a line for each operation."""
    head = ("operation", "request", "may carry", "headers that count", "body", "in policies")
    table = _table(head, (_operation(row) for row in TABLE if not row.missing))
    groups = (f"*{name}*: {', '.join(map(_code, members))}" for name, members in GROUPS.items())
    return table + "".join(f"\n{line}.\n" for line in groups)


def refused() -> str:
    """What is known and refused, with the reason."""
    lines = dict.fromkeys((row.name, _request(row), row.missing) for row in TABLE if row.missing)
    return _table(("operation", "request", "why"), lines)


def options() -> str:
    """The options of the command."""
    actions = (each for each in make_parser()._actions if not isinstance(each, argparse._HelpAction))  # noqa: SLF001
    lines = ((_code(f"{each.option_strings[0]} {each.metavar or ''}".rstrip()), each.help or "") for each in actions)
    return _table(("option", "what it does"), lines)


def _operation(row: Operation) -> Iterable[str]:
    headers, query = _listed((*row.reads, *row.stores)), _listed(row.optional)
    return (row.name, _request(row), query, headers, row.takes, _code(row.policy_action))


def _listed(names: Sequence[str]) -> str:
    """The names, those of a group by the group's."""
    groups = [name for name, members in GROUPS.items() if set(members) <= set(names)]
    grouped = {each for name in groups for each in GROUPS[name]}
    return ", ".join((*(_code(each) for each in names if each not in grouped), *(f"*{name}*" for name in groups)))


def _request(row: Operation) -> str:
    names = (f"{name}=…" if name in ("uploadId", *row.required, "list-type") else name for name in _names(row))
    query = "&".join(names)
    header = f" with {_code(row.selecting_header)}" if row.selecting_header else ""
    host = " at the service's host" if row.path == "service" else ""
    return _code(f"{row.method} {PLACES[row.path]}" + (f"?{query}" if query else "")) + header + host


def _names(row: Operation) -> Iterable[str]:
    return (*row.required, *row.selected_by)


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ("---",) * len(head), *lines))


PARTS: dict[str, Callable[[], str]] = {"operations": operations, "refused": refused, "options": options}

if __name__ == "__main__":
    main()
