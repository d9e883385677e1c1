"""
JSON text → values, within bounds and with one meaning only.

Values in, values out; what cannot be read raises RequestRejected with the reason.
"""

import json
import re
from typing import Any

from cos_sweeper.core.errors import RequestRejected

# A value that is read takes up to thirty times its text; so many take 25 MB at most, and leave twenty to each upload.
MAX_VALUES = 200_000
BYTE_ORDER_MARK = "\ufeff"
TEXT = re.compile(r'"[^"]*"')


def parse_json(text: str) -> Any:
    """JSON as the standard has it, of no more than MAX_VALUES values, and with one meaning only; a BOM is skipped."""
    if _separators(text) >= MAX_VALUES and _separators_between_texts(text) >= MAX_VALUES:
        raise RequestRejected(f"the message holds more than {MAX_VALUES} values; send several")
    try:
        text = text.removeprefix(BYTE_ORDER_MARK)
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as exc:
        raise RequestRejected("the message is not JSON") from exc


def _separators(text: str) -> int:
    return sum(map(text.count, ",[{"))


def _separators_between_texts(text: str) -> int:
    """Commas in a log line are no values: a batch of such lines is not too large for them."""
    plain = text.replace("\\\\", "").replace('\\"', "")
    return _separators(plain) - sum(_separators(match[0]) for match in TEXT.finditer(plain))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice, and which is meant cannot be told")
    return found


def kind_of(value: object) -> str:
    """What a value is, for a sentence."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for type_, name in names if isinstance(value, type_)), "nothing" if value is None else "a number")
