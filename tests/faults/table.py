"""
Every operation of COS and SCF that the function asks for × every fault, and what must come of it (`table.txt`).

`python -m tests.faults.table` plays every cell and prints what was seen; `test_faults.py` plays the same cells.
All of it is real HTTP against the emulator, and where the function invokes itself or is killed, real instances.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.emulator.public import Cloud, say
from tests.faults.cell import Seen, Way, play
from tests.faults.chains import play_chain, play_invoke, play_killed, start

LEGEND = """
Seven uploads stand in two buckets. Five are abandoned, three of them in the bucket that the fault strikes; in each
bucket one more is live: a part of it arrived half an hour ago. The fault is in force at one operation, at one upload
where the operation is about one, and lasts unless its name says otherwise. What the columns say:

    status     of the run's report
    answer     what the caller gets: the report, an exception at the end, or a status over HTTP; and whether an
               instance was killed
    outcome    of the uploads: aborted (COS answered 204), gone (before it could be aborted), kept (if not for a fresh
               part, the reason), failed with a code, left for the next run. "bucket failed": its listing broke off;
               "no bucket known": the list of buckets did; "stopped": COS accepts no credentials or no clock any
               more, and no run goes on; "nothing aborted": no intents could be stored. Then of what stands under the
               report prefix: "lost", what was not stored; "unread"; "damaged"; "not merged" and "postponed", the
               account of a chain; "no report.json"
    struck     how many requests the fault struck, retries among them; "runs": of the chain that the first run began
    -          there is no such thing, and why

"named": an event names the uploads, directly and over HTTP; "idle": with EVENT_MIN_IDLE_MINUTES, live ones among them.
"intents", "others": the fault strikes these objects only. "account": a chain of two runs, and the fault strikes what
the first one leaves to the second. At Get Object and Get Bucket an earlier chain ended without a report, and the sweep
completes it. Every sweep has a report. Waits for what never comes are cut short. Besides what is written, this holds in
every cell: the run ends within its time limit; the counts add up, also to what COS answered; nothing live is aborted;
the other bucket is swept unless the fault is everywhere or no intents can be stored; no credential, token or signature
gets out or into a stored object, not even one that COS echoes; only lawful requests leave; no abort of a sweep leaves
before its intent is stored; no report.json claims more than the buckets lost, or contradicts its run; and asked again
without the fault, the function finishes the work, and earlier chains get their report.
"""

WAYS = {
    "Get Service": Way("Get Service", {"BUCKETS": "*"}),
    "List Multipart Uploads": Way("List Multipart Uploads"),
    "List Parts": Way("List Parts"),
    "List Parts, named": Way("List Parts", names=lambda scene: scene.abandoned),
    "List Parts, named, idle": Way(
        "List Parts", {"EVENT_MIN_IDLE_MINUTES": "60"}, names=lambda scene: scene.abandoned + scene.live
    ),
    "Abort": Way("Abort Multipart Upload"),
    "Abort, named": Way("Abort Multipart Upload", names=lambda scene: scene.abandoned),
    "Put Object": Way("Put Object"),
    "Put Object, intents": Way("Put Object, intents"),
    "Put Object, others": Way("Put Object, others"),
    "Put Object, named": Way("Put Object", names=lambda scene: scene.abandoned),
    "Put Object, account": Way("Put Object, account"),
    "Get Object": Way("Get Object", is_after_another=True),
    "Get Object, account": Way("Get Object, account"),
    "Get Bucket": Way("Get Bucket", is_after_another=True),
    "Get Bucket Lifecycle": Way("Get Bucket Lifecycle"),
    "Get Bucket Object Lock": Way("Get Bucket Object Lock"),
    "Invoke": Way("Invoke"),
}

# Ways that are played as a sweep of two runs.
CHAINS = ("Put Object, account", "Get Object, account")
TABLE = Path(__file__).with_name("table.txt")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is written of one fault at one operation. why_not: why there is no such thing, or ''."""

    way: str
    fault: str
    expected: Seen | None
    why_not: str = ""

    @property
    def name(self) -> str:
        """As tests are called."""
        return f"{self.way}-{self.fault}".replace(", ", "_").replace(" ", "_").lower()


def cells() -> Iterator[Cell]:
    """The table, read."""
    way = ""
    for line in filter(None, TABLE.read_text("utf-8").splitlines()):
        if not line.startswith(" "):
            way = line
            continue
        fault, *columns = (column.strip() for column in line.split("|"))
        if columns[0].startswith("- "):
            yield Cell(way, fault, None, columns[0][2:])
        else:
            status, answer, outcome, struck = columns
            yield Cell(way, fault, Seen(status, answer, outcome, struck))


def seen(cloud: Cloud, cell: Cell) -> Seen:
    """Play a cell."""
    if cell.way == "Invoke":
        return play_invoke(cloud, cell.fault)
    if cell.way in CHAINS:
        return play_chain(cloud, WAYS[cell.way], cell.fault)
    if cell.fault == "instance killed":
        return play_killed(cloud, WAYS[cell.way])
    return play(cloud, WAYS[cell.way], cell.fault)


def main() -> int:
    """Play every cell, print what was seen, and say what is not as written."""
    say(LEGEND)
    wrong, number, way = [], 0, ""
    with start() as cloud:
        for cell in cells():
            if cell.way != way:
                way = cell.way
                say(f"\n{way}\n")
            number += 1
            line = f"- {cell.why_not}"
            if cell.expected is not None:
                found = seen(cloud, cell)
                line = f"{found.status:9} {found.answer:19} {found.outcome:77} {found.struck}".rstrip()
                if found != cell.expected:
                    wrong.append((cell, found))
                    line += "   <- not as written"
            say(f"    {cell.fault:27} {line}")
    for cell, found in wrong:
        say(f"\n{cell.way} × {cell.fault}:\n    written {cell.expected}\n    seen    {found}")
    say(f"\n{number} cells, " + (f"{len(wrong)} not as written" if wrong else "all as written"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
