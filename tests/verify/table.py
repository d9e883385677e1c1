"""
What a run came to, as text for a terminal, as Markdown for a bug report, and as JSON. Values in, values out.
"""

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cos_sweeper.core.version import VERSION
from tests.verify.outcome import WORDS, AsExpected, Different, Kind, NotChecked, Result
from tests.verify.running import Run
from tests.verify.world import World

ALL_AS_EXPECTED, SOMETHING_DIFFERENT, NOT_RUN, SOMETHING_NOT_CHECKED, SOMETHING_LEFT, INTERRUPTED = 0, 1, 2, 3, 4, 130
MARKS: dict[Kind, str] = {AsExpected: "✓", Different: "✗", NotChecked: "–"}
# What matters most stands where it is read first: at the end of a terminal, at the beginning of a page.
ORDER: tuple[Kind, ...] = (Different, NotChecked, AsExpected)
COLOURS: dict[Kind, str] = {AsExpected: "\033[32m", Different: "\033[1;31m", NotChecked: "\033[33m"}
PLAIN = "\033[0m"
MIN_WIDTH, MAX_WIDTH = 60, 120

# Kind, name, claim, what was seen.
Row = tuple[Kind, str, str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """A run in texts that hold no secret and no account number. where: bucket and region; when: UTC."""

    where: str
    when: str
    requests: int
    seconds: int
    rows: Sequence[Row]
    left: Sequence[str]
    removed: str
    exit_code: int

    def count(self, kind: Kind) -> int:
        """How many checks came to this."""
        return sum(row[0] is kind for row in self.rows)


def account_of(world: World, run: Run, seconds: float) -> Account:
    """The account of a run."""
    cleaned = run.cleaned
    left = [*cleaned.left, *([f"the run ended early: {run.defect}"] if run.defect else [])]
    return Account(
        where=world.hidden(str(world.bucket)),
        when=f"{world.options.now():%Y-%m-%d %H:%M} UTC",
        requests=world.sender.sent,
        seconds=round(seconds),
        rows=[_row(world, one) for one in run.results],
        left=[world.hidden(one) for one in left],
        removed=f"{cleaned.uploads} uploads aborted and {cleaned.objects} objects deleted at the end",
        exit_code=exit_code(run),
    )


def exit_code(run: Run) -> int:
    """As docs/facts.md has it."""
    kinds = {type(one.outcome) for one in run.results}
    if run.interrupted:
        return INTERRUPTED
    if run.cleaned.left or run.defect:
        return SOMETHING_LEFT
    if Different in kinds:
        return SOMETHING_DIFFERENT
    return SOMETHING_NOT_CHECKED if NotChecked in kinds else ALL_AS_EXPECTED


def as_text(account: Account, width: int = 0, *, colours: bool = False) -> str:
    """For a terminal."""
    width = width or terminal_width()
    names = max((len(row[1]) for row in account.rows), default=0)
    blocks = []
    for kind in reversed(ORDER):
        rows = [row for row in account.rows if row[0] is kind]
        if rows:
            text = "\n".join([WORDS[kind].capitalize(), *_lines(rows, names, width)])
            blocks.append(_coloured(text, kind) if colours else text)
    where = f"{account.where}, {account.when}, {account.requests:,} requests, {account.seconds} s"
    ending = [_counts(account), where, account.removed, *(f"LEFT: {one}" for one in account.left)]
    blocks.append("\n".join(textwrap.fill(one, width) for one in ending))
    return "\n\n".join(blocks)


def _coloured(text: str, kind: Kind) -> str:
    mark = f"  {MARKS[kind]} "
    return text.replace(f"\n{mark}", f"\n{COLOURS[kind]}{mark}{PLAIN}")


def as_markdown(account: Account) -> str:
    """For a bug report."""
    head = f"COS Sweeper {VERSION}, {account.where}, {account.when}: {_counts(account)}."
    lines = [head, "", "| check | | what the project relies on | seen |", "|---|---|---|---|"]
    for kind in ORDER:
        for row in account.rows:
            if row[0] is kind:
                cells = (f"`{row[1]}`", WORDS[kind], row[2], row[3])
                lines.append(f"| {' | '.join(_cell(one) for one in cells)} |")
    lines += ["", f"{account.removed}.", *(f"LEFT: {one}" for one in account.left)]
    return "\n".join(lines) + "\n"


def as_json(account: Account) -> str:
    """For a program."""
    payload = {
        "version": VERSION,
        "bucket": account.where,
        "time": account.when,
        "requests": account.requests,
        "seconds": account.seconds,
        "exit_code": account.exit_code,
        "checks": [
            {"name": name, "result": WORDS[kind], "claim": claim, "seen": seen}
            for kind, name, claim, seen in account.rows
        ],
        "left": list(account.left),
    }
    return json.dumps(payload, ensure_ascii=False, indent=2) + "\n"


def terminal_width() -> int:
    """The terminal's, within reason."""
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns))


def _row(world: World, result: Result) -> Row:
    seen = "".join(one if one.isprintable() else "\ufffd" for one in world.hidden(result.outcome.seen))
    return type(result.outcome), result.check.name, result.check.claim, seen


def _counts(account: Account) -> str:
    return ", ".join(f"{account.count(kind)} {WORDS[kind]}" for kind in (AsExpected, Different, NotChecked))


def _lines(rows: Sequence[Row], names: int, width: int) -> Iterator[str]:
    """One check after the other. What several have in common is said once, after the last of them."""
    indent = " " * (names + 5)
    for index, (kind, name, claim, seen) in enumerate(rows):
        first = f"  {MARKS[kind]} {name.ljust(names)}"
        text = seen if kind is AsExpected else claim
        yield textwrap.fill(f"{first} {text}", width, subsequent_indent=indent)
        if kind is not AsExpected and (index + 1 == len(rows) or rows[index + 1][3] != seen):
            word = "seen" if kind is Different else "why"
            yield textwrap.fill(f"{word}: {seen}", width, initial_indent=indent, subsequent_indent=indent)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
