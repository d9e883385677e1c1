"""
Reading JSON that people and tests send to the control door: each field by name and type, and nothing left over.
"""

from collections.abc import Mapping
from typing import Any

HUGE = 10**15
"""No number is larger: so none is infinite, and all that is computed of them has an end."""


class BadInput(ValueError):
    """The JSON does not say what it should; the message says what is wrong."""


class Fields:
    """The fields of one JSON object. Each is read by name; `reject_unknown` then rejects those that were not read."""

    def __init__(self, given: object, label: str) -> None:
        if not isinstance(given, dict):
            raise BadInput(f"{label} must be a JSON object")
        self._given: Mapping[str, Any] = given
        self._what = label
        self._asked: set[str] = set()

    def text(self, name: str) -> str | None:
        """A text that stands for bytes: UTF-8, or escaped as `surrogateescape` does."""
        value = self.value(name)
        return None if value is None else self._encodable(name, value)

    def required(self, name: str) -> str:
        """A text that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise BadInput(f"{self._what}: {name!r} is missing")
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        """One of a few texts."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise BadInput(f"{self._what}: {name!r} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def whole(self, name: str, *, minimum: int = 0, maximum: int = HUGE) -> int | None:
        """A whole number between the two bounds."""
        value = self.value(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < minimum):
            raise BadInput(f"{self._what}: {name!r} must be a whole number, {minimum} or above")
        if value is not None and value > maximum:
            raise BadInput(f"{self._what}: {name!r} must be {maximum} or below")
        return value

    def number(self, name: str, *, minimum: float = -HUGE, maximum: float = HUGE) -> float | None:
        """A number between the two bounds."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise BadInput(f"{self._what}: {name!r} must be a number from {minimum} to {maximum}")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false; false if nothing is there."""
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            raise BadInput(f"{self._what}: {name!r} must be true or false")
        return bool(value)

    def texts_by_name(self, name: str) -> dict[str, str | None] | None:
        """An object whose values are texts or null."""
        values = self.value(name)
        if values is not None and not isinstance(values, dict):
            raise BadInput(f"{self._what}: {name!r} must be an object")
        if values is None:
            return None
        return {each: None if value is None else self._encodable(each, value) for each, value in values.items()}

    def items(self, name: str) -> list[Any] | None:
        """A list that is not empty."""
        value = self.value(name)
        if value is not None and not (isinstance(value, list) and value):
            raise BadInput(f"{self._what}: {name!r} must be a list with something in it")
        return value

    def texts(self, name: str) -> list[str] | None:
        """A list of texts that is not empty."""
        values = self.items(name)
        return None if values is None else [self._encodable(name, value) for value in values]

    def value(self, name: str) -> Any:
        """Whatever is there; `None` if nothing is."""
        self._asked.add(name)
        return self._given.get(name)

    def reject_unknown(self) -> None:
        """Reject fields that were not read: a misspelt one must be reported."""
        unknown = sorted(set(self._given) - self._asked)
        if unknown:
            raise BadInput(
                f"{self._what}: unknown {', '.join(map(repr, unknown))}; known: {', '.join(sorted(self._asked))}"
            )

    def _encodable(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise BadInput(f"{self._what}: {name!r} must be text")
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise BadInput(f"{self._what}: {name!r} holds a surrogate that stands for no byte") from None
        return value
