"""
Every text of the command that a person reads, found in its source.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import click

from cos_sweeper.cli import framework
from cos_sweeper.cli.main import FIRST_STEPS, GROUPS, SUMMARY, cli
from tests.fixtures import HANDLER

PACKAGE = HANDLER / "cos_sweeper" / "cli"


def literals() -> Iterator[tuple[str, str]]:
    """The texts of all calls of `t`, each with its place."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, f"{path.name}:{node.lineno}"


def of_commands() -> Iterator[tuple[str, str]]:
    """The texts in the help of all commands."""
    yield SUMMARY, "main"
    yield "More", "main"
    yield framework.BucketArgument().summary, "framework"
    yield from ((title, "main") for title, _ in GROUPS)
    yield from ((text, "main") for _, text in FIRST_STEPS)
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert isinstance(command, framework.Command)
        yield command.summary, name
        yield from ((text, name) for text in (command.details,) if text)
        for param in command.params:
            text = param.help if isinstance(param, click.Option) else getattr(param, "summary", "")
            yield text or "", name


def of_click() -> set[str]:
    """The texts of click, as it looks them up."""
    calls = (
        node
        for path in Path(click.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")
    )
    found = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    return {text for text in found if isinstance(text, str)}


def every_text() -> dict[str, str]:
    """All of them, each with one of its places."""
    return {text: place for text, place in (*literals(), *of_commands()) if text}
