"""
What a run aborted and recorded, and what its part does not count.

A run that is cut off leaves a part that is as old as its last flush. An upload counts when its page is complete, and
its record may be stored before that, or after the part. So a part names the records that it covers: all before one
place, without a few. The others are counted from the records themselves. The invariant: of a run that was cut off,
what it freed is what its stored records say, whatever the moment.
"""

from collections.abc import Awaitable, Callable, Iterable

from cos_sweeper.core.account import Account
from cos_sweeper.core.model import Bucket, PartsSeen
from cos_sweeper.core.observation import Observation
from cos_sweeper.core.sums import FREED
from cos_sweeper.report import record
from cos_sweeper.report.documents import Head
from cos_sweeper.report.record import Record
from cos_sweeper.report.record_writer import Place, StoredRecords, records_object

ABORTED = "aborted"

# One object of the run's records by its name under the run's directory: its lines, None where there is none.
Read = Callable[[str], Awaitable[Iterable[bytes] | None]]


async def add(account: Account, head: Head, read: Read) -> list[StoredRecords]:
    """
    Add to the account what the part with this head does not count. Returns the objects that the part does not know.

    What `read` raises is raised here.
    """
    if head.is_final:
        return []
    for number in sorted({place.object for place in head.uncounted if place.object < head.counted_to.object}):
        lines = await read(records_object(head.name, "outcomes", number))
        _count(account, head, number, lines or ())
    found: list[StoredRecords] = []
    number = head.counted_to.object
    while (lines := await read(name := records_object(head.name, "outcomes", number))) is not None:
        found.append(StoredRecords(name, _count(account, head, number, lines)))
        number += 1
    return [one for one in found if one not in head.records]


def _count(account: Account, head: Head, number: int, lines: Iterable[bytes]) -> int:
    """Count the aborted uploads of one object that the part does not count. Returns the number of its lines."""
    left_out, total = {*head.uncounted}, 0
    for index, text in enumerate(lines):
        total += 1
        place = Place(number, index)
        if place >= head.counted_to or place in left_out:
            found = record.read(text)
            if found.outcome == ABORTED:
                account.add(_observation(found), head.facts.as_of)
    return total


def _observation(found: Record) -> Observation:
    name, _, region = found.bucket.partition("@")
    is_read = found.bytes is not None and found.parts is not None
    return Observation(
        Bucket(name, region),
        found.key,
        found.storage_class,
        found.initiator,
        found.initiated,
        PartsSeen(found.bytes or 0, found.parts or 0, found.last_part) if is_read else None,
        ABORTED,
        "",
        FREED,
        found.upload_id,
    )
