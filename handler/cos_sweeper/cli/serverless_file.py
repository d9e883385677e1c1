"""
What a `serverless.yml` deploys, read as the command line of Serverless Cloud Framework reads it.

`${env:NAME}` is resolved as the deployment does: the environment wins over the first `.env` file that it finds. What is
not set there is named; the deployment would leave the line out without a word.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cos_sweeper.cli import dot_env, yaml_core
from cos_sweeper.cli.dot_env import DotEnv
from cos_sweeper.cli.words import colon, t
from cos_sweeper.cli.yaml_core import NotRead, Unquoted, Yaml, inner

# What the deployment takes for a reference. Another `${…}` reaches the platform as it is.
REFERENCE = re.compile(r"\$\{(\w*:?[\w.-]+)\}", re.ASCII)
ANY_REFERENCE = re.compile(r"\$\{([^}]*)\}?")
OWN = ("name", "app", "stage")
VARIABLES = "inputs.environment.variables"
DEFAULT_STAGE = "dev"
MAX_BYTES = 1 << 20
# The deployment reads the last of these that is there, and not the file that was named.
STRONGER = ("serverless.yaml", "serverless.json")
# A file above overrides these.
INHERITED = ("app", "stage", "org")


class NoFunction(ValueError):
    """The file does not describe a function of SCF. The message says why, and holds no value of the file."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """
    A function as it would be deployed.

    document: the whole file, `${…}` resolved; a value without one is None. variables: its environment as SCF gets it.
    Both may be secret. unresolved: of `${…}` that have no value, by the path of the value that has them. origins: where
    a variable's value is from, if it is not from the file itself. lines: of each path. env_file: which was read.
    problems: what the deployment reads in another way than a person.
    """

    path: Path
    document: Mapping[str, Any]
    variables: Mapping[str, str]
    unresolved: Mapping[str, tuple[str, ...]]
    origins: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    env_file: Path | None = None
    problems: tuple[str, ...] = ()

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What describes the function."""
        found: Mapping[str, Any] = self.document["inputs"]
        return found

    @property
    def name(self) -> str:
        """The function's name."""
        return "" if "inputs.name" in self.unresolved else self._text("name") or text_of(self.document.get("name"))

    @property
    def region(self) -> str:
        """Where it runs."""
        return self._text("region")

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self._text("namespace") or "default"

    @property
    def role(self) -> str:
        """Its execution role."""
        return self._text("role")

    def place(self, path: str) -> str:
        """Where a path stands, for people. A path that is not there: where what is around it stands."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return at_line(self.path, self.lines.get(path, 0))

    def origin(self, variable: str) -> str:
        """Where a variable's value is to be changed, for people."""
        return self.origins.get(variable) or self.place(inner(VARIABLES, variable))

    def _text(self, name: str) -> str:
        return text_of(self.inputs.get(name))


