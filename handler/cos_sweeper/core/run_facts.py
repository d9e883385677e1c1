"""
What a stored report has to know of a run: which kind it is, and under which settings it judged.

It is stored with everything that a run counts, so that another run, or a person, can finish the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cos_sweeper.core import account_checks as checks
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.price import Price

SWEEP, INVENTORY, EVENT = "sweep", "inventory", "event"
# Hours, or what a GB costs.
MAX_NUMBER = 1e9


@dataclass(frozen=True, slots=True)
class RunFacts:
    """
    kind: SWEEP, INVENTORY or EVENT. began: the start of the chain; as_of: the moment of all ages; both UTC.

    settings: as report.json shows them, without secrets, with `min_age_hours` and `min_idle_hours` among them.
    """

    kind: str
    dry_run: bool
    began: datetime
    as_of: datetime
    settings: Mapping[str, Any]
    price: Price | None = None

    @property
    def policy(self) -> Policy:
        """The limits that decided."""
        age, idle = (self.settings.get(name) or 0 for name in ("min_age_hours", "min_idle_hours"))
        return Policy(timedelta(hours=age), timedelta(hours=idle))

    def as_json(self) -> dict[str, Any]:
        """For a stored object."""
        return {
            "kind": self.kind,
            "dry_run": self.dry_run,
            "began": self.began.isoformat(),
            "as_of": self.as_of.isoformat(),
            "settings": dict(self.settings),
            "price": self.price.as_json() if self.price else None,
        }


def read(given: Mapping[str, Any]) -> RunFacts:
    """The facts that `as_json` wrote. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
    price, settings = given["price"], dict(given["settings"])
    if given["kind"] not in (SWEEP, INVENTORY, EVENT):
        raise ValueError("there is no such kind of run")
    for name in ("min_age_hours", "min_idle_hours"):
        _number(settings.get(name) or 0)
    return RunFacts(
        given["kind"],
        checks.flag(given["dry_run"]),
        moment(given["began"]),
        moment(given["as_of"]),
        settings,
        Price(checks.text(price["currency"]), _prices(price["per_gb_month"])) if price else None,
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_NUMBER:
        raise ValueError("a number is none")
    return value


def _prices(given: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((checks.text(name), _number(price)) for name, price in given.items()))


def moment(text: str) -> datetime:
    """A time that was stored; one without a zone cannot be compared. Raises AttributeError or ValueError."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None or not 2000 < time.year < 9000:
        raise ValueError("a time without a zone, or of no chain")
    return time
