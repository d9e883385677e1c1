"""
Who started the uploads: the account and the user in a CAM id, and the table of initiators.
"""

import re
from bisect import insort
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from cos_sweeper.core.key_text import shown
from cos_sweeper.core.price import Price
from cos_sweeper.core.sums import Groups, Row, totals_of

MAX_SHOWN = 25
# `qcs::cam::uin/<account>:uin/<user>`; a role instead of a user has another word, such as `roleName/<name>`.
CAM_ID = re.compile(r"qcs::cam::uin/([0-9]+):([A-Za-z]+)/(.+)")


def account_and_user(initiator: str) -> tuple[str, str]:
    """The account and the user of a CAM id; ('', the id) for any other form."""
    match = CAM_ID.fullmatch(initiator)
    return (match[1], match[3]) if match else ("", initiator)


class _Initiator:
    """One initiator: its sums, and the directory that holds most of them."""

    __slots__ = ("best", "groups", "id")

    def __init__(self, initiator: str, rows: Iterable[Row]) -> None:
        self.id = initiator
        self.groups = Groups()
        self.best: tuple[int, int, str] = (1, 0, "")
        for row in rows:
            self.groups.add_row(row, 1)
            uploads, size, _ = totals_of(row, 1)
            self.best = min(self.best, (-size, -uploads, row[0].partition("\n")[2]))

    @property
    def rank(self) -> tuple[int, int, str]:
        size, uploads = self.groups.weight
        return -size, -uploads, self.id

    def as_json(self, price: Price | None) -> dict[str, Any]:
        account, user = account_and_user(self.id)
        bucket, _, prefix = self.best[2].partition("/")
        return {
            "account": shown(account),
            "user": shown(user),
            "id": shown(self.id),
            "top_bucket": bucket,
            "top_prefix": shown(prefix),
            **self.groups.as_json(price),
        }


def table(rows: Iterable[Row], price: Price | None) -> dict[str, Any]:
    r"""The initiators with most bytes, and the sum of the others. rows: by `<initiator>\n<bucket>/<directory>`."""
    first: list[tuple[tuple[int, int, str], _Initiator]] = []
    others, other = 0, Groups()
    for one in _initiators(rows):
        insort(first, (one.rank, one), key=lambda item: item[0])
        if len(first) > MAX_SHOWN:
            others += 1
            other.plus(first.pop()[1].groups)
    return {
        "rows": [one.as_json(price) for _, one in first],
        "other": {"initiators": others, **other.as_json(price)} if others else None,
    }


def _initiators(rows: Iterable[Row]) -> Iterator[_Initiator]:
    for initiator, group in groupby(rows, lambda row: row[0].partition("\n")[0]):
        yield _Initiator(initiator, group)
