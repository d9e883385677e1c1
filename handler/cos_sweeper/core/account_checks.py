"""
Whether a stored line of an account is one that this program writes.

A client that may write under the report prefix can store anything there. A value of another kind raises ValueError
here, so that nothing behind it has to expect one.
"""

from typing import Any

from cos_sweeper.core import bands
from cos_sweeper.core.matrix import RECENT, YOUNG
from cos_sweeper.core.sums import FOLDED, FOUND, GONE, GROUPS, KEPT, WIDTH

# COS holds less, and sums of these still fit in what JSON readers take for a whole number.
MAX_FIGURE = 1 << 62
MAX_TEXT = 8192
KINDS = frozenset((*FOUND, YOUNG, RECENT, KEPT))
SLOT_GROUPS = frozenset(GROUPS)


def figure(value: Any) -> int:
    """A count or a size."""
    if type(value) is not int or not 0 <= value <= MAX_FIGURE:
        raise ValueError("a figure is no whole number")
    return value


def signed(value: Any) -> int:
    """A number that can stand below nought: a rank, or one that is unknown."""
    if type(value) is not int or abs(value) > MAX_FIGURE:
        raise ValueError("a number is none")
    return value


def figures(values: list[Any]) -> list[int]:
    """Uploads, bytes and unknown sizes."""
    return [figure(value) for value in values]


def text(value: Any) -> str:
    """A text."""
    if type(value) is not str or len(value) > MAX_TEXT:
        raise ValueError("a text is none")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise ValueError("a flag is neither true nor false")
    return value


def _band(value: Any, count: int) -> int:
    if type(value) is not int or not bands.UNKNOWN <= value <= count:
        raise ValueError("there is no such band")
    return value


def age_band(value: Any) -> int:
    """The number of a band of ages."""
    return _band(value, len(bands.AGE_DAYS))


def total(values: list[Any]) -> tuple[str, str, str, str, str]:
    """Bucket, storage class, group, outcome and reason."""
    bucket, storage_class, group, outcome, reason = map(text, values)
    if group not in SLOT_GROUPS and group != GONE:
        raise ValueError("there is no such group")
    return bucket, storage_class, group, outcome, reason


def cell(values: list[Any]) -> tuple[int, int, str, str, bool]:
    """The key of a cell of the matrix."""
    age, idle, storage_class, kind, active = values
    if kind not in KINDS:
        raise ValueError("there is no such kind")
    return age_band(age), _band(idle, len(bands.IDLE_DAYS)), text(storage_class), kind, flag(active)


def row(path: Any, values: list[Any]) -> list[Any]:
    """The slots of a path."""
    if "\n" not in text(path) or not values or len(values) % WIDTH:
        raise ValueError("a row has another form")
    for index in range(0, len(values), WIDTH):
        slot = text(values[index])
        if slot != FOLDED and slot.partition(" ")[0] not in SLOT_GROUPS:
            raise ValueError("there is no such slot")
        figures(values[index + 1 : index + WIDTH])
    return values
