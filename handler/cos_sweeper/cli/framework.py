"""
How a command is made: its options, its help in the language in use, and the session that it gets.

A module of `commands` has one name, `command`, made by `new_command`. Its function gets the session first, then its own
arguments and options, and returns an exit code.
"""

import json
import shutil
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from cos_sweeper.cli import config, exits, output
from cos_sweeper.cli.problems import Problem, defect, problem_of
from cos_sweeper.cli.words import LANGUAGES, t
from cos_sweeper.core.errors import SweeperError

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

NAME = "cos-sweeper"
# The variable that is set where a shell asks for a completion.
ASKED = "_COS_SWEEPER_COMPLETE"
HELP_WIDTH = 100

Suggest = Callable[[click.Context, click.Parameter, str], list[Any]]


def suggest(kind: str, **more: Any) -> Suggest:
    """What a shell suggests for a value: a function of `suggestions`, imported when a shell asks."""

    def suggested(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
        from cos_sweeper.cli import suggestions

        found: list[Any] = getattr(suggestions, kind)(ctx, incomplete, **more)
        return found

    return suggested


class Option(click.Option):
    """An option whose help is translated when it is shown."""


class SettingOption(Option):
    """An option that sets a setting of the function. setting: its name; flag_text: what a flag sets it to."""

    def __init__(self, declaration: str, setting: str, flag_text: str = "true", **more: Any) -> None:
        super().__init__([declaration], **more)
        self.setting = setting
        self.flag_text = flag_text

    def given(self, value: Any) -> list[config.Given]:
        """What the setting becomes, [] where the option is not given."""
        if value is None or value is False or value == ():
            return []
        origin = self.opts[0]
        if self.multiple:
            is_prefix = self.setting.endswith("PREFIXES")
            return [config.option(self.setting, _list(value) if is_prefix else ",".join(value), origin)]
        return [config.option(self.setting, self.flag_text if value is True else str(value), origin)]


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


BUCKET = Option(
    ["--bucket", "buckets"],
    multiple=True,
    metavar="NAME@REGION",
    help="Only this bucket. Repeatable.",
    shell_complete=suggest("buckets"),
)
ALL_BUCKETS = Option(["--all-buckets"], is_flag=True, help="Every bucket that these credentials can list.")
PREFIX = Option(["--prefix", "prefixes"], multiple=True, metavar="PREFIX", help="Only keys that begin so. Repeatable.")
EXCLUDE_BUCKET = SettingOption(
    "--exclude-bucket",
    "EXCLUDE_BUCKETS",
    multiple=True,
    metavar="NAME",
    help="Not this bucket. Repeatable.",
    shell_complete=suggest("buckets", has_region=False),
)
EXCLUDE_PREFIX = SettingOption(
    "--exclude-prefix", "EXCLUDE_PREFIXES", multiple=True, metavar="PREFIX", help="Not keys that begin so. Repeatable."
)
# What to work on.
SCOPE: tuple[Option, ...] = (BUCKET, ALL_BUCKETS, PREFIX, EXCLUDE_BUCKET, EXCLUDE_PREFIX)
# When an upload is abandoned.
POLICY: tuple[Option, ...] = (
    SettingOption("--min-age-hours", "MIN_AGE_HOURS", metavar="HOURS", help="Keep uploads that are younger. [168]"),
    SettingOption(
        "--min-idle-hours", "MIN_IDLE_HOURS", metavar="HOURS", help="Keep uploads that got a part since then. [72]"
    ),
    SettingOption(
        "--include-committers",
        "INCLUDE_COMMITTERS",
        is_flag=True,
        help="Also where Hadoop, Spark and others write running jobs.",
    ),
)
EVENT_IDLE = SettingOption(
    "--event-min-idle-minutes",
    "EVENT_MIN_IDLE_MINUTES",
    metavar="MINUTES",
    help="With UPLOAD_ID: keep it if a part arrived since then. [0]",
)
PRICE: tuple[Option, ...] = (
    SettingOption(
        "--price-per-gb-month",
        "PRICE_PER_GB_MONTH",
        metavar="PRICE",
        help="Show costs. A number, or JSON with a number for each storage class.",
    ),
    SettingOption("--currency", "CURRENCY", metavar="NAME", help="Of the price, such as CNY."),
)
DRY_RUN = SettingOption("--dry-run", "DRY_RUN", is_flag=True, help="Only show what would be aborted.")
SET = Option(
    ["--set", "assignments"],
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting. Repeatable.",
    shell_complete=suggest("settings"),
)
HTML = Option(
    ["--html"],
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the account as one HTML file, which opens without a network.",
)
RECORDS_HERE = Option(
    ["--records"],
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write records and the report into this directory. [cos-sweeper-records]",
)
RECORDS = Option(
    ["--records"],
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write records and the report into this directory. [REPORT]",
)
TRACE = Option(
    ["--trace", "is_traced"], is_flag=True, help="Show each request and response on stderr, without secrets."
)
LANG = Option(["--lang"], type=click.Choice(LANGUAGES), help="The language of texts. [the locale's]")
COMMON: tuple[Option, ...] = (
    Option(
        ["--config", "config_file"],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Settings as TOML. [cos-sweeper.toml]",
    ),
    SET,
    Option(
        ["--profile"],
        metavar="NAME",
        help="Credentials of this profile of tccli or the SDK.",
        shell_complete=suggest("profiles"),
    ),
    Option(["--json", "is_json"], is_flag=True, help="JSON on stdout, everything else on stderr."),
    Option(
        ["--log", "log_file"],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the log of the engine to this file.",
    ),
    TRACE,
    LANG,
)


class Command(click.Command):
    """
    A command with examples. summary: one line, for the list of commands; details: more, in its own help. file: the name
    of a file, and the lines of an example of it.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        details: str,
        examples: Sequence[str],
        file: tuple[str, Sequence[str]] = ("", ()),
        **more: Any,
    ) -> None:
        super().__init__(name, **more)
        self.file = file
        self.summary = summary
        self.details = details
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but an option that takes one value is given once: the last one would win without a word."""
        single = {
            name: param
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count)
            for name in param.opts
        }
        before, rest = set(), iter(args)
        for word in rest:
            if word == "--":
                break
            name, equals, _ = word.partition("=")
            if name not in single:
                continue
            if single[name] in before:
                raise click.BadOptionUsage(name, t("{name} is given twice.", name=name), ctx)
            before.add(single[name])
            if not equals:
                next(rest, None)
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002
        """Never cut: the list of commands wraps it."""
        return t(self.summary)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, in the language in use."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = t("Show this message and exit.")
        return option

    def get_help(self, ctx: click.Context) -> str:
        """The help, in the language in use."""
        common = [param for param in self.get_params(ctx) if param in COMMON or param.name == "help"]
        own = [param for param in self.params if param not in common and isinstance(param, click.Option)]
        arguments = [param for param in self.params if isinstance(param, Argument)]
        words = " ".join(self.collect_usage_pieces(ctx)).replace("[OPTIONS]", t("[OPTIONS]"))
        parts: list[Any] = [Text.assemble((t("Usage: "), "strong"), f"{ctx.command_path} {words}"), ""]
        parts += [t(self.summary), *([Text(""), Text(t(self.details))] if self.details else []), ""]
        parts += section(t("Examples"), [(example, "") for example in self.examples])
        parts += section(self.file[0], [(line, "") for line in self.file[1]])
        parts += section(t("Arguments"), [(one.human_readable_name, t(one.summary)) for one in arguments])
        parts += section(t("Options"), [_described(param) for param in own if isinstance(param, click.Option)])
        parts += section(t("Options of every command"), [_described(one) for one in common])
        return rendered(Group(*parts))


