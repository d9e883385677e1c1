"""
What a check is, and what can come of it. Values only.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.verify.world import World


@dataclass(frozen=True, slots=True)
class AsExpected:
    """COS did what the project relies on."""

    seen: str


@dataclass(frozen=True, slots=True)
class Different:
    """COS did something else: `seen`."""

    seen: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Nothing is known, and why."""

    seen: str


Outcome = AsExpected | Different | NotChecked
Kind = type[AsExpected] | type[Different] | type[NotChecked]
WORDS: dict[Kind, str] = {AsExpected: "as expected", Different: "not as expected", NotChecked: "not checked"}


@dataclass(frozen=True, slots=True)
class Check:
    """name: as in docs/facts.md. claim: what the project relies on. requests: about how many it sends."""

    name: str
    claim: str
    run: "Callable[[World], Awaitable[Outcome]]"
    requests: int = 5


@dataclass(frozen=True, slots=True)
class Result:
    """A check and what came of it."""

    check: Check
    outcome: Outcome


class CannotTell(Exception):
    """The check cannot be carried out here; the message says why."""


class Unanswered(Exception):
    """COS did not answer for now; the check is worth another attempt."""


class Contradicted(Exception):
    """COS's answer leaves nothing to check: it is not as expected."""


class OutOfBounds(Exception):
    """A request to something that this run did not make. It was not sent. A defect of this program."""


def judge(is_as_expected: object, seen: str) -> Outcome:
    """The outcome, by whether what was seen is as expected."""
    return AsExpected(seen) if is_as_expected else Different(seen)
