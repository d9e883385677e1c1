"""
What stays small: responses, the number of workers, the prefixes that a report shows.
"""

import json

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function, event, named, timer

BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
MAX_RESPONSE_BYTES = 128 << 10


def test_http_response_about_a_thousand_long_keys_is_cut_and_marked_as_cut(cloud: Cloud, function: Function) -> None:
    uploads = cloud.seed(BUCKET, "猫" * 200 + "/{n:04}", count=1000)
    body = json.dumps({"uploads": [named(BUCKET, one.key, one.upload_id) for one in uploads]})
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}

    result = function({**event("http_function_url"), "body": body, "headers": headers}, REPORT=f"{LOGS}/reports")

    assert result.answer is not None
    assert len(json.dumps(result.answer)) < MAX_RESPONSE_BYTES
    assert (result.report["uploads"], result.report["aborted"]) == (1000, 1000)
    assert result.report["cut"]["details"] + len(result.report["details"]) == 1000
    (kept,) = [each for each in cloud.objects(OTHER) if each.key.endswith(".json")]
    assert kept.size > 1000 * 600


def test_response_of_an_event_with_many_rejected_uploads_stays_small(function: Function) -> None:
    raw = {"uploads": [{"bucket": f"{'b' * 4000}{n}", "key": "k" * 4000, "uploadId": "1"} for n in range(60)]}

    result = function(raw)

    assert result.report["rejected"] == 60
    assert len(json.dumps(result.answer)) < MAX_RESPONSE_BYTES


@pytest.mark.parametrize("location", ["0000", "5000", "zzzz"])
def test_biggest_prefix_is_found_wherever_it_stands_in_the_alphabet(
    location: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n:04}x/k", count=2500, parts=1, part_size=5)
    cloud.seed(BUCKET, f"{location}/k-{{n}}", count=7, parts=1, part_size=1000)

    result = function(timer(buckets=[BUCKET]))

    first, *others = result.report["largest_prefixes"]
    assert (first["prefix"], first["uploads"], first["bytes"]) == (f"{location}/", 7, 7000) or first["prefix"] == ""
    biggest = max((one for one in (first, *others) if one["prefix"]), key=lambda one: one["bytes"])
    assert (biggest["prefix"], biggest["uploads"], biggest["bytes"]) == (f"{location}/", 7, 7000)


@pytest.mark.parametrize(("memory", "workers"), [(128, 64), (64, 8), (512, None)])
def test_workers_are_bounded_by_the_memory_of_the_function(
    memory: int, workers: int | None, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}")
    context = {"memory_limit_in_mb": memory, "time_limit_in_ms": 60_000, "request_id": "r"}

    result = function(timer(), WORKERS="256", context=context)

    assert [line["workers"] for line in result.lines("workers.bounded")] == ([workers] if workers else [])
    assert result.report["aborted"] == 1


@pytest.mark.parametrize("filling", ["<Upload/>", "<a><b/></a>", '<a b="" c=""/>'])
def test_page_of_far_more_elements_than_cos_sends_is_rejected_before_it_fills_the_memory(
    filling: str, cloud: Cloud, function: Function
) -> None:
    body = (
        f"<ListMultipartUploadsResult>{filling * 200_000}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
    )
    cloud.seed(BUCKET, "{n}")
    cloud.fault("ListMultipartUploads", bucket=BUCKET, raw=body, status=200)

    result = function(timer(buckets=[BUCKET]))

    assert result.lines("bucket.failed")[0]["code"] == "Unreadable"
    assert result.lines("run.finished")[0]["aborted"] == 0


def test_page_on_which_every_upload_is_in_doubt_is_a_warning(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=3)
    cloud.seed(OTHER, "{n}", count=2)
    cloud.fault("ListMultipartUploads", bucket=BUCKET, date="missing")

    result = function(timer())

    (warning,) = result.report["warnings"]
    assert (warning["event"], warning["bucket"], warning["uploads"]) == ("page.in_doubt", PHOTOS, 3)
    assert [line["bucket"] for line in result.lines("page.in_doubt")] == [PHOTOS]
    assert (result.report["kept"], result.report["aborted"]) == (3, 2)
