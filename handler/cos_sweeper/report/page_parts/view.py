"""
What the templates ask of a report: everything that is computed, sorted or cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from cos_sweeper.report.page_parts import answers, grids, groups, numbers, words
from cos_sweeper.report.page_parts.groups import GROUPS, Json, Segment, Sum
from cos_sweeper.report.page_parts.past import Past
from cos_sweeper.report.page_parts.printable import plain
from cos_sweeper.report.page_parts.reading import Reading
from cos_sweeper.report.page_parts.record_links import RecordLinks
from cos_sweeper.report.page_parts.tree import Tree

Item = TypeVar("Item")
# So many items of a setting stand in the footer.
MAX_SETTING = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a page has at most: of the tree, and of each table."""

    tree: int
    rows: int


@dataclass(frozen=True, slots=True)
class Spans:
    """The age and idle time of an upload in seconds, None where unknown."""

    age: float | None
    idle: float | None


class View(Reading):
    """A report as the page shows it."""

    def __init__(self, report: Json, limits: Limits) -> None:
        super().__init__(report)
        self.limits = limits
        self.remaining = groups.total((self.totals["left"], self.totals["failed"]))
        self.matrix = grids.matrix(report)
        self.policies = grids.policies(report)
        self.tasks = answers.tasks(report)
        self.records = RecordLinks(report, self.totals)
        self.is_at_limit = answers.is_at_limit(report)

    # What leaks

    @property
    def shown(self) -> Sum:
        """What the pictures of prefixes and initiators are about."""
        return self.totals["open"] if self.is_inventory else self.totals["found"]

    @cached_property
    def tree(self) -> Tree:
        """The tree of prefixes."""
        return Tree(self.report, self.limits.tree)

    @cached_property
    def unit(self) -> numbers.Unit:
        """The unit of the tree, the initiators and the classes."""
        return numbers.unit_for([self.tree.scale])

    @property
    def asked(self) -> Sum:
        """What the answers are about: the abandoned, or all that is open where an inventory finds none."""
        found = self.totals["found"]
        return found if found.uploads or not self.is_inventory else self.totals["open"]

    def asked_of(self, row: Json) -> Sum:
        """A row's part of it."""
        return groups.found(row, with_kept=self.asked is self.totals["open"])

    @cached_property
    def leakers(self) -> list[Json]:
        """The two initiators that leak most."""
        rows = self.report["initiators"]["rows"]
        return sorted(rows, key=lambda row: (self.asked_of(row).bytes, self.asked_of(row).uploads), reverse=True)[:2]

    def share(self, sum_: Sum, whole: Sum) -> str:
        """A sum's share of a whole; of the uploads where no size is known."""
        if whole.bytes:
            return numbers.share(sum_.bytes, whole.bytes)
        return numbers.share(sum_.uploads, whole.uploads)

    @cached_property
    def overview(self) -> tuple[Segment, ...]:
        """The bar under the headline."""
        return groups.bar(self.report["totals"], self.shown.bytes, with_kept=self.is_inventory)

    @cached_property
    def initiators(self) -> list[Json]:
        """Who started the uploads, the largest first."""
        rows = sorted(self.report["initiators"]["rows"], key=self._weight, reverse=True)
        return rows[: self.limits.rows]

    @cached_property
    def initiator_scale(self) -> int:
        """The bytes that fill a bar of the initiators."""
        return max((self.of(row).bytes for row in self.report["initiators"]["rows"]), default=0)

    def of(self, row: Json) -> Sum:
        """What a row of the account has: the abandoned; in an inventory, all that are open."""
        return groups.found(row, with_kept=self.is_inventory)

    def segments(self, row: Json, scale: int) -> tuple[Segment, ...]:
        """The bar of a row."""
        return groups.bar(row, scale, with_kept=self.is_inventory)

    def _weight(self, row: Json) -> tuple[int, int]:
        sum_ = self.of(row)
        return sum_.bytes, sum_.uploads

    @cached_property
    def regions(self) -> list[tuple[str, Json]]:
        """The buckets, summed up by region, the largest first."""
        sums: dict[str, Json] = {}
        for row in self.report["buckets"]:
            mine = {name: row[name] for name in GROUPS}
            sums[row["region"]] = groups.add(sums[row["region"]], mine) if row["region"] in sums else mine
        if self.report["other_buckets"]:
            sums[""] = self.report["other_buckets"]
        return sorted(sums.items(), key=lambda item: self._weight(item[1]), reverse=True)

    @cached_property
    def classes(self) -> list[tuple[str, Json]]:
        """The storage classes, the largest first."""
        rows = [(row["storage_class"], row) for row in self.report["storage_classes"]]
        return sorted(rows, key=lambda item: self._weight(item[1]), reverse=True)

    def scale_of(self, rows: Sequence[tuple[str, Json]]) -> int:
        """The bytes that fill a bar of these rows."""
        return max((self.of(row).bytes for _, row in rows), default=0)

    # What was kept, what failed

    @cached_property
    def kept(self) -> list[tuple[str, Sum]]:
        """Reasons to keep, the most uploads first."""
        rows = [(reason, groups.read(sum_)) for reason, sum_ in self.report["kept_by_reason"].items()]
        return sorted(rows, key=lambda row: (-row[1].uploads, row[0]))

    @cached_property
    def failures(self) -> list[Json]:
        """Failures by code: those that need an operator first."""
        rows = sorted(self.report["failures"], key=lambda row: (not row["permanent"], -row["uploads"], row["code"]))
        return rows[: self.limits.rows]

    @cached_property
    def coverage(self) -> list[Json]:
        """Buckets with the state of their lifecycle rules: problems first."""
        order = {state: number for number, state in enumerate(words.COVERAGE_ORDER)}
        rows = sorted(self.report["coverage"] or (), key=lambda row: (order.get(row["state"], -1), row["bucket"]))
        return rows[: self.limits.rows]

    def cut(self, items: Sequence[Item]) -> Sequence[Item]:
        """As many items as a table of this page has."""
        return items[: self.limits.rows]

    def is_covered(self, row: Json) -> bool:
        """Whether a rule limits every upload of the bucket."""
        return bool(row["state"] == "whole_bucket")

    # Single uploads

    @cached_property
    def uploads(self) -> list[Json]:
        """The largest and the oldest uploads, each once."""
        both = {
            (one["bucket"], one["key"], one["upload_id"]): one for one in self.report["largest"] + self.report["oldest"]
        }
        return list(both.values())

    @cached_property
    def users(self) -> dict[str, Json]:
        """The initiators by their ids."""
        return {row["id"]: row for row in self.report["initiators"]["rows"]}

    @cached_property
    def single_account(self) -> str:
        """The account of all initiators, '' where there are several."""
        accounts = {row["account"] for row in self.report["initiators"]["rows"] if row["id"]}
        return str(accounts.pop()) if len(accounts) == 1 and not self.report["initiators"]["other"] else ""

    @cached_property
    def as_of(self) -> datetime | None:
        """The moment by which every age is judged."""
        return numbers.moment(self.report["as_of"])

    def spans(self, record: Json) -> Spans:
        """Age and idle time of an upload at that moment."""
        began, last = numbers.moment(record["initiated"]), numbers.moment(record["last_part"])
        if self.as_of is None or began is None:
            return Spans(None, None)
        age = (self.as_of - began).total_seconds()
        has_parts = last is not None or record["bytes"] is not None
        return Spans(age, (self.as_of - max(began, last or began)).total_seconds() if has_parts else None)

    # Other pictures

    @cached_property
    def policy_unit(self) -> numbers.Unit:
        """The unit of the table of policies."""
        return numbers.unit_for([one.bytes for row in self.policies for one in row])

    @cached_property
    def matrix_unit(self) -> numbers.Unit:
        """The unit of the matrix."""
        return numbers.unit_for([self.matrix.largest])

    @cached_property
    def current(self) -> grids.Alternative | None:
        """The policy of this run, where the table has it."""
        return next((one for row in self.policies for one in row if one.is_current and one.is_known), None)

    @property
    def start(self) -> tuple[int, int]:
        """Where the sliders stand at first: at the policy of this run, else at the strictest one."""
        places = [(i, j) for i, row in enumerate(self.policies) for j, one in enumerate(row) if one.is_current]
        return places[0] if places else (len(self.policies) - 1, len(self.policies[0]) - 1)

    @property
    def has_unknown_policies(self) -> bool:
        """Whether this run cannot say what some policy would do."""
        return not all(one.is_known for row in self.policies for one in row)

    @cached_property
    def past(self) -> Past:
        """The runs of the past."""
        return Past(self.report["history"])

    @property
    def title(self) -> str:
        """The name of the page in a browser."""
        name = "Inventory" if self.is_inventory else "Dry run" if self.report["dry_run"] else "Sweep"
        return plain(f"COS Sweeper – {name} – {self.report['as_of'][:10]}")

    @property
    def regions_count(self) -> int:
        """In how many regions the buckets are."""
        return len({row["region"] for row in self.report["buckets"]})

    def fields(self) -> dict[str, Any]:
        """The settings that judged the uploads, as the footer shows them."""
        settings = self.report["settings"]
        return {name.upper(): _shown(value) for name, value in settings.items() if value not in ([], "")}


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    if not isinstance(value, list):
        return str(value)
    return ", ".join(map(str, value[:MAX_SETTING])) + (" …" if len(value) > MAX_SETTING else "")