class Argument(click.Argument):
    """An argument. summary: what it is."""

    def __init__(self, name: str, summary: str, **more: Any) -> None:
        super().__init__([name], **more)
        self.summary = summary


class BucketArgument(Argument):
    """The bucket that a command works on: `session.buckets()` returns it alone, by the rules of `--bucket`."""

    def __init__(self) -> None:
        summary = "name-appid, or name-appid@region"
        super().__init__("bucket", summary, metavar="BUCKET", shell_complete=suggest("buckets"))


# One upload, or all of one key.
UPLOADS_OF_KEY: tuple[Argument, ...] = (
    BucketArgument(),
    Argument("key", "the key, as COS has it; bytes that are not UTF-8 as the shell passes them"),
    Argument("upload_id", "one upload; without it all of the key", required=False),
)


def new_command(
    name: str,
    summary: str,
    *,
    examples: Sequence[str],
    details: str = "",
    params: Sequence[click.Parameter] = (),
    file: tuple[str, Sequence[str]] = ("", ()),
) -> Callable[[Callable[..., int | None]], Command]:
    """
    Make a command of a function. summary, details: English texts, which have their Chinese in `chinese/`.

    examples: whole command lines. file: as for `Command`. params: its arguments and options, besides the common ones.
    """

    def made(function: Callable[..., int | None]) -> Command:
        own = list(params)

        def callback(**values: Any) -> int:
            with opened(own, values) as session:
                for text in session.config.of_implicit_file():
                    session.console.say(text, "quiet")
                code = _guarded(session, lambda: function(session, **values)) or exits.COMPLETE
                return exits.worst(code, session.log_code())

        return Command(name, summary, details, examples, file, params=[*own, *COMMON], callback=callback)

    return made


