"""
The command `cos-sweeper`: finds the commands, runs one, and turns every error into a sentence and an exit code.
"""

import difflib
import importlib
import io
import os
import pkgutil
import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from rich.console import Group
from rich.text import Text

from cos_sweeper.cli import click_texts, command_line, commands, exits, output, words
from cos_sweeper.cli.framework import ASKED, BUCKET, COMMON, NAME, TRACE, BucketArgument, rendered, section
from cos_sweeper.cli.interrupt import Stopped, as_ctrl_c
from cos_sweeper.cli.problems import Misused, Problem, defect, problem_of
from cos_sweeper.cli.words import LANGUAGES, sentence, t
from cos_sweeper.core.errors import SweeperError
from cos_sweeper.core.version import VERSION

SUMMARY = "Finds and aborts abandoned multipart uploads in Tencent Cloud COS."
# The groups of the list of commands, in the order in which an operator needs them.
GROUPS = (
    ("Look", ("check", "inventory", "survey", "explain", "report")),
    ("Act", ("sweep", "abort", "drain", "lifecycle")),
    ("Set up", ("settings", "policy", "events", "completion")),
)
FIRST_STEPS = (
    ("check", "what works, and what to do"),
    ("inventory --all-buckets", "what is unfinished, and what it costs"),
    ("sweep --bucket NAME@REGION", "what would be aborted; nothing is"),
    ("sweep --bucket NAME@REGION --abort", "shows what will go, asks, aborts"),
)


class Commands(click.Group):
    """The commands, one module each under `commands`. A module is imported when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of all commands whose module exists, in the order of the help."""
        there = {module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__)}
        ordered = [name for _, names in GROUPS for name in names if name in there]
        return ordered + sorted(there - set(ordered))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named first. Raises Misused where there is none of this name."""
        name, there = args[0], self.list_commands(ctx)
        if not name.startswith("-") and name not in there:
            close = ", ".join(difflib.get_close_matches(name, there))
            hint = t("Did you mean {names}?", names=close) if close else ""
            raise Misused(
                t("There is no command {name}.", name=name), hint or t("`{path} --help` lists the commands.", path=NAME)
            )
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The list of commands, and where to begin."""
        there = self.list_commands(ctx)
        groups = [*GROUPS, ("More", tuple(name for name in there if not any(name in names for _, names in GROUPS)))]
        parts: list[Any] = [Text.assemble((t("Usage: "), "strong"), t("{name} COMMAND [OPTIONS]", name=NAME)), ""]
        parts += [t(SUMMARY), ""]
        for title, names in groups:
            rows = [(name, self._summary(ctx, name)) for name in names if name in there]
            parts += section(t(title), rows)
        steps = [(f"{NAME} {step}", t(what)) for step, what in FIRST_STEPS if step.split()[0] in there]
        parts += section(t("First steps"), steps)
        parts += [
            Text(
                t("Credentials: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or a profile of tccli or the SDK.")
            ),
            "",
        ]
        parts += [Text(t("`{name} COMMAND --help` has examples. Exit codes: {codes}", name=NAME, codes=_codes()))]
        return rendered(Group(*parts))

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any) -> NoReturn:  # type: ignore[override]
        """Run a command and exit with its code. Never shows a traceback. Where a shell asks, answer it."""
        output.begin()
        given = list(sys.argv[1:] if args is None else args)
        command_line.use(None)
        words.use(words.language_of(given, os.environ))
        click_texts.use_words()
        if ASKED in os.environ:
            from cos_sweeper.cli import completing

            completing.answer(self, os.environ)
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character shows its number.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        more["standalone_mode"] = False
        is_json = "--json" in given[: given.index("--") if "--" in given else None]
        try:
            with as_ctrl_c():
                sys.exit(self._code(given, prog_name or NAME, more, is_json=is_json))
        except BrokenPipeError:
            # Whoever read the output has enough of it.
            output.drop(sys.stdout)
            output.drop(sys.stderr)
            sys.exit(exits.FAILED)

    def _code(self, given: Sequence[str], name: str, more: dict[str, Any], *, is_json: bool) -> int:
        """The exit code, after all is written. Raises BrokenPipeError."""
        problem: Problem | None = None
        try:
            if output.failure():
                raise Problem(t("Stdout is closed, so no result could be shown."))
            result = super().main(given, name, **more)
            code = result if isinstance(result, int) else exits.COMPLETE
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt, Stopped) as exc:
            problem = _failed(exc)
            code = problem.exit_code
        if is_json and code != exits.COMPLETE and not output.has_data():
            _tell_json(problem or Problem(output.last(), exit_code=code))
        has_failed = bool(output.failure())
        if not output.flush() or (has_failed and problem is None):
            from cos_sweeper.cli.console import Console

            Console().say(t("Not all of the output could be written: {why}.", why=output.failure()), "bad")
        output.flush()
        return exits.worst(code, exits.FAILED) if output.failure() else code

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str() if command else ""


