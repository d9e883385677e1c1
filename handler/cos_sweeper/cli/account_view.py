"""
report.json → what a terminal shows of it: sentences, and tables with bars. For every command that has an account.

Nothing here writes. The figures, their names and their order are those of report.html.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from cos_sweeper.cli import spans
from cos_sweeper.cli.tables import Bar, Cell, Column, Long, Table, shown_key
from cos_sweeper.cli.words import CHINESE, colon, language, pair, t
from cos_sweeper.core.policy import DOUBTS
from cos_sweeper.report.page_parts import answers, grids, groups, numbers, words
from cos_sweeper.report.page_parts.groups import GROUPS, Json, Sum
from cos_sweeper.report.page_parts.reading import Reading
from cos_sweeper.report.page_parts.tree import Row, Tree

MAX_ROWS = 10
MAX_PREFIXES = 16
MAX_UPLOADS = 5
# Why an upload is left that nobody looked at.
OUT_OF_TIME = "out of time"
UNSEEN = (answers.AT_LIMIT, OUT_OF_TIME)
# A narrower terminal has no bars.
BAR_FROM = 60
PRICE_FROM = 76
IDS_FROM = 100


class AccountView(Reading):
    """
    What a terminal shows of a report. is_interrupted: a person stopped the run.

    is_unlisted: a listing failed. is_incomplete: not everything was listed, so what is left or kept
    is at least so much.
    """

    def __init__(self, report: Json, *, is_interrupted: bool = False) -> None:
        super().__init__(report)
        self.is_interrupted = is_interrupted
        self.is_unlisted = any(one["listings"] for one in report["failures"])
        is_cut = is_interrupted or report["not_swept"] or report["stopped_because"] or answers.is_lower_bound(report)
        self.is_incomplete = bool(is_cut) or self.is_unlisted
        if self.is_incomplete:
            self.totals |= {name: sum_.least() for name, sum_ in self.totals.items() if name != "freed"}

    # In words

    def headline(self, *, is_asked: bool = False) -> Text:
        """What it comes to. is_asked: a question follows."""
        found, open_, freed = self.totals["found"], self.totals["open"], self.totals["freed"]
        if self.is_inventory:
            parts = [t("{n} unfinished, {size}.", n=self._uploads(open_), size=size(open_)), self._abandoned(found)]
        elif self.aborts_nothing:
            parts = ["" if is_asked else t("This is a plan: nothing was aborted."), self._abandoned(found)]
        else:
            parts = [t("{n} aborted, {size} freed.", n=uploads(freed.uploads), size=size(freed))]
        if self.is_interrupted:
            parts.insert(0, t("Incomplete, because you stopped it."))
        elif self.is_unlisted:
            parts.insert(0, t("Incomplete, because a listing failed."))
        elif self.is_incomplete and self.aborts_nothing:
            parts.insert(0, t("Incomplete, because not everything was listed."))
        parts.append(self._doubts())
        parts.append(self._price(found if self.aborts_nothing else freed))
        return Text(gap().join(part for part in parts if part), "strong")

    def _abandoned(self, found: Sum) -> str:
        if not found.uploads and (self.is_incomplete or self.unjudged):
            return t("None is known to be abandoned: {rule}.", rule=self.rule())
        if not found.uploads:
            return t("None is abandoned: {rule}.", rule=self.rule())
        return t("{n} abandoned, {size}: {rule}.", n=self._uploads(found), size=size(found), rule=self.rule())

    @property
    def unjudged(self) -> dict[str, int]:
        """Uploads that are kept because a fact is missing, by reason."""
        kept = self.report["kept_by_reason"]
        return {reason: kept[reason]["uploads"] for reason in DOUBTS if reason in kept and kept[reason]["uploads"]}

    def _doubts(self) -> str:
        unjudged = self.unjudged
        if not unjudged:
            return ""
        n = ("≥ " if self.is_incomplete else "") + uploads(sum(unjudged.values()))
        return t("{n} could not be judged: {why}.", n=n, why="; ".join(map(kept_reason, unjudged)))

    def _uploads(self, sum_: Sum) -> str:
        return ("≥ " if self.is_incomplete else "") + uploads(sum_.uploads)

    def why_left(self, reason: str) -> str:
        """Why an upload is left. A run in a terminal has no time limit but its end by a person."""
        return t("you stopped it") if self.is_interrupted and reason == OUT_OF_TIME else left_reason(reason)

    def rule(self) -> str:
        """What makes an upload abandoned."""
        settings = self.report["settings"]
        return t(
            "older than {age} and without a part for {idle}",
            age=spans.whole(settings["min_age_hours"]),
            idle=spans.whole(settings["min_idle_hours"]),
        )

    def _price(self, sum_: Sum) -> str:
        if sum_.per_month is None or not sum_.bytes:
            return ""
        amount = ("≥ " if sum_.is_least else "") + numbers.money(sum_.per_month)
        if self.aborts_nothing:
            return t("That costs {amount} {currency} a month.", amount=amount, currency=self.currency)
        return t("That saves {amount} {currency} a month.", amount=amount, currency=self.currency)

    def notes(self) -> Iterator[Text]:
        """What makes the figures less than complete."""
        for reason, sum_ in self.report["left_by_reason"].items():
            if reason in UNSEEN:
                n = self._uploads(groups.read(sum_))
                yield Text(t("{n} left were not looked at: {why}.", n=n, why=self.why_left(reason)), "warn")
        for warning in self.report["warnings"][:MAX_ROWS]:
            yield Text(t("Note: {text}", text=shown_key(_warning(warning))), "warn")
        for text in self.report["not_swept"][:MAX_ROWS]:
            yield Text(t("Not swept: {text}", text=shown_key(text)), "warn")
        if self.report["stopped_because"] and not self.is_interrupted:
            yield Text(t("Stopped: {why}.", why=left_reason(self.report["stopped_because"])), "warn")

    # Tables

    def tables(self) -> Iterator[Table]:
        """The whole account."""
        yield from (
            table
            for table in (
                self.outcomes(),
                self.buckets(),
                self.prefixes(),
                self.ages(),
                self.initiators(),
                self.classes(),
                self.kept(),
                self.failures(),
                self.coverage(),
            )
            if table.rows
        )

    def outcomes(self) -> Table:
        """The groups: what was freed, what is left, what failed, what is kept."""
        table = self._table(t("Uploads"), t("group"))
        whole = max(sum_.bytes for name, sum_ in self.totals.items() if name in GROUPS)
        for name in GROUPS:
            sum_ = self.totals[name]
            if sum_.uploads:
                is_least = self.is_incomplete and name != "freed"
                group = Text(self._group(name), name)
                self._add(table, group, sum_, Bar(((name, sum_.bytes),), whole), is_least=is_least)
        return table

    def buckets(self) -> Table:
        """By bucket, the largest first. Empty where the tree of prefixes shows them all."""
        rows = [(row["bucket"], row) for row in self.report["buckets"]]
        other = self.report["other_buckets"]
        in_tree = {row.name for row in Tree(self.report, MAX_PREFIXES).rows()}
        if other is None and all(name in in_tree for name, row in rows if self._of(row).uploads):
            return Table("", ())
        return self._grouped(t("Buckets"), t("bucket"), rows, other)

    def prefixes(self) -> Table:
        """The tree of prefixes, where most is."""
        tree = Tree(self.report, MAX_PREFIXES)
        table = self._table(t("Where"), t("prefix"))
        for row in tree.rows():
            self._add_prefix(table, row, 0, tree.scale)
        table.legend, table.shows_legend = self._legend(), True
        return table

    def _add_prefix(self, table: Table, row: Row, depth: int, scale: float) -> None:
        name = shown_key(row.name or t("(directly here)"))
        self._add(table, "  " * depth + name, row.sum, self._bar_of(row, scale))
        for child in row.children:
            self._add_prefix(table, child, depth + 1, scale)
        if row.other is not None and row.children:
            name = t("{n} more", n=numbers.count(row.others))
            self._add(table, Text("  " * (depth + 1) + name, "quiet"), row.other.sum, self._bar_of(row.other, scale))

    def _bar_of(self, row: Row, scale: float) -> Bar:
        widths = [(one.group, float(one.width.rstrip("%"))) for one in row.bar]
        return Bar(tuple(widths), 100) if scale else Bar((), 0)

    def ages(self) -> Table:
        """By age; what is abandoned and what is not."""
        matrix = self.report["matrix"]
        table = Table(
            t("Age"),
            (
                Column(t("days")),
                Column(t("uploads"), is_number=True),
                Column(t("size"), is_number=True),
                Column("", min_width=BAR_FROM),
            ),
            legend=self._legend(),
        )
        rows = [
            (label, *(groups.total(map(groups.read, row)) for row in both), unread)
            for label, *both, unread in zip(
                grids.labels(matrix["age_days"]), matrix["cells"], matrix["found"], matrix["unread"], strict=True
            )
        ]
        whole = max((all_.bytes for _, all_, _, _ in rows), default=0)
        for label, all_, found, unread in rows:
            if all_.uploads or unread:
                shown = size(all_) if all_.uploads else t("not read")
                parts = (("left", found.bytes), ("kept", all_.bytes - found.bytes))
                table.add(label, numbers.count(all_.uploads + unread), shown, Bar(parts, whole))
        return table

    def initiators(self) -> Table:
        """Who started them."""
        initiators = self.report["initiators"]
        rows = [(answers.name_of(row) or t("(unknown)"), row) for row in initiators["rows"]]
        return self._grouped(t("Who started them"), t("user or account"), rows, initiators["other"])

    def classes(self) -> Table:
        """By storage class, where there are several."""
        rows = [(row["storage_class"] or t("(unknown)"), row) for row in self.report["storage_classes"]]
        return self._grouped(t("Storage classes"), t("class"), rows, None) if len(rows) > 1 else Table("", ())

    def kept(self) -> Table:
        """Why uploads are kept."""
        rows = [(reason, groups.read(sum_)) for reason, sum_ in self.report["kept_by_reason"].items()]
        table = Table(t("Kept"), (Column(t("reason"), is_elastic=True), Column(t("uploads"), is_number=True)))
        for reason, sum_ in sorted(rows, key=lambda row: (-row[1].uploads, row[0])):
            why = self.why_left(reason) if reason == OUT_OF_TIME else kept_reason(reason)
            table.add(why, numbers.count(sum_.uploads))
        return table

    def failures(self) -> Table:
        """What failed, and what to do."""
        table = Table(
            t("Failed"),
            (Column(t("code")), Column(t("uploads"), is_number=True), Column(t("what to do"), is_elastic=True)),
        )
        for row in self.report["failures"][:MAX_ROWS]:
            advice = words.ADVICE.get(row["code"], words.LOOK_UP if row["permanent"] else words.NEXT_RUN)
            text = pair(advice)
            if row["code"] == words.DENIED and row["actions"]:
                text = t("Allow {actions} in this bucket.", actions=" ".join(row["actions"]))
            table.add(Text(row["code"], "failed"), numbers.count(row["uploads"]), text)
        return table

    def coverage(self) -> Table:
        """Buckets whose lifecycle rules do not limit every upload."""
        table = Table(
            t("Lifecycle rules"),
            (Column(t("bucket"), is_elastic=True), Column(t("rule")), Column(t("meaning"), is_elastic=True)),
        )
        is_cut_off = self.is_interrupted or self.report["stopped_because"] == OUT_OF_TIME
        for row in () if is_cut_off else self.report["coverage"] or ():
            tone, name, meaning = words.COVERAGE.get(row["state"], ("warn", (row["state"],) * 2, ("", "")))
            if tone != "ok":
                table.add(row["bucket"], Text(pair(name), "bad" if tone == "bad" else "warn"), pair(meaning))
        del table.rows[MAX_ROWS:]
        return table

    def uploads(self, which: str) -> Table:
        """Single uploads. which: `largest` or `oldest`."""
        title = t("The largest") if which == "largest" else t("The oldest")
        table = Table(
            title,
            (
                Column(t("size"), is_number=True),
                Column(t("started (UTC)")),
                Column(t("last part (UTC)"), min_width=PRICE_FROM),
                Column(t("key"), is_elastic=True),
                Column(t("upload id"), min_width=IDS_FROM),
            ),
        )
        for one in self.report[which][:MAX_UPLOADS]:
            table.add(
                "?" if one["bytes"] is None else numbers.size(one["bytes"]),
                (one["initiated"] or "?")[:16].replace("T", " "),
                (one["last_part"] or "–")[:16].replace("T", " "),
                shown_key(f"{one['bucket'].partition('@')[0]}/{one['key']}"),
                Long(shown_key(one["upload_id"])),
            )
        return table

    def _grouped(self, title: str, head: str, rows: Sequence[tuple[str, Json]], other: Json | None) -> Table:
        table = self._table(title, head)
        table.legend = self._legend()
        ordered = sorted(rows, key=lambda row: (self._of(row[1]).bytes, self._of(row[1]).uploads), reverse=True)
        ordered = [row for row in ordered if self._of(row[1]).uploads]
        whole = max((self._of(row).bytes for _, row in ordered), default=0)
        for name, row in ordered[:MAX_ROWS]:
            parts = [(group, row[group]["bytes"]) for group in self._groups]
            self._add(table, shown_key(name), self._of(row), Bar(tuple(parts), whole))
        rest = [row for _, row in ordered[MAX_ROWS:]] + ([other] if other else [])
        if rest:
            sum_ = groups.total(self._of(row) for row in rest)
            self._add(table, Text(t("all others"), "quiet"), sum_, Bar((), whole))
        return table

    def _table(self, title: str, head: str) -> Table:
        price = (Column(t("a month"), is_number=True, min_width=PRICE_FROM),) if self.currency else ()
        numbers_ = (Column(t("uploads"), is_number=True), Column(t("size"), is_number=True))
        return Table(title, (Column(head, is_elastic=True), *numbers_, *price, Column("", min_width=BAR_FROM)))

    def _add(self, table: Table, name: str | Text, sum_: Sum, bar: Bar, *, is_least: bool = False) -> None:
        price: tuple[Cell, ...] = ()
        if self.currency:
            price = ("" if sum_.per_month is None else f"{numbers.money(sum_.per_month)} {self.currency}",)
        table.add(name, ("≥ " if is_least else "") + numbers.count(sum_.uploads), size(sum_), *price, bar)

    @property
    def _groups(self) -> tuple[str, ...]:
        return GROUPS if self.is_inventory else GROUPS[:3]

    def _of(self, row: Json) -> Sum:
        return groups.found(row, with_kept=self.is_inventory)

    def _group(self, name: str) -> str:
        if name == "left":
            return t("abandoned") if self.is_inventory else t("would be aborted") if self.aborts_nothing else t("left")
        return {"freed": t("aborted"), "failed": t("failed"), "kept": t("kept")}[name]

    def _legend(self) -> list[tuple[str, str]]:
        """What the parts of the bars are, where there are several."""
        there = [name for name in self._groups if self.totals[name].bytes]
        return [(name, self._group(name)) for name in there] if len(there) > 1 else []


def gap() -> str:
    """What stands between two sentences."""
    return "" if language() == CHINESE else " "


def uploads(number: int) -> str:
    """How many uploads."""
    return t("1 upload") if number == 1 else t("{n} uploads", n=numbers.count(number))


def size(sum_: Sum) -> str:
    """A size, marked where it is a lower bound."""
    if not sum_.has_size:
        return t("unknown size")
    return ("≥ " if sum_.is_least else "") + numbers.size(sum_.bytes)


def kept_reason(reason: str) -> str:
    """Why an upload is kept."""
    known = words.REASONS.get(reason)
    if known:
        return pair((reason, known[0]))
    return {"the key is not valid UTF-8": t("the key is not valid UTF-8")}.get(reason, reason)


def left_reason(reason: str) -> str:
    """Why an abandoned upload is still there."""
    known = words.LEFT.get(reason)
    return pair(known) if known else reason


def _warning(item: Any) -> str:
    """A warning of the report as one line of text."""
    if not isinstance(item, dict):
        return str(item)
    others = [str(item["detail"])] if "detail" in item else []
    others += [f"{name} {value}" for name, value in item.items() if name not in ("code", "detail")]
    return colon().join(part for part in (str(item.get("code", "")), ", ".join(others)) if part)
