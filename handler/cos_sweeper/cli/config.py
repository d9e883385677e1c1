"""
The settings of the command: options before environment before file before defaults, each value with its origin.

They are the function's settings, and `core.settings` reads them. Only four things differ: `--bucket` and `--prefix`
narrow, `--exclude-…` adds, without BUCKETS a bucket that is named is allowed, and no secret is taken as an option.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cos_sweeper.cli import config_file
from cos_sweeper.cli.config_file import DEFAULT_FILE, OF_COMMAND, unknown
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import colon, sentence, t
from cos_sweeper.core import settings as core_settings
from cos_sweeper.core.errors import BadSettings
from cos_sweeper.core.settings import CREDENTIALS, READERS, SECRETS, Settings

ENVIRONMENT, DEFAULT = "environment", "default"
EVERY_BUCKET = "*"
# Characters of a value in a line of several.
SHOWN = 120
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
    of `--prefix`, None for all. file: what was read; is_implicit: nobody named it. of_command: the command's own values
    from the file.
    excluded_buckets, excluded_prefixes: what options exclude.
    """

    given: Mapping[str, Given]
    environ: Mapping[str, str] = field(repr=False)
    only: tuple[str, ...] = ()
    prefixes: tuple[str, ...] | None = None
    file: Path | None = None
    is_implicit: bool = False
    of_command: Mapping[str, str] = field(default_factory=dict)
    excluded_buckets: tuple[str, ...] = ()
    excluded_prefixes: tuple[str, ...] = ()

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises Misused where no bucket is named, BadSettings with every problem."""
        if "BUCKETS" not in self.given:
            raise Misused(
                t("No bucket is named."),
                t("Give `--bucket name-appid@region` or `--all-buckets`, or set BUCKETS in {file}.", file=DEFAULT_FILE),
            )
        return self._loaded(self.merged)

    def _loaded(self, environ: Mapping[str, str]) -> Settings:
        """Read them. A value that an option has is named by the option."""
        try:
            return core_settings.load(environ)
        except BadSettings as exc:
            raise BadSettings(tuple(self._by_option(text) for text in exc.problems)) from None

    def _by_option(self, problem: str) -> str:
        name, separator, rest = problem.partition(":")
        option = self.by_option(name)
        return f"{option if option != '--set' else f'--set {name}'}{separator}{rest}" if option else problem

    @property
    def settings_of_all(self) -> Settings:
        """The settings; without BUCKETS, those for every bucket."""
        every = {} if "BUCKETS" in self.given else {"BUCKETS": EVERY_BUCKET}
        return self._loaded({**self.merged, **every})

    def notices(self) -> Iterator[str]:
        """What the question before an abort says of where the settings are from, and where the requests go."""
        yield from self.of_implicit_file()
        endpoint = self.given.get("COS_ENDPOINT")
        if endpoint is not None:
            yield t(
                "Requests go to {endpoint}, which COS_ENDPOINT sets ({origin}), and not to COS.",
                endpoint=endpoint.text,
                origin=endpoint.shown_origin,
            )

    def of_implicit_file(self) -> Iterator[str]:
        """The settings that nobody named on the command line: they are of a file that happens to be there."""
        if self.file is None or not self.is_implicit:
            return
        used = {one.name: one.shown for one in self.given.values() if one.origin.startswith(DEFAULT_FILE)}
        shown = [
            f"{name}={text[:SHOWN]}{'…' if len(text) > SHOWN else ''}"
            for name, text in {**used, **self.of_command}.items()
        ]
        if shown:
            yield t("Settings from {file}: {settings}", file=f"./{DEFAULT_FILE}", settings=", ".join(shown))

    @property
    def merged(self) -> dict[str, str]:
        """As an environment of the function."""
        return {**self.environ, **{one.name: one.text for one in self.given.values()}}

    def origin(self, name: str) -> str:
        """Where the value of a setting is from, for people."""
        return self.given[name].shown_origin if name in self.given else t(DEFAULT)

    def by_option(self, name: str) -> str:
        """The option of the command line that sets it, '' where none does."""
        origin = self.given[name].origin.rpartition(" + ")[2] if name in self.given else ""
        return origin if origin.startswith("--") else ""

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
    file = path or config_file.implicit(folder or current_folder())
    from_file = config_file.read(file, is_implicit=path is None) if file else {}
    origin = str(path) if path else DEFAULT_FILE
    given = {name: Given(name, text, origin) for name, text in from_file.items() if name not in OF_COMMAND}
    given |= {
        name: Given(name, environ[name].strip(), ENVIRONMENT) for name in READERS if environ.get(name, "").strip()
    }
    _require_once(options.settings)
    for one in options.settings:
        given[one.name] = _added(given.get(one.name), one) if one.name in LISTS else one
    only = _narrowed(given, options)
    return Config(
        given,
        environ,
        only,
        options.prefixes or None,
        file,
        path is None and file is not None,
        {name: text for name, text in from_file.items() if name in OF_COMMAND},
        *(tuple(item for one in options.settings if one.name == name for item in _items(one.text)) for name in LISTS),
    )


def _require_once(settings: Sequence[Given]) -> None:
    """Two options for one setting: one of them would be dropped. Raises Misused."""
    seen: dict[str, str] = {}
    for one in settings:
        if one.name in seen and one.name not in LISTS:
            raise Misused(
                t("{first} and {second} both set {name}.", first=seen[one.name], second=one.origin, name=one.name),
                t("Give one of them."),
            )
        seen[one.name] = one.origin


def current_folder() -> Path:
    """The current directory. Raises Misused where it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        raise Misused(t("The current directory cannot be read."), t("Go to another directory: `cd`.")) from None


def option(name: str, text: str, origin: str) -> Given:
    """A setting that an option sets. Raises Misused for a secret and for what is no setting."""
    if name in SECRETS or name in CREDENTIALS:
        raise Misused(
            t("{name} is a secret, and secrets are no options: every user of this machine could read it.", name=name),
            t("Set it in the environment."),
        )
    if name not in READERS:
        raise Misused(sentence(f"{origin}{colon()}{unknown(name)}"), t("`cos-sweeper settings` lists all settings."))
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
