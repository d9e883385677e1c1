"""
Age × idle time, and what other policies would abort.

A *cell* counts uploads with the same age band, idle band, storage class, kind and activity.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cos_sweeper.core import bands, policy
from cos_sweeper.core.price import Price
from cos_sweeper.core.sums import FOUND, KEPT, Measure

# Kinds of cells besides the groups of FOUND. YOUNG, RECENT: kept because of age or idle time alone, so another policy
# could abort it. KEPT: for any other reason.
YOUNG, RECENT = "young", "recent"
RECENT_REASONS = frozenset((policy.PART_RECENT, policy.NEW_PART))
STILL_RECEIVING = "still_receiving"
ELIGIBLE = (*FOUND, YOUNG, RECENT)
UNREAD = bands.UNKNOWN

# age band, idle band, storage class, kind, is_active
Cell = tuple[int, int, str, str, bool]


def kind_of(group: str, reason: str, outcome: str) -> str:
    """The kind of a cell."""
    if group != KEPT:
        return group
    if outcome == STILL_RECEIVING or reason in RECENT_REASONS:
        return RECENT
    return YOUNG if reason == policy.STARTED_RECENTLY else KEPT


def matrix(cells: Iterable[tuple[Cell, list[int]]], price: Price | None) -> dict[str, Any]:
    """
    The matrix: all uploads, and those that were found.

    unread: by age, uploads whose parts were not all read; they are in no cell. age_unknown: uploads without a readable
    start. corner: older than the age limit and kept because a part arrived recently.
    """
    ages, idles = len(bands.AGE_DAYS) + 1, len(bands.IDLE_DAYS) + 1
    all_cells = [[Measure() for _ in range(idles)] for _ in range(ages)]
    found = [[Measure() for _ in range(idles)] for _ in range(ages)]
    unread, corner, unknown = [0] * ages, Measure(), Measure()
    for (age, idle, storage_class, kind, _), figures in cells:
        if kind == RECENT:
            corner.add(storage_class, *figures)
        if age == bands.UNKNOWN:
            unknown.add(storage_class, *figures)
        elif idle == UNREAD:
            unread[age] += figures[0]
        else:
            all_cells[age][idle].add(storage_class, *figures)
            if kind in FOUND:
                found[age][idle].add(storage_class, *figures)
    return {
        "age_days": list(bands.AGE_DAYS),
        "idle_days": list(bands.IDLE_DAYS),
        "cells": [[one.as_json(price) for one in row] for row in all_cells],
        "found": [[one.as_json(price) for one in row] for row in found],
        "unread": unread,
        "age_unknown": unknown.as_json(price),
        "corner": corner.as_json(price),
    }


def policies(cells: Iterable[tuple[Cell, list[int]]], limits: policy.Policy, *, inventory: bool) -> dict[str, Any]:
    """
    How many uploads each policy of a fixed set would abort now, by age and idle time; keys and doubts still keep.

    A sweep does not read the parts of young uploads, so it knows only policies at least as strict as its own; the
    others are None. active: uploads among them whose newest part is at most three days old. unread: uploads that could
    be in a cell that is shown, but whose parts were not all read.
    """
    known = [
        (age, idle, kind, is_active, figures)
        for (age, idle, _, kind, is_active), figures in cells
        if kind in ELIGIBLE and age != bands.UNKNOWN
    ]
    kinds = ELIGIBLE if inventory else FOUND
    return {
        "age_days": list(bands.POLICY_AGE_DAYS),
        "idle_days": list(bands.POLICY_IDLE_DAYS),
        "cells": [
            [
                _policy(known, age, idle) if inventory or _is_as_strict(age, idle, limits) else None
                for idle in bands.POLICY_IDLE_DAYS
            ]
            for age in bands.POLICY_AGE_DAYS
        ],
        "unread": sum(figures[0] for _, idle, kind, _, figures in known if idle == UNREAD and kind in kinds),
    }


def _is_as_strict(age_days: int, idle_days: int, limits: policy.Policy) -> bool:
    return timedelta(days=age_days) >= limits.min_age and timedelta(days=idle_days) >= limits.min_idle


def _policy(known: Iterable[tuple[int, int, str, bool, list[int]]], age_days: int, idle_days: int) -> dict[str, int]:
    ages = bands.first_band(age_days, bands.AGE_DAYS)
    idles = bands.first_band(idle_days, bands.IDLE_DAYS)
    counted = {"uploads": 0, "bytes": 0, "active": 0}
    for age, idle, _, is_active, (uploads, size, _) in known:
        if age >= ages and idle >= idles:
            counted["uploads"] += uploads
            counted["bytes"] += size
            counted["active"] += uploads if is_active else 0
    return counted