def read(path: Path, environ: Mapping[str, str]) -> Deployed:
    """Read the file and the `.env` that belongs to it. Raises NoFunction, OSError."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise NoFunction(t("the file is larger than a megabyte"))
    parsed = _parsed(raw)
    document = parsed.document
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), dict):
        raise NoFunction(t("it has no `inputs`"))
    stage = text_of(document.get("stage")) or DEFAULT_STAGE
    env_file = find_env(path, stage)
    env = dot_env.parse(env_file.read_bytes().decode("utf-8", "replace") if env_file else "")
    return _resolved(path, parsed, env_file, env, environ)


def find_env(path: Path, stage: str) -> Path | None:
    """The `.env` file that the deployment reads: the first of these, beside the file or in the two folders above."""
    above = path.absolute().parent.parent
    folders = (path.parent, above, above.parent)
    candidates = (each / name for each in folders for name in (f".env.{stage}", ".env"))
    # A link that leads nowhere counts there, too.
    return next((one for one in candidates if one.is_file() or one.is_symlink()), None)


def at_line(path: Path, line: int) -> str:
    """A place in a file, for people."""
    return t("{path}, line {line}", path=path, line=line) if line else f"{path}"


def text_of(value: object) -> str:
    """A value as the platform gets it; '' for what is no text."""
    if isinstance(value, Unquoted):
        return "" if value.value is None else value.text
    return value if isinstance(value, str) else ""


def _parsed(raw: bytes) -> Yaml:
    try:
        return yaml_core.parse(raw.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise NoFunction(t("it is not UTF-8")) from exc
    except NotRead as exc:
        where = t(", line {line}", line=exc.line) if exc.line else ""
        raise NoFunction(f"{exc.reason}{where}") from exc


def _resolved(path: Path, parsed: Yaml, env_file: Path | None, env: DotEnv, environ: Mapping[str, str]) -> Deployed:
    document = parsed.document
    values = {**env.values, **environ}
    own = {"stage": DEFAULT_STAGE, **{name: text_of(document[name]) for name in OWN if name in document}}
    resolver = _Resolver(own, values)
    resolved = resolver.resolve(document, "")
    given = _variables(document)
    variables = {
        name: text_of(value)
        for name, value in _variables(resolved).items()
        if inner(VARIABLES, name) not in resolver.unresolved
    }
    origins = {name: origin for name, value in given.items() if (origin := _origin(value, env_file, env, environ))}
    problems = [
        *(f"{at_line(env_file or path, line)}{colon()}{problem}" for line, problem in env.problems),
        *(t("{path}: {what}", path=path, what=problem) for problem in resolver.problems),
        *neighbours(path, document),
    ]
    return Deployed(path, resolved, variables, resolver.unresolved, origins, parsed.lines, env_file, tuple(problems))


class _Resolver:
    """Fills in `${…}` everywhere. own: the file's own names. environ: with what `.env` adds."""

    def __init__(self, own: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self._own = own
        self._environ = environ
        self.unresolved: dict[str, tuple[str, ...]] = {}
        self.problems: list[str] = []

    def resolve(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: self.resolve(each, inner(path, name)) for name, each in value.items()}
        if isinstance(value, list):
            return [self.resolve(each, f"{path}[{index}]") for index, each in enumerate(value)]
        return self._text(value, path) if isinstance(value, str) and "${" in value else value

    def _text(self, text: str, path: str) -> str | None:
        references = ANY_REFERENCE.findall(text)
        missing = tuple(one for one in references if self._value(one) is None)
        if missing:
            self.unresolved[path] = missing
            return None
        # The deployment resolves what it filled in once more, and a `$` beside other text has a meaning of its own.
        if any(sign in (self._value(one) or "") for one in references for sign in _unsafe(text)):
            self.problems.append(t("what {path} takes from the environment has a `$` that changes it.", path=path))
        return REFERENCE.sub(lambda match: self._value(match[1]) or "", text)

    def _value(self, reference: str) -> str | None:
        """The value of a `${…}`; None if it is not set, or if only the deployment knows it."""
        if not REFERENCE.fullmatch(f"${{{reference}}}"):
            return None
        kind, colon, name = reference.partition(":")
        if colon:
            return self._environ.get(name) if kind == "env" else None
        value = self._own.get(kind)
        return None if value is None or "${" in value else value


def _unsafe(text: str) -> tuple[str, ...]:
    return ("${",) if REFERENCE.fullmatch(text) else ("$",)


def _variables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    environment = document["inputs"].get("environment")
    variables = environment.get("variables") if isinstance(environment, dict) else None
    if variables is not None and not isinstance(variables, (dict, Unquoted)):
        raise NoFunction(t("`environment.variables` is not a list of names and values"))
    return variables if isinstance(variables, dict) else {}


def _origin(value: Any, env_file: Path | None, env: DotEnv, environ: Mapping[str, str]) -> str:
    """Where the value of a variable that is a `${env:…}` stands."""
    match = REFERENCE.search(value) if isinstance(value, str) else None
    if match is None or not match[1].startswith("env:"):
        return ""
    name = match[1].removeprefix("env:")
    if name in environ:
        return t("the environment variable {name}", name=name)
    return at_line(env_file, env.lines[name]) if env_file and name in env.lines else ""


def neighbours(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """What other files make the deployment do."""
    folder = path.absolute().parent
    if path.name == "serverless.yml":
        for name in STRONGER:
            if (folder / name).is_file():
                yield t("{path}: the deployment reads this file, and not {file}.", path=folder / name, file=path.name)
    names = ("serverless.js", *reversed(STRONGER), "serverless.yml")
    above = next((folder.parent / name for name in names if (folder.parent / name).is_file()), None)
    if above is not None and _overrides(above, document):
        yield t("{path}: the deployment takes `app`, `stage` and `org` from this file.", path=above)


def _overrides(above: Path, document: Mapping[str, Any]) -> bool:
    """Whether the file in the folder above gives other names. One that cannot be read counts."""
    if above.suffix == ".js":
        return True
    try:
        given = yaml_core.parse(above.read_text("utf-8")).document
    except (NotRead, OSError, UnicodeDecodeError):
        return True
    if not isinstance(given, dict):
        return False
    return any(text_of(given.get(name)) not in ("", text_of(document.get(name))) for name in INHERITED)
