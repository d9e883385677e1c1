"""
The settings of the command: options before environment before file before defaults, each value with its origin.

They are the function's settings, and `core.settings` reads them. Only four things differ: `--bucket` and `--prefix`
narrow, `--exclude-…` adds, without BUCKETS a bucket that is named is allowed, and no secret is taken as an option.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import colon, sentence, t
from cos_sweeper.core import settings as core_settings
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.settings import CREDENTIALS, NAMES, READERS, SECRETS, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = "cos-sweeper.toml"
ENVIRONMENT, DEFAULT = "environment", "default"
EVERY_BUCKET = "*"
# Names in the file that are no settings of the function.
OF_COMMAND = ("LANG", "PROFILE", "RECORDS")
LISTS = ("EXCLUDE_BUCKETS", "EXCLUDE_PREFIXES")


@dataclass(frozen=True, slots=True)
class Given:
    """One setting that is set. text: as the function's variable would have it. origin: where it is from."""

    name: str
    text: str
    origin: str

    @property
    def shown(self) -> str:
        """The value for people. A secret is not shown."""
        return t("(set, not shown)") if self.name in SECRETS else self.text

    @property
    def shown_origin(self) -> str:
        """The origin for people."""
        return t("environment") if self.origin == ENVIRONMENT else self.origin


