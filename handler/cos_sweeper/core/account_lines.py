"""
An account as lines of JSON, and back.

The first line names the version, the last one the number of lines, so an account that was cut off is noticed. The
order follows the sequence of additions: the same run writes the same lines. A path can occur more than once.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cos_sweeper.core import account_checks as checks
from cos_sweeper.core.errors import AccountUnreadable

if TYPE_CHECKING:
    from cos_sweeper.core.account import Account

VERSION = 1
ENCODE = json.JSONEncoder(separators=(",", ":")).encode
SECTIONS = ("prefixes", "initiators")


def lines(account: "Account") -> Iterator[str]:
    """All lines; they stay ASCII, so that every key can be encoded."""
    number = 0
    for line in _lines(account):
        number += 1
        yield line
    yield ENCODE(["end", number])


def _lines(account: "Account") -> Iterator[str]:
    yield ENCODE(["account", VERSION, account.inventory])
    for total, figures in account.totals.items():
        yield ENCODE(["total", total, figures])
    for cell, figures in account.cells.items():
        yield ENCODE(["cell", cell, figures])
    for bucket, listed in account.listed.items():
        for kind, uploads in listed.items():
            yield ENCODE(["listed", bucket, kind, uploads])
    for item in account.examples.as_lists():
        yield ENCODE(item)
    for section in SECTIONS:
        sums = getattr(account, section)
        yield ENCODE(["paths", section, sums.limit, sums.bound])
        yield from sums.lines()


def read_into(account: "Account", texts: Iterable[str]) -> None:
    """Read all lines into a new account. Raises AccountUnreadable."""
    try:
        _read(account, map(json.loads, texts))
    except AccountUnreadable:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as exc:
        raise AccountUnreadable("the account is damaged") from exc


def _read(account: "Account", items: Iterator[list[Any]]) -> None:
    first = next(items, [])
    if first[:1] != ["account"] or first[1] != VERSION:
        raise AccountUnreadable(f"the account is not of version {VERSION}")
    account.inventory = checks.flag(first[2])
    put = None
    number = 1
    for item in items:
        name = item[0]
        if name == "end":
            if item[1:] != [number] or next(items, None) is not None:
                break
            return
        number += 1
        if name == "paths" and item[1] in SECTIONS:
            sums = getattr(account, item[1])
            sums.limit, sums.bound = checks.figures(item[2:])
            put = sums.put
        elif put is not None:
            put(name, checks.row(name, item[1:]))
        else:
            _take(account, item)
    raise AccountUnreadable("the account is cut off")


def _take(account: "Account", item: list[Any]) -> None:
    match item:
        case ["total", [_, _, _, _, _] as total, [_, _, _] as figures]:
            account.totals[checks.total(total)] = checks.figures(figures)
        case ["cell", [_, _, _, _, _] as cell, [_, _, _] as figures]:
            account.cells[checks.cell(cell)] = checks.figures(figures)
        case ["listed", bucket, [storage_class, outcome, reason, age], uploads]:
            kind = checks.text(storage_class), checks.text(outcome), checks.text(reason), checks.age_band(age)
            account.listed.setdefault(checks.text(bucket), {})[kind] = checks.figure(uploads)
        case _:
            account.examples.take(item)
