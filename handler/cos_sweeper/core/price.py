"""
What stored bytes cost per month, by the prices that the operator gives. No price is built in.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cos_sweeper.core.json_text import kind_of

# COS bills a gigabyte as 1,024³ bytes.
GIGABYTE = 1024**3
ANY_CLASS = "*"
CURRENCY = re.compile(r"[A-Z]{3}")
STORAGE_CLASS = re.compile(r"\*|[A-Z0-9_]{1,64}")
FORM = 'give a number, or a JSON object by storage class, such as {"STANDARD": 0.024, "*": 0.018}'
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Price:
    """per_gb_month: by storage class in capitals; `*` for every class that is not named."""

    currency: str
    per_gb_month: tuple[tuple[str, float], ...]

    def of(self, sizes: Mapping[str, int]) -> float | None:
        """What bytes by storage class cost per month; None if a class that holds bytes has no price."""
        prices = dict(self.per_gb_month)
        total = 0.0
        for storage_class, size in sorted(sizes.items()):
            price = prices.get(storage_class, prices.get(ANY_CLASS))
            if size and price is None:
                return None
            total += size / GIGABYTE * (price or 0)
        return round(total, DECIMALS)

    def as_json(self) -> dict[str, Any]:
        """As report.json has it."""
        return {"currency": self.currency, "per_gb_month": dict(self.per_gb_month)}


def parse_prices(text: str) -> tuple[tuple[str, float], ...]:
    """PRICE_PER_GB_MONTH: a number, or a JSON object of numbers by storage class. Raises ValueError."""
    value = _json(text)
    if not isinstance(value, dict):
        return ((ANY_CLASS, _amount(value)),)
    prices = {}
    for name, amount in value.items():
        storage_class = name.upper()
        if not STORAGE_CLASS.fullmatch(storage_class):
            raise ValueError(f"{name!r} is not a storage class; {FORM}")
        if storage_class in prices:
            raise ValueError(f"{name!r} is given twice")
        prices[storage_class] = _amount(amount)
    if not prices:
        raise ValueError(f"names no price; {FORM}")
    return tuple(sorted(prices.items()))


def parse_currency(text: str) -> str:
    """CURRENCY: three letters. Raises ValueError."""
    if not CURRENCY.fullmatch(text):
        raise ValueError(f"{text!r} is not the code of a currency: three capital letters, such as `CNY` or `USD`")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_name_twice)
    except RecursionError as exc:
        raise ValueError(FORM) from exc
    except json.JSONDecodeError as exc:
        raise ValueError(f"{text!r} cannot be read; {FORM}") from exc


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a storage class is given twice")
    return found


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a price is {kind_of(value)}; {FORM}")
    try:
        amount = float(value)
    except OverflowError:
        amount = math.inf
    if not 0 <= amount < math.inf:
        raise ValueError(f"a price is {str(value)[:20]}; it must be a finite number, 0 or more")
    return amount
