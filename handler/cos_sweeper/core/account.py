"""
The account of a run and of a chain: uploads and bytes by everything that a report shows.

An account takes one Observation for each upload, in any order. Accounts merge: the sums of the parts are the sums of
the whole, whatever the split and the sequence. What only a listing shows of a kept upload is counted, not stored.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cos_sweeper.core import account_json, account_lines
from cos_sweeper.core.bands import AGES, UNKNOWN, idle_band, is_active
from cos_sweeper.core.examples import ALL_BUCKETS, Examples
from cos_sweeper.core.matrix import Cell, kind_of
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.observation import Observation
from cos_sweeper.core.path_sums import LIMIT, PathSums
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.price import Price
from cos_sweeper.core.sums import FREED, GONE, KEPT, slot_of

__all__ = ["Account", "Observation"]

# Characters of the prefix under which an initiator's uploads are added up.
MAX_TOP = 120
# bucket, storage class, group, outcome, reason
Total = tuple[str, str, str, str, str]
# storage class, outcome, reason, age band: of an upload that the listing alone keeps
Listed = tuple[str, str, str, int]


class Account:
    """
    inventory: kept uploads are in prefixes, initiators and lists of uploads, too.

    limit: how many directories are exact. totals, cells: uploads, bytes and unknown sizes.
    """

    __slots__ = (
        "_bucket",
        "_bucket_text",
        "_listed_here",
        "cells",
        "examples",
        "initiators",
        "inventory",
        "listed",
        "prefixes",
        "totals",
    )

    def __init__(self, *, inventory: bool = False, limit: int = LIMIT) -> None:
        self.inventory = inventory
        self.totals: dict[Total, list[int]] = {}
        self.cells: dict[Cell, list[int]] = {}
        self.listed: dict[str, dict[Listed, int]] = {}
        self.prefixes = PathSums(limit)
        self.initiators = PathSums(max(1, limit // 2))
        self.examples = Examples()
        self._bucket: Bucket | None = None
        self._bucket_text = ""
        self._listed_here: dict[Listed, int] = {}

    def add(self, observation: Observation, as_of: datetime) -> None:
        """Count one upload. as_of: the moment from which its age is measured."""
        bucket, _, storage_class, _, started, seen, outcome, reason, group, _, _ = observation
        if bucket is not self._bucket:
            self._enter(bucket)
        age = UNKNOWN if started is None else bisect_left(AGES, as_of - started)
        if seen is None and group == KEPT and not self.inventory:
            kind = (storage_class, outcome, reason, age)
            self._listed_here[kind] = self._listed_here.get(kind, 0) + 1
            return
        size, unknown = (0, 1) if seen is None else (seen.bytes, 0)
        count(self.totals, (self._bucket_text, storage_class, group, outcome, reason), 1, size, unknown)
        if group == GONE:
            return
        idle = UNKNOWN if seen is None else idle_band(started, seen.newest, as_of)
        active = seen is not None and is_active(seen.newest, as_of)
        count(self.cells, (age, idle, storage_class, kind_of(group, reason, outcome), active), 1, size, unknown)
        if group != KEPT or self.inventory:
            self._place(observation, size, unknown)

    def add_failed_listing(self, bucket: Bucket | None, code: str, example: dict[str, Any]) -> None:
        """Count a listing that failed; no upload is counted. bucket: None for the list of all buckets."""
        self.examples.add_listing(code, str(bucket) if bucket else ALL_BUCKETS, example)

    def merge(self, other: "Account") -> None:
        """Add the other account to this one. The other stays as it is."""
        self.inventory |= other.inventory
        for total, figures in other.totals.items():
            count(self.totals, total, *figures)
        for cell, figures in other.cells.items():
            count(self.cells, cell, *figures)
        for bucket, listed in other.listed.items():
            here = self.listed.setdefault(bucket, {})
            for kind, uploads in listed.items():
                here[kind] = here.get(kind, 0) + uploads
        self.prefixes.merge(other.prefixes)
        self.initiators.merge(other.initiators)
        self.examples.merge(other.examples)

    def freed_since(self, earlier: "Account") -> "Account":
        """What was freed between the earlier account, with which this one began, and this one."""
        rest = Account(inventory=self.inventory, limit=self.prefixes.limit)
        rest.totals = {
            key: left for key, left in _since(self.totals, earlier.totals).items() if key[2] == FREED and any(left)
        }
        rest.cells = {
            key: left for key, left in _since(self.cells, earlier.cells).items() if key[3] == FREED and any(left)
        }
        rest.prefixes = self.prefixes.minus(earlier.prefixes, FREED)
        rest.initiators = self.initiators.minus(earlier.initiators, FREED)
        rest.examples = self.examples.aborted_since(earlier.examples)
        return rest

    def lines(self) -> Iterator[str]:
        """The account as lines of JSON, without line breaks."""
        return account_lines.lines(self)

    @staticmethod
    def read(lines: Iterable[str]) -> "Account":
        """The account that `lines` wrote. Raises AccountUnreadable."""
        account = Account()
        account_lines.read_into(account, lines)
        return account

    def as_json(self, policy: Policy, price: Price | None = None, *, hashed: bool = False) -> dict[str, Any]:
        """
        The sections of report.json that are sums.

        policy: the limits that decided. price: None without prices. hashed: keys were given as digests.
        """
        return account_json.sections(self, policy, price, hashed=hashed)

    def _enter(self, bucket: Bucket) -> None:
        self._bucket, self._bucket_text = bucket, str(bucket)
        self._listed_here = self.listed.setdefault(self._bucket_text, {})

    def _place(self, observation: Observation, size: int, unknown: int) -> None:
        """Count the upload in its directory and for its initiator, and look whether lists should show it."""
        bucket, storage_class = self._bucket_text, observation.storage_class
        head, slash, _ = observation.key.rpartition("/")
        slot = slot_of(observation.group, storage_class)
        self.prefixes.add(f"\n{bucket}/{head}{slash}", slot, size, unknown)
        # Long names are cut: what is left is still a prefix, and they cannot fill the memory.
        top = f"{'/'.join(head.split('/', 2)[:2])}{slash}"[:MAX_TOP]
        # The owner of a path ends at its first line break.
        owner = observation.initiator.replace("\n", " ")
        self.initiators.add(f"{owner}\n{bucket}/{top}", slot, size, unknown)
        self.examples.add(observation, bucket, storage_class)


def count(figures: dict[Any, list[int]], key: object, uploads: int, size: int, unknown: int) -> None:
    """Add uploads, bytes and unknown sizes to one entry."""
    known = figures.get(key)
    if known is None:
        figures[key] = [uploads, size, unknown]
        return
    known[0] += uploads
    known[1] += size
    known[2] += unknown


def _since(now: dict[Any, list[int]], before: dict[Any, list[int]]) -> dict[Any, list[int]]:
    return {
        key: [figure - past for figure, past in zip(figures, before.get(key, (0, 0, 0)), strict=True)]
        for key, figures in now.items()
    }
