"""
Chains of real processes that are killed or delivered twice: their report says what the buckets lost, to the byte.
"""

import asyncio
import json

import pytest

from cos_sweeper.report.record import INTENDED
from tests.emulator.public import Cloud
from tests.function import PHOTOS, timer
from tests.integration.chains import LOG_BUCKET, PHOTO_BUCKET, Chain
from tests.integration.continuation import CONFLICT
from tests.integration.objects import contents
from tests.integration.platform import Platform
from tests.laws.told import Told, told

COUNT = 150
SIZES = {PHOTO_BUCKET: 1000, LOG_BUCKET: 7}


@pytest.fixture
def recorded(chain: Chain) -> Chain:
    for bucket, size in SIZES.items():
        chain.cloud.seed(bucket, "raw/{n:03}", count=COUNT, parts=2, part_size=size)
    return chain


def result(chain: Chain) -> Told:
    return asyncio.run(told(chain.cloud))


def counted(found: Told) -> int:
    """Bytes of the uploads that a record calls aborted."""
    sizes = {one.upload_id: one.bytes or 0 for one in found.last.values()}
    return sum(sizes[one] for one, outcomes in found.outcomes.items() if "aborted" in outcomes)


def test_events_that_run_twice_at_the_same_time_free_every_byte_once(recorded: Chain) -> None:
    """The timer's event, too, so there are two chains."""
    recorded.set_up(FAN_OUT="3", REPORT=f"{PHOTOS}/reports")
    recorded.cloud.scf_settings(duplicate=1.0)

    recorded.sweep()

    reports = result(recorded).reports.values()
    freed = [one["totals"]["freed"] for one in reports]
    assert recorded.left() == []
    assert sum(one["uploads"] for one in freed) == 2 * COUNT
    assert sum(one["bytes"] for one in freed) == sum(2 * COUNT * size for size in SIZES.values())
    assert [one["shards"]["missing"] for one in reports] == [[], []]


@pytest.mark.parametrize("skip", [40, 130])
def test_shards_that_are_killed_leave_a_report_of_what_their_records_say(skip: int, recorded: Chain) -> None:
    recorded.set_up(FAN_OUT="2", REPORT=f"{PHOTOS}/reports")
    recorded.cloud.fault("AbortMultipartUpload", blow="kill", skip=skip, count=1)

    runs = recorded.sweep()

    found = result(recorded)
    (report,) = found.reports.values()
    assert [one for one in runs if one.end not in ("returned", "raised")]
    assert recorded.left() == []
    assert all(INTENDED in outcomes for outcomes in found.outcomes.values())
    assert len(found.outcomes) == 2 * COUNT
    assert report["totals"]["freed"]["bytes"] == counted(found)
    assert report["shards"]["missing"] == []
    history = [json.loads(body) for name, body in found.stored.objects.items() if name.startswith("history/")]
    assert [one["freed_bytes"] for one in history] == [counted(found)]


def test_upload_that_a_later_run_aborts_by_its_name_has_an_intent_of_that_run(cloud: Cloud, platform: Platform) -> None:
    """The run that left it may not have come to its intents."""
    cloud.seed(PHOTO_BUCKET, "raw/cat.mp4")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(timer(), REPORT=f"{PHOTOS}/reports")
    cloud.heal()

    done = platform.run(platform.take(), REPORT=f"{PHOTOS}/reports")

    assert done.report["aborted"] == 1
    names = contents(cloud, PHOTOS, "reports/", ".jsonl.gz")
    assert [name for name in names if ".run-2." in name and ".intents-" in name]
