"""
The file of settings, `cos-sweeper.toml`: what may be in it, and which file is trusted.

The one in the current directory is read without being named, so somebody else may have put it there. It must be of this
user, and where credentials come from and where requests and notices go is not for it to say.
"""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import t
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.settings import NAMES, READERS, SECRETS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = "cos-sweeper.toml"
# Names in the file that are no settings of the function.
OF_COMMAND = ("LANG", "PROFILE", "RECORDS")
# Not from a file that nobody named.
NAMED_ALONE = ("COS_ENDPOINT", "INVOKE_ENDPOINT", "NOTIFY_URL", "NOTIFY_SECRET", "PROFILE")
MAX_BYTES = 1 << 20
ROOT = 0


def implicit(folder: Path) -> Path | None:
    """The file that is read without being named, None where there is none. Raises Misused for one of another user."""
    path = folder / DEFAULT_FILE
    try:
        link, file = path.lstat(), path.stat()
    except OSError:
        return None
    own = getattr(os, "geteuid", lambda: link.st_uid)()
    is_foreign = bool({link.st_uid, file.st_uid} - {own, ROOT})
    if is_foreign or (os.name == "posix" and file.st_mode & stat.S_IWOTH):
        raise Misused(
            t("{path} is not used: another user may have written it.", path=f"./{DEFAULT_FILE}"),
            t("Make it yours alone (`chmod go-w`), or name it: `--config {file}`.", file=DEFAULT_FILE),
        )
    return path


def read(path: Path, *, is_implicit: bool) -> dict[str, str]:
    """The settings of a file, by name. Raises Misused with every problem."""
    values: dict[str, str] = {}
    problems: list[str] = []
    names: dict[str, str] = {}
    for name, value in _tables(path).items():
        upper = name.upper().replace("-", "_")
        if upper in names:
            problems.append(t("{first} and {second} are the same setting", first=names[upper], second=name[:80]))
            continue
        names[upper] = name[:80]
        try:
            values[upper] = _value(name, upper, value, is_implicit=is_implicit)
        except ValueError as exc:
            problems.append(str(exc))
    if problems:
        raise Misused(t("{path}: {problems}.", path=path, problems="; ".join(problems)), t("Correct it or remove it."))
    return {name: text for name, text in values.items() if text}


def _value(name: str, upper: str, value: Any, *, is_implicit: bool) -> str:
    if upper in SECRETS and upper not in READERS:
        raise ValueError(t("{name}: credentials do not belong into this file; set them in the environment", name=name))
    if upper not in READERS and upper not in OF_COMMAND:
        raise ValueError(unknown(name))
    if is_implicit and upper in NAMED_ALONE:
        raise ValueError(
            t("{name} is not read from a file that nobody named; give `--config {file}`", name=name, file=DEFAULT_FILE)
        )
    try:
        return _text_of(upper, value)
    except (ValueError, RecursionError):
        form = t("write a text, a number, true, false or a list of texts")
        raise ValueError(f"{name}: {form}") from None


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode("utf-8"))
    except FileNotFoundError:
        raise Misused(t("There is no file {path}.", path=path), _other_file()) from None
    except (OSError, UnicodeDecodeError):
        raise Misused(t("{path} cannot be read.", path=path), _other_file()) from None
    except (ValueError, RecursionError) as exc:
        # The parser's own message has a place and no value. Another one is about a number or a nesting that is too big.
        why = exc if isinstance(exc, tomllib.TOMLDecodeError) else t("a value is too large")
        raise Misused(
            t("{path} is not valid TOML: {why}.", path=path, why=why),
            t("Correct that line: `name = value`, texts in quotes."),
        ) from None


def _bytes(path: Path) -> bytes:
    """The bytes of a regular file of some size. No device and no pipe, which may never end. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("no regular file")
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise OSError("too large")
    return body


def _text_of(name: str, value: Any) -> str:
    """A value of the file as the function's variable would have it. Raises ValueError, RecursionError."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return json.dumps(value, ensure_ascii=False) if name.endswith("PREFIXES") else ",".join(value)
    if isinstance(value, dict) and name == "PRICE_PER_GB_MONTH":
        return json.dumps(value)
    raise ValueError


def unknown(name: str) -> str:
    """That there is no such setting, and which one may be meant."""
    meant, shown = intended(name.upper(), NAMES), name[:80]
    if meant:
        return t("there is no setting {name}, did you mean {meant}?", name=shown, meant=meant)
    return t("there is no setting {name}", name=shown)


def _other_file() -> str:
    return t("Give the path of a TOML file: `--config FILE`.")
