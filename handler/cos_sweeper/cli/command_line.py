"""
Command lines that are printed as next steps. They work as typed: they have the buckets and the settings of this one.

A text names a command in backquotes, such as "`cos-sweeper check`". What this invocation was given, and what that
command takes, is filled in when the text is shown.
"""

import re
import shlex
from collections.abc import Iterator

import click
from click.core import ParameterSource

# Options that say what to work on and how. Settings that have an option of their own belong here, too.
CARRIED = (
    *("buckets", "all_buckets", "prefixes", "assignments", "config_file", "profile", "lang"),
    *("serverless", "region", "name", "namespace", "role", "uin", "appid"),
)
SCOPE = {"--bucket": ("buckets", "all_buckets"), "--all-buckets": ("buckets", "all_buckets")}
NAMED = re.compile(r"`(cos-sweeper [a-z][^`]*)`")

_context: list[click.Context] = []


def use(context: click.Context | None) -> None:
    """Fill in what this invocation was given from now on; None: nothing."""
    _context[:] = [] if context is None else [context]


def context() -> click.Context | None:
    """That of this invocation, None before its options are read."""
    return _context[0] if _context else None


def completed(text: str) -> str:
    """The text, and each command that it names with what it lacks."""
    return NAMED.sub(lambda found: f"`{command(found[1])}`", text)


def command(line: str) -> str:
    """One command line with what it lacks."""
    if not _context:
        return line
    context = _context[0]
    words = _split(line)
    group = context.find_root().command
    target = group.get_command(context, words[1]) if isinstance(group, click.Group) else None
    if target is None or "--help" in words:
        return line
    more = [shell_word(word) for word in _lacking(context, target, words)]
    return " ".join((*line.split(" ", 2)[:2], *more, *line.split(" ", 2)[2:]))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # It has a word as $'…', which shlex does not know.
        return line.split(" ")


def _lacking(context: click.Context, target: click.Command, words: list[str]) -> Iterator[str]:
    taken = {param.name: param for param in target.params if isinstance(param, click.Option)}
    present = {param.name for param in taken.values() if set(param.opts) & {*words}}
    present |= {name for word in words for name in SCOPE.get(word, ())}
    for param in context.command.params:
        name, value = str(param.name), context.params.get(str(param.name))
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE or not value:
            continue
        if name == "bucket" and isinstance(param, click.Argument):
            name, value = "buckets", (value,)
        is_report = name == "records" and words[1:] == ["report"]
        if name in taken and name not in present and (is_report or _is_carried(name, taken[name])):
            yield from _words(taken[name], value)


def _is_carried(name: str, param: click.Option) -> bool:
    # What was only to be shown is to be done next.
    return name in CARRIED or (hasattr(param, "setting") and name != "dry_run")


def _words(param: click.Option, value: object) -> Iterator[str]:
    option = param.opts[0]
    if param.is_flag:
        yield option
        return
    for one in value if isinstance(value, (tuple, list)) else (value,):
        yield from (option, str(one))


def shell_word(text: str) -> str:
    """A word that a shell reads back as this text, whatever is in it: in bash's and zsh's $'…' where it must be."""
    is_path = text.startswith("=")  # for zsh: the path of a command of this name
    if text.isprintable() and not is_path:
        return shlex.quote(text)
    return f"$'{shell_text(text)}'"


def shell_text(text: str) -> str:
    """What stands between the quotes of $'…' for this text. It is printable, and no other text has the same."""
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character in ("\\", "'"):
        return f"\\{character}"
    if character.isprintable():
        return character
    # A byte that is not UTF-8 is carried as a lone surrogate.
    is_byte = "\udc80" <= character <= "\udcff"
    raw = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in raw)