@dataclass(frozen=True)
class Config:
    """
    given: what is set, by name. only: the buckets that `--bucket` names, () for all that are allowed; prefixes: those
    of `--prefix`, None for all. file: what was read. of_command: the command's own values from the file.
    """

    given: Mapping[str, Given]
    environ: Mapping[str, str] = field(repr=False)
    only: tuple[str, ...] = ()
    prefixes: tuple[str, ...] | None = None
    file: Path | None = None
    of_command: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises Misused where no bucket is named, BadSettings with every problem."""
        if "BUCKETS" not in self.given:
            raise Misused(
                t("No bucket is named."),
                t("Give `--bucket name-appid@region` or `--all-buckets`, or set BUCKETS in {file}.", file=DEFAULT_FILE),
            )
        return core_settings.load(self.merged)

    @property
    def settings_of_all(self) -> Settings:
        """The settings; without BUCKETS, those for every bucket."""
        every = {} if "BUCKETS" in self.given else {"BUCKETS": EVERY_BUCKET}
        return core_settings.load({**self.merged, **every})

    @property
    def merged(self) -> dict[str, str]:
        """As an environment of the function."""
        return {**self.environ, **{one.name: one.text for one in self.given.values()}}

    def origin(self, name: str) -> str:
        """Where the value of a setting is from, for people."""
        return self.given[name].shown_origin if name in self.given else t(DEFAULT)

    def is_explicit(self, name: str) -> bool:
        """Whether an operator set it."""
        return name in self.given


@dataclass(frozen=True, slots=True)
class Options:
    """
    What the options of a command say. settings: by name, with the option. buckets, prefixes: what they are narrowed to.
    """

    settings: tuple[Given, ...] = ()
    buckets: tuple[str, ...] = ()
    all_buckets: bool = False
    prefixes: tuple[str, ...] = ()


def read(environ: Mapping[str, str], options: Options, path: Path | None = None, folder: Path | None = None) -> Config:
    """
    Merge all of it. path: of the file; without it the default one in `folder` is read, if there is one. Raises Misused.
    """
    file = path or _default_file(folder or Path.cwd())
    from_file = _from_file(file) if file else {}
    origin = str(path) if path else DEFAULT_FILE
    given = {name: Given(name, text, origin) for name, text in from_file.items() if name not in OF_COMMAND}
    given |= {
        name: Given(name, environ[name].strip(), ENVIRONMENT) for name in READERS if environ.get(name, "").strip()
    }
    for one in options.settings:
        given[one.name] = _added(given.get(one.name), one) if one.name in LISTS else one
    only = _narrowed(given, options)
    return Config(
        given,
        environ,
        only,
        options.prefixes or None,
        file,
        {name: text for name, text in from_file.items() if name in OF_COMMAND},
    )


def option(name: str, text: str, origin: str) -> Given:
    """A setting that an option sets. Raises Misused for a secret and for what is no setting."""
    if name in SECRETS or name in CREDENTIALS:
        raise Misused(
            t("{name} is a secret, and secrets are no options: every user of this machine could read it.", name=name),
            t("Set it in the environment or in {file}.", file=DEFAULT_FILE),
        )
    if name not in READERS:
        raise Misused(sentence(f"{origin}{colon()}{_unknown(name)}"), t("Correct it or remove it."))
    return Given(name, text, origin)


def _narrowed(given: dict[str, Given], options: Options) -> tuple[str, ...]:
    """The names of the buckets that `--bucket` names. Adds BUCKETS where it is not set, and never widens it."""
    is_set, buckets = "BUCKETS" in given, given.get("BUCKETS")
    if options.all_buckets and options.buckets:
        raise Misused(t("`--bucket` and `--all-buckets` contradict each other."), t("Give one of them."))
    if options.all_buckets and buckets is not None and buckets.text != EVERY_BUCKET:
        raise Misused(
            t("BUCKETS ({origin}) allows only {buckets}.", origin=buckets.origin, buckets=buckets.text),
            t("Leave out `--all-buckets` for these, or remove BUCKETS."),
        )
    if options.all_buckets:
        given["BUCKETS"] = Given("BUCKETS", EVERY_BUCKET, "--all-buckets")
    if not options.buckets:
        return ()
    if not is_set:
        have_regions = all("@" in one for one in options.buckets)
        text = ",".join(options.buckets) if have_regions else EVERY_BUCKET
        given["BUCKETS"] = Given("BUCKETS", text, "--bucket")
    return tuple(dict.fromkeys(options.buckets))


def _added(before: Given | None, more: Given) -> Given:
    """Exclusions add up: an option does not take one back."""
    if before is None:
        return more
    both = [*_items(before.text), *_items(more.text)]
    text = json.dumps(both, ensure_ascii=False) if more.name == "EXCLUDE_PREFIXES" else ",".join(both)
    return Given(more.name, text, f"{before.origin} + {more.origin}")


def _items(text: str) -> list[str]:
    if text.startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return list(items)
    return [item.strip() for item in text.split(",") if item.strip()]


# The file


def _default_file(folder: Path) -> Path | None:
    path = folder / DEFAULT_FILE
    return path if path.is_file() else None


def _from_file(path: Path) -> dict[str, str]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Misused(t("There is no file {path}.", path=path), _other_file()) from None
    except (OSError, UnicodeDecodeError):
        raise Misused(t("{path} cannot be read.", path=path), _other_file()) from None
    except tomllib.TOMLDecodeError as exc:
        # Its message has a place and no value.
        raise Misused(
            t("{path} is not valid TOML: {why}.", path=path, why=exc),
            t("Correct that line: `name = value`, texts in quotes."),
        ) from None
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, value in tables.items():
        upper = name.upper().replace("-", "_")
        if upper in SECRETS and upper not in READERS:
            problems.append(
                t("{name}: credentials do not belong into this file; set them in the environment", name=name)
            )
        elif upper not in READERS and upper not in OF_COMMAND:
            problems.append(_unknown(name))
        else:
            try:
                values[upper] = _text_of(upper, value)
            except ValueError as exc:
                problems.append(f"{name}: {exc}")
    if problems:
        raise Misused(t("{path}: {problems}.", path=path, problems="; ".join(problems)), t("Correct it or remove it."))
    return {name: text for name, text in values.items() if text}


def _text_of(name: str, value: Any) -> str:
    """A value of the file as the function's variable would have it. Raises ValueError."""
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
    raise ValueError(t("write a text, a number, true, false or a list of texts"))


def _unknown(name: str) -> str:
    meant, shown = intended(name.upper(), NAMES), name[:80]
    if meant:
        return t("there is no setting {name}, did you mean {meant}?", name=shown, meant=meant)
    return t("there is no setting {name}", name=shown)


def _other_file() -> str:
    return t("Give the path of a TOML file: `--config FILE`.")
