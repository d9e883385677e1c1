"""
Totals: what the reports say was freed, is left and was kept is what the buckets lost and hold, to the byte.

Whatever is cut off, killed, delivered twice or answered with an error. What no report can know stands in a record: an
upload that is gone and that was not counted has an intent.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import given, settings

from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.keys import validate_key
from cos_sweeper.report.record import INTENDED
from cos_sweeper.report.record_reader import GONE, RecordReader
from tests.emulator.public import Cloud, HeldUpload
from tests.function import Function
from tests.integration.platform import serving
from tests.laws.accounts import figures
from tests.laws.receiver import receiving
from tests.laws.stories import SECRET, Player, Story, held, stories
from tests.laws.told import Told, told
from tests.profiles import examples
from tests.schema import problems

SUMS = ("freed", "left", "failed", "kept")
# Uploads that are looked up by their keys.
FOUND_BY_KEY = 3
ABANDONED = ("freed", "left", "failed")


@settings(max_examples=examples(15))
@given(story=stories())
def test_bytes_that_are_gone_are_freed_in_a_report_or_intended_in_a_record(
    story: Story, cloud: Cloud, function: Function
) -> None:
    with serving(function) as platform, receiving() as messages:
        player = Player(cloud, platform, story)
        player.play()
        found = asyncio.run(told(cloud))
        if not found.is_over:
            assert freed(found) <= size(lost(player).values())
            player.sweep_again()
            found = asyncio.run(told(cloud))

    assert found.is_over
    check(player, found)
    assert {json.loads(message)["run_id"] for message in messages} <= found.reports.keys()


def lost(player: Player) -> dict[str, HeldUpload]:
    """The uploads that are gone."""
    after = held(player.cloud)
    return {upload_id: one for upload_id, one in player.before.items() if upload_id not in after}


def freed(found: Told) -> int:
    return sum(one["totals"]["freed"]["bytes"] for one in found.reports.values())


def check(player: Player, found: Told) -> None:
    gone = lost(player)
    counted = [one for upload_id, one in gone.items() if "aborted" in found.outcomes.get(upload_id, ())]
    # No abort without a line.
    assert all(INTENDED in found.outcomes.get(upload_id, ()) for upload_id in gone)
    assert freed(found) == size(counted)
    check_records(player, found, held(player.cloud))
    for run_id, report in found.reports.items():
        assert problems(report) == []
        assert run_id in found.stored.objects[f"{run_id}/report.html"].decode()
        check_sums(report)


def size(uploads: Iterable[HeldUpload]) -> int:
    return sum(one.bytes for one in uploads)


def check_records(player: Player, found: Told, after: dict[str, HeldUpload]) -> None:
    mask = KeyMask(SECRET) if "RECORD_KEYS" in player.story.settings else PLAIN
    for upload_id, record in found.last.items():
        upload = player.before[upload_id]
        assert record.key in (upload.key, mask.key(upload.key))
        assert record.bytes in (None, upload.bytes)
        if record.outcome == "aborted" or record.outcome in GONE:
            assert upload_id not in after
        elif record.outcome not in (INTENDED, "failed") and "aborted" not in found.outcomes[upload_id]:
            assert upload_id in after

    for upload_id, upload in list(player.before.items())[:FOUND_BY_KEY]:
        is_found = asyncio.run(find(found, upload, upload_id, mask))
        assert is_found == (upload_id in found.outcomes)


async def find(found: Told, upload: HeldUpload, upload_id: str, mask: KeyMask) -> bool:
    """Whether the reader finds a record of an upload by its key."""
    readers = [RecordReader(found.stored, run_id) for run_id in found.stored.run_ids]
    return any([upload_id == one.upload_id for reader in readers async for one in reader.find(upload.key, mask.key)])


def check_sums(report: dict[str, Any]) -> None:
    totals, is_inventory = report["totals"], report["kind"] == "inventory"
    whole = figures(totals)
    assert measure(totals["found"]) == plus(*(whole[group] for group in ABANDONED))
    assert measure(totals["open"]) == plus(*whole.values())
    placed = whole if is_inventory else {**whole, "kept": (0, 0, 0)}
    assert total([*report["buckets"], *other(report["other_buckets"])]) == whole
    assert total(report["storage_classes"]) == whole
    assert total([*report["initiators"]["rows"], *other(report["initiators"]["other"])]) == placed
    assert total([*report["prefixes"]["tree"], *other(report["prefixes"]["other"])]) == placed
    for node in nodes(report["prefixes"]["tree"]):
        assert not node["children"] or total([*node["children"], *other(node["other"])]) == figures(node)
    matrix = report["matrix"]
    cells = [cell for row in matrix["cells"] for cell in row]
    assert plus(*map(measure, cells), measure(matrix["age_unknown"]))[1] == measure(totals["open"])[1]
    counted = sum(cell["uploads"] for cell in cells) + sum(matrix["unread"]) + matrix["age_unknown"]["uploads"]
    assert counted == totals["open"]["uploads"]
    assert plus(*map(measure, report["kept_by_reason"].values())) == whole["kept"]
    assert plus(*map(measure, report["left_by_reason"].values())) == whole["left"]
    assert plus(*map(measure, report["failures"])) == whole["failed"]


def measure(one: dict[str, Any]) -> tuple[int, ...]:
    return tuple(one[name] for name in ("uploads", "bytes", "size_unknown"))


def plus(*rows: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip((0, 0, 0), *rows, strict=True))


def total(rows: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    return {group: plus(*(figures(row)[group] for row in rows)) for group in SUMS}


def other(rest: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [rest] if rest else []


def nodes(tree: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in tree:
        yield node
        yield from nodes(node["children"])


@settings(max_examples=examples(10))
@given(story=stories(calm=True))
def test_report_of_a_chain_in_which_nothing_goes_wrong_accounts_for_every_byte(
    story: Story, cloud: Cloud, function: Function
) -> None:
    with serving(function) as platform, receiving() as messages:
        player = Player(cloud, platform, story)
        player.play()
        found, after = asyncio.run(told(cloud)), held(cloud)

    check(player, found)
    ((_, report),) = found.reports.items()
    totals = report["totals"]
    (message,) = map(json.loads, messages)
    assert (message["run_id"], message["totals"]["freed"]) == (report["run_id"], totals["freed"])
    assert report["shards"]["missing"] == []
    assert report["runs"] == len(player.runs)
    assert totals["open"]["uploads"] == len(player.before)
    assert totals["freed"]["bytes"] == size(player.before.values()) - size(after.values())
    assert sum(totals[group]["uploads"] for group in ("left", "failed", "kept")) == len(after)
    known = [found.last[one] for one in after if one in found.last]
    assert sum(totals[group]["bytes"] for group in ("left", "failed", "kept")) == sum(one.bytes or 0 for one in known)
    if report["kind"] == "inventory":
        unaddressable = [one for one in after.values() if validate_key(one.key, one.upload_id)]
        assert totals["open"]["size_unknown"] == len(unaddressable)
        assert totals["open"]["bytes"] == size(after.values()) - size(unaddressable)
