"""
Where the command writes: results to stdout, everything else to stderr.

In a terminal with colours, tables and bars; piped as plain lines, which `cut` and `awk` can read; with `--json` nothing
but the data is on stdout, and the tables are not shown.
"""

import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import click
from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from cos_sweeper.cli import output
from cos_sweeper.cli.command_line import completed
from cos_sweeper.cli.problems import Problem
from cos_sweeper.cli.tables import Table, as_lines, as_rich, safe
from cos_sweeper.cli.theme import THEME
from cos_sweeper.cli.words import t

MAX_WIDTH = 132
NO_BREAK = "\u00a0"


class Console:
    """
    out, err: rich's consoles for stdout and stderr. is_json: `--json`. is_interactive: a person can be asked.
    """

    def __init__(
        self,
        *,
        is_json: bool = False,
        environ: Mapping[str, str] = os.environ,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self.is_json = is_json
        self.out = _rich(stdout or sys.stdout, environ)
        self.err = _rich(stderr or sys.stderr, environ)
        self.is_interactive = has_person(self.err)

    @property
    def is_plain(self) -> bool:
        """Whether results are plain lines for another program."""
        return not self.out.is_terminal

    def show(self, *items: RenderableType | Table) -> None:
        """Results for people: texts, tables. Nothing of it with `--json`."""
        if not self.is_json:
            for item in items:
                _print(self.out, item)

    def item(self, mark: str, style: str, text: Text | str, *, is_result: bool = True) -> None:
        """A line with a mark before it; where it is wrapped, it stays right of the mark."""
        if is_result and self.is_json:
            return
        console = self.out if is_result else self.err
        shown = safe(Text(text) if isinstance(text, str) else text)
        if console.is_terminal:
            grid = RichTable.grid(padding=(0, 1, 0, 0))
            grid.add_row(Text(mark, style), shown)
            with output.writing(console.file):
                console.print(grid)
        else:
            _print(console, Text.assemble(mark, " ", shown))

    def next_step(self, text: str, *, is_result: bool = False) -> None:
        """What to do next."""
        self.item("→", "next", completed(text), is_result=is_result)

    def data(self, value: Any) -> None:
        """The result as JSON, with `--json`."""
        if self.is_json:
            output.data(value)

    def say(self, text: RenderableType | Table = "", style: str = "") -> None:
        """What is not the result, on stderr."""
        output.note(f"{text}" if isinstance(text, (str, Text)) else "")
        _print(self.err, Text(text, style) if isinstance(text, str) else text)

    def block(self, text: Text) -> None:
        """Lines that stay together and are not wrapped, on stderr."""
        with output.writing(self.err.file):
            if self.err.is_terminal:
                self.err.print(text, soft_wrap=True)
            else:
                self.err.file.write(f"{text}\n")
                self.err.file.flush()

    def problem(self, problem: Problem) -> None:
        """Say what is wrong, and the next step."""
        self.item(t("error:"), "bad", problem.sentence, is_result=False)
        if problem.next_step:
            self.next_step(problem.next_step)

    def confirm(self, question: str) -> bool:
        """Ask a person; no answer but yes is yes. Raises Problem where nobody can be asked."""
        self.require_person()
        forget_typed()
        question = question.replace(NO_BREAK, " ")
        answer: str = click.prompt(question + t(" [y/N]"), default="", show_default=False, err=True)
        self._answered()
        return answer.strip().lower() in ("y", "yes", "是", "好")

    def typed(self, question: str) -> str:
        """Ask a person to type something. Raises Problem where nobody can be asked."""
        self.require_person()
        forget_typed()
        answer: str = click.prompt(question, default="", show_default=False, err=True)
        self._answered()
        return answer.strip()

    def _answered(self) -> None:
        if self.err.is_terminal:
            self.say()

    def require_person(self) -> None:
        """Raise Problem where nobody can be asked."""
        if not self.is_interactive:
            raise Problem(t("Nobody can be asked: this is no terminal."), t("Give `--yes` if you are sure."), 2)


def forget_typed() -> None:
    """Drop what was typed before a question was shown: it is no answer to it."""
    if sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def has_person(console: RichConsole) -> bool:
    """Whether a person reads this console and can answer."""
    return sys.stdin.isatty() and console.is_terminal


def _rich(file: IO[str], environ: Mapping[str, str]) -> RichConsole:
    is_terminal = file.isatty()
    console = RichConsole(
        file=file,
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=bool(environ.get("NO_COLOR")) or None,
        force_terminal=is_terminal and environ.get("TERM") != "dumb",
        legacy_windows=False,
    )
    if is_terminal:
        console.width = min(console.width, MAX_WIDTH)
    return console


def _print(console: RichConsole, item: RenderableType | Table) -> None:
    with output.writing(console.file):
        _print_to(console, item)


def _print_to(console: RichConsole, item: RenderableType | Table) -> None:
    if isinstance(item, (str, Text)):
        item = safe(Text(item) if isinstance(item, str) else item)
    if isinstance(item, Table):
        if console.is_terminal:
            console.print(as_rich(item, console.width, has_colours=not console.no_color))
        else:
            # Not through rich, which makes spaces of tabs.
            console.file.write("".join(f"{line}\n" for line in as_lines(item)))
    elif isinstance(item, Text) and not console.is_terminal:
        # A pipe gets whole lines, which another program can search.
        console.file.write(f"{item}".replace(NO_BREAK, " ") + "\n")
    else:
        console.print(item)
