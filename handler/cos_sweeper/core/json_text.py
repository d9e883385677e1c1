"""
JSON text → values, with limits and without ambiguity.

Values in, values out; text that cannot be read raises RequestRejected with the reason.
"""

import json
import re
from typing import Any

from cos_sweeper.core.errors import RequestRejected

# A parsed value takes up to thirty times the memory of its text; this many take at most 25 MB. An event with 10,000
# uploads, the maximum, can have twenty values for each.
MAX_VALUES = 200_000
BYTE_ORDER_MARK = "\ufeff"
TEXT = re.compile(r'"[^"]*"')


def parse_json(text: str) -> Any:
    """Parse standard JSON of at most MAX_VALUES values and without a repeated name; a BOM is skipped."""
    if _separators(text) >= MAX_VALUES and _separators_between_texts(text) >= MAX_VALUES:
        raise RequestRejected(f"the message has more than {MAX_VALUES} values; send several messages")
    try:
        text = text.removeprefix(BYTE_ORDER_MARK)
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as exc:
        raise RequestRejected("the message is not JSON") from exc


def _separators(text: str) -> int:
    return sum(map(text.count, ",[{"))


def _separators_between_texts(text: str) -> int:
    """Count only separators outside texts: the commas inside log lines separate no values."""
    plain = text.replace("\\\\", "").replace('\\"', "")
    return _separators(plain) - sum(_separators(match[0]) for match in TEXT.finditer(plain))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is repeated")
    return found


def kind_of(value: object) -> str:
    """The kind of a value, as words for an error message."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for type_, name in names if isinstance(value, type_)), "nothing" if value is None else "a number")