def _guarded(session: "Session", function: Callable[[], int | None]) -> int | None:
    """Run it. What stops it is raised without a secret; a defect is in the log."""
    try:
        return function()
    except SweeperError as exc:
        problem = problem_of(exc)
        redact = session.redactor.redact
        raise Problem(redact(problem.sentence), redact(problem.next_step), problem.exit_code) from None
    except (click.ClickException, click.Abort, BrokenPipeError):
        raise
    except Exception as exc:
        if isinstance(exc, OSError) and not output.flush():
            # Stdout could not be written. The end of the command says so.
            return exits.FAILED
        raise defect(session.log.crash(exc)) from None


def opened(params: Sequence[click.Parameter], values: dict[str, Any]) -> "Session":
    """The session for the values of a command. Takes out of them what the session needs."""
    # Imported here: the list of commands and their help do without the engine.
    from cos_sweeper.cli import command_line
    from cos_sweeper.cli.console import Console
    from cos_sweeper.cli.session import Session, environment

    command_line.use(click.get_current_context())
    environ = environment()
    taken = {str(one.name): values.pop(str(one.name), None) for one in COMMON}
    scope = {str(one.name): values.pop(str(one.name), None) for one in (BUCKET, ALL_BUCKETS, PREFIX)}
    settings = [
        given
        for one in params
        if isinstance(one, SettingOption)
        for given in one.given(values.pop(str(one.name), None))
    ]
    settings += [_assigned(text) for text in taken["assignments"] or ()]
    named = [values[str(one.name)] for one in params if isinstance(one, BucketArgument)]
    options = config.Options(
        tuple(settings), (*(scope["buckets"] or ()), *named), bool(scope["all_buckets"]), tuple(scope["prefixes"] or ())
    )
    return Session(
        config.read(environ, options, taken["config_file"]),
        Console(is_json=bool(taken["is_json"]), environ=environ),
        profile=taken["profile"],
        log_file=taken["log_file"],
        is_traced=bool(taken["is_traced"] or click.get_current_context().find_root().params.get("is_traced")),
    )


def _assigned(text: str) -> config.Given:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(t("write NAME=VALUE"), param=SET)
    return config.option(name.strip().upper(), value.strip(), "--set")


# Help


def rendered(content: Any) -> str:
    """Rich content as the text of a help, with colours where stdout shows them."""
    import io
    import os
    import sys

    from rich.console import Console as RichConsole

    from cos_sweeper.cli.theme import THEME

    has_colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    made = RichConsole(
        file=io.StringIO(),
        width=_width(),
        force_terminal=has_colours,
        no_color=not has_colours,
        highlight=False,
        markup=False,
        emoji=False,
        theme=THEME,
        legacy_windows=False,
    )
    made.print(content)
    file = made.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - it was made here
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def _width() -> int:
    return min(HELP_WIDTH, shutil.get_terminal_size((HELP_WIDTH, 24)).columns)


def section(title: str, rows: Sequence[tuple[str, str]]) -> list[Any]:
    """A part of a help: names and what they are. Nothing without rows."""
    if not rows:
        return []
    if not any(text for _, text in rows):
        return [
            Text(title, "heading"),
            *(Padding(Text(one), (0, 0, 0, 2)) for name, _ in rows for one in _lines(name)),
            "",
        ]
    table = RichTable(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return [Text(title, "heading"), Padding(table, (0, 0, 0, 2)), ""]


def _lines(example: str) -> list[str]:
    """An example for a shell, in lines that can be copied as they are."""
    lines = textwrap.wrap(example, _width() - 4, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def _described(param: click.Parameter) -> tuple[str, str]:
    option = param if isinstance(param, click.Option) else None
    names = ", ".join((*param.opts, *param.secondary_opts))
    if option is None or option.is_flag:
        return names, t((option.help if option else "") or "")
    kind = option.metavar or (
        "|".join(option.type.choices) if isinstance(option.type, click.Choice) else option.type.name.upper()
    )
    return f"{names} {kind}", t(option.help or "")
