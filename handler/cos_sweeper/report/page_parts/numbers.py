"""
Numbers as text: sizes, counts, money, shares, days.

What exists is never shown as 0. All numbers inside one picture have one unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of size. bytes: how many one of it has."""

    name: str
    bytes: int

    def show(self, size: int) -> str:
        """The number without its unit: no decimals from 10 on, one below."""
        value = size / self.bytes
        if size and value < 0.1 and self.bytes > 1:
            return "<0.1"
        return f"{value:,.0f}" if value >= 9.95 or self.bytes == 1 or not size else f"{value:.1f}"


UNITS = (Unit("PiB", 1024**5), Unit("TiB", 1024**4), Unit("GiB", 1024**3), Unit("MiB", 1024**2), Unit("KiB", 1024))
BYTES = Unit("B", 1)


def unit_of(size: int) -> Unit:
    """The largest unit of which `size` has at least one."""
    return next((unit for unit in UNITS if size >= unit.bytes), BYTES)


def unit_for(sizes: Iterable[int]) -> Unit:
    """The unit for a whole picture: its largest size is between 50 and 51,200 of it."""
    largest = max(sizes, default=0)
    return unit_of(largest // 50) if largest else UNITS[2]


def figure(size: int, like: int = 0) -> tuple[str, str]:
    """
    A size that stands alone, three digits at least, and its unit.

    like: a larger size beside it, whose unit it takes unless that leaves next to nothing of it.
    """
    unit = unit_of(like)
    if size < unit.bytes / 20 or size > like:
        unit = unit_of(size)
    value = size / unit.bytes
    decimals = 0 if unit is BYTES or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{decimals}f}", unit.name


def size(size: int, like: int = 0) -> str:
    """A size that stands alone, as one text."""
    return "\u00a0".join(figure(size, like))


def count(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"


def money(amount: float) -> str:
    """An amount without its currency."""
    if 0 < amount < 0.01:
        return "<0.01"
    return f"{amount:,.2f}" if amount < 10_000 else f"{amount:,.0f}"


def share(part: int, whole: int) -> str:
    """A share in percent. Never 0 for something, never 100 for less than all."""
    if not part or not whole:
        return "0 %"
    percent = 100 * part / whole
    if percent < 1:
        return "<1 %"
    return ">99 %" if part < whole and percent >= 99.5 else f"{percent:.0f} %"


def percent(part: float, whole: float) -> str:
    """A length for SVG."""
    return f"{100 * part / whole:.3f}".rstrip("0").rstrip(".") + "%" if whole else "0%"


def span(seconds: float) -> tuple[str, str]:
    """A time span in days; in hours where it is shorter than two days. The unit is `d` or `h`."""
    if seconds < 2 * DAY:
        return f"{max(0, seconds) / 3600:.0f}", "h"
    return f"{seconds / DAY:,.0f}", "d"


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time of the report, None where it has none that can be read."""
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
