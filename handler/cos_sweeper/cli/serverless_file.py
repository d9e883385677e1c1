"""
What a `serverless.yml` deploys, as far as the role's policy depends on it: region, name, namespace, role and variables.

`${env:NAME}` is resolved as the deployment does: the environment wins over the first of `.env.STAGE` and `.env`. What
is not set there is named; the deployment would leave the variable out without a word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REFERENCE = re.compile(r"\$\{([^${}]*)\}")
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)")
DEFAULT_STAGE = "dev"
MAX_BYTES = 1 << 20
MAX_ALIASES = 10


class NoFunction(ValueError):
    """The file does not describe a function of SCF. The message says why, and holds no value of the file."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """
    A function as it would be deployed. variables: its environment; they may be secret. unresolved: of `${…}` that have
    no value, by the name of the field or variable that has them.
    """

    name: str
    region: str
    namespace: str
    role: str
    variables: Mapping[str, str]
    unresolved: Mapping[str, tuple[str, ...]]


class _Loader(yaml.SafeLoader):
    """Each alias can make a document many times as large, so there are few."""

    aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """As the base says. Raises NoFunction."""
        self.aliases += self.check_event(yaml.AliasEvent)
        if self.aliases > MAX_ALIASES:
            raise NoFunction("it has more aliases than a deployment needs")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def read(path: Path, environ: Mapping[str, str]) -> Deployed:
    """Read the file and the `.env` beside it. Raises NoFunction, OSError."""
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise NoFunction("the file is larger than a megabyte")
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except NoFunction:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        raise NoFunction(f"it is not valid YAML{f', line {mark.line + 1}' if mark else ''}") from exc
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), dict):
        raise NoFunction("it has no `inputs`")
    stage = _text(document.get("stage")) or DEFAULT_STAGE
    return deployed(document, {**dot_env(_first(path.parent, f".env.{stage}", ".env")), **environ})


def deployed(document: Mapping[str, Any], environ: Mapping[str, str]) -> Deployed:
    """The function of a parsed file. environ: with what `.env` adds. Raises NoFunction."""
    own = {
        "stage": DEFAULT_STAGE,
        **{name: _text(document[name]) for name in ("name", "app", "stage") if name in document},
    }
    inputs, unresolved = document["inputs"], {}

    def resolved(name: str, value: object) -> str | None:
        text = _text(value)
        missing = tuple(one for one in REFERENCE.findall(text) if _value(one, own, environ) is None)
        if missing:
            unresolved[name] = missing
            return None
        return REFERENCE.sub(lambda match: _value(match[1], own, environ) or "", text)

    given = {name: resolved(name, inputs.get(name) or "") or "" for name in ("name", "region", "namespace", "role")}
    variables = {
        _text(name): text
        for name, value in _variables(inputs).items()
        if (text := resolved(_text(name), value)) is not None
    }
    name = given["name"] or ("" if "name" in unresolved else own.get("name", ""))
    return Deployed(name, given["region"], given["namespace"] or "default", given["role"], variables, unresolved)


def dot_env(text: str) -> dict[str, str]:
    """The variables of a `.env` file."""
    found = {}
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if match:
            found[match[1]] = _unquoted(match[2].strip())
    return found


def _unquoted(text: str) -> str:
    quote = text[:1]
    if quote in ("'", '"') and text.find(quote, 1) > 0:
        inside = text[1 : text.index(quote, 1)]
        return inside.replace("\\n", "\n") if quote == '"' else inside
    return re.sub(r"(^|\s)#.*", "", text).strip()


def _first(folder: Path, *names: str) -> str:
    """The text of the first of these files that is there."""
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    return path.read_text("utf-8", "replace") if path else ""


def _variables(inputs: Mapping[str, Any]) -> Mapping[str, object]:
    environment = inputs.get("environment") or {}
    variables = environment.get("variables") if isinstance(environment, dict) else None
    if variables is not None and not isinstance(variables, dict):
        raise NoFunction("`environment.variables` is not a list of names and values")
    return {name: value for name, value in (variables or {}).items() if value is not None}


def _value(reference: str, own: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    """The value of a `${…}`; None if it is not set, or if only the deployment knows it."""
    kind, colon, name = reference.strip().partition(":")
    if not colon:
        value = own.get(kind)
        return None if value is None or REFERENCE.search(value) else value
    return environ.get(name.strip()) if kind == "env" else None


def _text(value: object) -> str:
    """A value as the platform gets it: `true` and numbers become texts. Raises NoFunction."""
    if isinstance(value, (dict, list, set, tuple)):
        raise NoFunction("a name or a variable of it is a list")
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return "" if value is None else str(value)
    except ValueError:
        raise NoFunction("it has a number that is too large") from None