@click.command(
    NAME,
    cls=Commands,
    params=[click.Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False), TRACE],
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)
@click.version_option(VERSION, prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, *, is_traced: bool) -> int:  # noqa: ARG001 - the session asks the context for it
    """Show the list of commands where none is named."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    return exits.COMPLETE


def main() -> NoReturn:
    """Run the command."""
    cli.main()


def _failed(error: BaseException) -> Problem:
    """Say what ended the command."""
    from cos_sweeper.cli.console import Console

    console = Console()
    if isinstance(error, (click.Abort, KeyboardInterrupt, Stopped)):
        console.say(t("Stopped."), "warn")
        return Problem(t("Stopped."), exit_code=exits.INTERRUPTED)
    problem = _problem(error)
    console.problem(problem)
    return problem


def _tell_json(problem: Problem) -> None:
    """With `--json` stdout has one document in every case."""
    error = {"sentence": problem.sentence, "next_step": problem.next_step, "exit_code": problem.exit_code}
    output.data({"error": error})


def _problem(error: BaseException) -> Problem:
    if isinstance(error, SweeperError):
        return problem_of(error)
    if isinstance(error, click.ClickException):
        return _misused(error)
    return defect(type(error).__name__)


def _misused(error: click.ClickException) -> Problem:
    context = getattr(error, "ctx", None) or command_line.context()
    path = context.command_path if context else NAME
    help_hint = t("`{path} --help` shows what there is.", path=path)
    match error:
        case click.NoSuchOption():
            if any(word in error.option_name for word in ("secret", "token", "password")):
                return Misused(
                    t(
                        "{name}: a secret is no option, because every user of this machine could read it.",
                        name=error.option_name,
                    ),
                    t("Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY in the environment."),
                )
            hint = _about_option(error.option_name, context) or help_hint
            return Misused(t("There is no option {name}.", name=error.option_name), hint)
        case click.MissingParameter():
            name = error.param.human_readable_name if error.param else ""
            return Misused(t("{name} is missing.", name=name), help_hint)
        case click.BadParameter(param=click.Parameter(type=click.Choice(choices=choices))):
            close = ", ".join(difflib.get_close_matches(_given(error), [str(one) for one in choices]))
            hint = t("Did you mean {names}?", names=close) if close else help_hint
            return Misused(sentence(error.format_message()), hint)
        case _:
            return Misused(sentence(error.format_message()), _about_extra(error, context) or help_hint)


def _given(error: click.ClickException) -> str:
    """The value that is wrong: click has it in its message alone, in quotes."""
    return error.message.split("'")[1] if error.message.count("'") > 1 else ""


def _about_option(name: str, context: click.Context | None) -> str:
    """What to write in place of an option that is not there, '' where that is not known."""
    command = context.command if context else None
    if context is None or command is None:
        return ""
    if isinstance(command, click.Group):
        if any(name in one.opts for one in COMMON):
            return t("Options stand after the command: `{name} COMMAND {option}`.", name=NAME, option=name)
    elif name in BUCKET.opts and any(isinstance(one, BucketArgument) for one in command.params):
        return t("The bucket is no option here: `{path} NAME@REGION`.", path=context.command_path)
    close = ", ".join(_close(name, context))
    if close:
        return t("Did you mean {names}?", names=close)
    if any(isinstance(one, BucketArgument) for one in command.params):
        return t("If this is a key, write `--` before the bucket: `{path} -- BUCKET KEY`.", path=context.command_path)
    return ""


def _about_extra(error: click.ClickException, context: click.Context | None) -> str:
    """Where a bucket stands that is named without an option."""
    if context is None or not isinstance(error, click.UsageError) or BUCKET not in context.command.params:
        return ""
    extra = re.fullmatch(r"(?:Got unexpected extra|多余).*[(（](.+)[)）]", error.message)
    if extra is None:
        return ""
    bucket = shlex.quote(extra[1].split()[0])
    return t("A bucket is an option here: `{path} --bucket {bucket}`.", path=context.command_path, bucket=bucket)


def _close(name: str, context: click.Context | None) -> list[str]:
    """Options that are written nearly so. Their dashes are alike in any case, so these do not count."""
    options = {
        one.lstrip("-"): one for param in (context.command.get_params(context) if context else ()) for one in param.opts
    }
    return [options[one] for one in difflib.get_close_matches(name.lstrip("-"), options)]


def _codes() -> str:
    return t(
        "{complete} complete, {failed} failed, {usage} wrong use, {partial} partial, {interrupted} interrupted.",
        complete=exits.COMPLETE,
        failed=exits.FAILED,
        usage=exits.USAGE,
        partial=exits.PARTIAL,
        interrupted=exits.INTERRUPTED,
    )
