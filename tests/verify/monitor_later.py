"""
The check that needs a day: what unit Cloud Monitor counts in.

It begins with uploads of several parts that stay, and a note of the count before; the end reads the count again, says
whether it rose by the uploads or by the parts, and takes the uploads away.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cos_sweeper.cli.monitor import Monitor, MonitorFailed
from tests.verify import api, table
from tests.verify.bounds import PREFIX, new_prefix
from tests.verify.cleanup import clean
from tests.verify.outcome import CannotTell, Contradicted, Unanswered
from tests.verify.world import Options, World

UPLOADS, PARTS = 7, 3
START = "start"
MIN_HOURS = 24


@dataclass(frozen=True, slots=True)
class Note:
    """What the beginning leaves for the end. fragments: None where there was no count yet."""

    bucket: str
    prefix: str
    began: str
    fragments: int | None
    uploads: int = UPLOADS
    parts: int = PARTS


def main(options: Options, what: str) -> int:
    """Begin with `start`, end with the file that the beginning wrote. Returns the exit code."""
    try:
        note = None if what == START else _read(what)
        return asyncio.run(_with_world(World(options, note.prefix if note else new_prefix()), note))
    except (CannotTell, Contradicted, Unanswered) as exc:
        print(f"not checked: {exc}", file=sys.stderr)
        return table.SOMETHING_NOT_CHECKED


async def _with_world(world: World, note: Note | None) -> int:
    try:
        return await (_begin(world) if note is None else _end(world, note))
    finally:
        await world.close()


async def _begin(world: World) -> int:
    before, _ = await _fragments(world)
    try:
        for upload in await world.start_many([f"monitor/{number}" for number in range(UPLOADS)]):
            for number in range(1, PARTS + 1):
                await world.part(upload, number)
    except BaseException:
        await clean(world, objects=False)
        raise
    note = Note(str(world.bucket), world.prefix, world.options.now().isoformat(), before)
    path = Path(f"cos-sweeper-verify-{world.prefix.split('/')[1]}.json")
    path.write_text(json.dumps(asdict(note), indent=2) + "\n", "utf-8")
    print(f"{UPLOADS} uploads of {PARTS} parts each stay below\n{world.prefix}")
    print(f"Leave the other uploads of this bucket alone. In {MIN_HOURS} h or later give\nMONITOR={path}")
    return table.ALL_AS_EXPECTED


async def _end(world: World, note: Note) -> int:
    if note.bucket != str(world.bucket):
        raise CannotTell("the note is of another bucket")
    hours = (world.options.now() - datetime.fromisoformat(note.began)).total_seconds() / 3600
    if hours < MIN_HOURS:
        raise CannotTell(f"only {hours:.0f} h have passed: the uploads stay")
    after, latest = await _fragments(world)
    left = (await clean(world, objects=False)).left
    print(verdict(note, after), f"(the count is of {latest})" if latest else "")
    for one in left:
        print(f"LEFT: {world.hidden(one)}")
    return table.SOMETHING_LEFT if left else table.ALL_AS_EXPECTED


def verdict(note: Note, after: int | None) -> str:
    """What a difference says."""
    if note.fragments is None and after is None:
        return "not checked: Cloud Monitor has no count of this bucket"
    risen = (after or 0) - (note.fragments or 0)
    units = {note.uploads: "uploads", note.uploads * note.parts: "parts"}
    unit = units.get(risen)
    if unit is None:
        return f"not checked: the count rose by {risen}, and {' or '.join(map(str, units))} would tell"
    return f"a fragment is one of the {unit}: the count rose by {risen}"


async def _fragments(world: World) -> tuple[int | None, datetime | None]:
    monitor = Monitor(world.options.credentials, port=api.require(world, "monitor"), sleep=world.options.sleep)
    try:
        (count,) = (await monitor.survey([world.bucket], world.options.now())).counts
    except MonitorFailed as exc:
        raise CannotTell(f"Cloud Monitor: {exc.code}") from exc
    return (count.total, count.latest) if count.by_class else (None, None)


def _read(path: str) -> Note:
    try:
        note = Note(**json.loads(Path(path).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as exc:
        raise CannotTell(f"{path} cannot be read: {type(exc).__name__}") from exc
    if not PREFIX.fullmatch(note.prefix):
        raise CannotTell(f"{path} names no prefix of this program")
    return note
