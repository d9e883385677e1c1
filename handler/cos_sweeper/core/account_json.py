"""
An account → the sections of report.json that are sums.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cos_sweeper.core import initiator, matrix, prefix_usage
from cos_sweeper.core.bands import UNKNOWN
from cos_sweeper.core.examples import Failure, failure_example
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.price import Price
from cos_sweeper.core.sums import FAILED, FOUND, GONE, GROUPS, KEPT, LEFT, Groups, Measure

if TYPE_CHECKING:
    from cos_sweeper.core.account import Account

MAX_BUCKETS = 500
MAX_CODES = 100

# bucket, storage class, group, outcome, reason
Total = tuple[str, str, str, str, str]


def sections(account: "Account", policy: Policy, price: Price | None, *, hashed: bool) -> dict[str, Any]:
    """The sections; at most about 200 prefixes, 25 initiators, 500 buckets and 100 error codes."""
    totals = list(_totals(account))
    cells = list(_cells(account))
    prefixes = prefix_usage.tree(account.prefixes.rows, price)
    return {
        "totals": _overall(totals, price),
        "outcomes": _measures(totals, lambda total: total[3], price),
        "kept_by_reason": _measures(totals, lambda total: (total[4] or total[3]) if total[2] == KEPT else None, price),
        "left_by_reason": _measures(totals, lambda total: (total[4] or total[3]) if total[2] == LEFT else None, price),
        **_buckets(totals, price),
        "storage_classes": _storage_classes(totals, price),
        "initiators": initiator.table(account.initiators.rows(), price),
        "prefixes": {**prefixes, "error_bound": account.prefixes.bound},
        "matrix": matrix.matrix(cells, price),
        "policies": matrix.policies(cells, policy, inventory=account.inventory),
        "largest": [row.as_json(hashed=hashed) for _, row in account.examples.largest.items],
        "oldest": [row.as_json(hashed=hashed) for _, row in account.examples.oldest.items],
        "failures": _failures(account, totals, price, hashed=hashed),
    }


def _totals(account: "Account") -> Iterator[tuple[Total, list[int]]]:
    yield from account.totals.items()
    for bucket, listed in account.listed.items():
        for (storage_class, outcome, reason, _), uploads in listed.items():
            yield (bucket, storage_class, KEPT, outcome, reason), [uploads, 0, uploads]


def _cells(account: "Account") -> Iterator[tuple[matrix.Cell, list[int]]]:
    yield from account.cells.items()
    for listed in account.listed.values():
        for (storage_class, outcome, reason, age), uploads in listed.items():
            yield (age, UNKNOWN, storage_class, matrix.kind_of(KEPT, reason, outcome), False), [uploads, 0, uploads]


def _overall(totals: list[tuple[Total, list[int]]], price: Price | None) -> dict[str, Any]:
    """open: everything that was seen and not gone; found: what was abandoned."""
    measures: defaultdict[str, Measure] = defaultdict(Measure)
    for (_, storage_class, group, _, _), figures in totals:
        names = () if group == GONE else ("open", group, *(("found",) if group in FOUND else ()))
        for name in names:
            measures[name].add(storage_class, *figures)
    return {name: measures[name].as_json(price) for name in ("open", "found", *GROUPS)}


def _measures(
    totals: list[tuple[Total, list[int]]], name_of: Callable[[Total], str | None], price: Price | None
) -> dict[str, Any]:
    """A measure for each name, the largest first. name_of: None for what is not counted."""
    measures: defaultdict[str, Measure] = defaultdict(Measure)
    for total, figures in totals:
        name = name_of(total)
        if name is not None:
            measures[name].add(total[1], *figures)
    ordered = sorted(measures.items(), key=lambda item: (-item[1].uploads, item[0]))
    return {name: measure.as_json(price) for name, measure in ordered}


def _groups(totals: list[tuple[Total, list[int]]], field: int) -> list[tuple[str, Groups]]:
    """The groups by one field of the totals, the heaviest first."""
    found: defaultdict[str, Groups] = defaultdict(Groups)
    for total, figures in totals:
        if total[2] != GONE:
            found[total[field]].measures[total[2]].add(total[1], *figures)
    return sorted(found.items(), key=lambda item: (*(-number for number in item[1].weight), item[0]))


def _buckets(totals: list[tuple[Total, list[int]]], price: Price | None) -> dict[str, Any]:
    rows = _groups(totals, 0)
    other = Groups()
    for _, groups in rows[MAX_BUCKETS:]:
        other.plus(groups)
    shown = [
        {"bucket": bucket, "region": bucket.partition("@")[2], **groups.as_json(price)}
        for bucket, groups in rows[:MAX_BUCKETS]
    ]
    hidden = len(rows) - len(shown)
    return {"buckets": shown, "other_buckets": {"buckets": hidden, **other.as_json(price)} if hidden else None}


def _storage_classes(totals: list[tuple[Total, list[int]]], price: Price | None) -> list[dict[str, Any]]:
    return [{"storage_class": name, **groups.as_json(price)} for name, groups in _groups(totals, 1)]


def _failures(
    account: "Account", totals: list[tuple[Total, list[int]]], price: Price | None, *, hashed: bool
) -> list[dict[str, Any]]:
    """By error code, the most frequent first. listings: listings that failed, which count no upload."""
    measures: defaultdict[str, Measure] = defaultdict(Measure)
    for (_, storage_class, group, _, reason), figures in totals:
        if group == FAILED:
            measures[reason].add(storage_class, *figures)
    known = account.examples.failures
    rows = []
    for code in measures.keys() | known.keys():
        failure, measure = known.get(code) or Failure(), measures[code]
        rows.append(
            {
                "code": code,
                **measure.as_json(price),
                "listings": failure.listings,
                "permanent": failure.permanent,
                "actions": sorted(failure.actions),
                "examples": [failure_example(item, hashed=hashed) for item in failure.examples.items],
            }
        )
    rows.sort(key=lambda row: (-row["uploads"], -row["listings"], row["code"]))
    return rows[:MAX_CODES]
