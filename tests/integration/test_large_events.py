"""
Events that name more uploads than one event may: what fits is done, and the rest is rejected in a few words.
"""

import base64
import gzip
import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, event, named
from tests.integration.objects import stored

BUCKET = PHOTOS.partition("@")[0]
# Uploads outside PREFIXES are kept without a request, so that ten thousand of them take no time.
SETTINGS = {"PREFIXES": "raw/", "REPORT": f"{PHOTOS}/reports"}


def outside(count: int, first: int = 0) -> list[dict[str, str]]:
    """Uploads that the policy keeps."""
    return [named(BUCKET, f"other/{number}", "1") for number in range(first, first + count)]


def record(message: object, kind: str = "Ckafka") -> dict[str, Any]:
    return {kind: {"topic": "t", "msgBody": json.dumps(message)}}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("index", [0, 10, 20])
@pytest.mark.parametrize("kind", ["Ckafka", "CMQ"])
def test_large_record_leaves_twenty_ordinary_ones_usable(
    kind: str, index: int, cloud: Cloud, function: Function
) -> None:
    function.settings |= SETTINGS
    records = [record(named(BUCKET, one.key, one.upload_id), kind) for one in cloud.seed(BUCKET, "raw/{n}", count=20)]
    records.insert(index, record({"uploads": outside(9_990)}, kind))

    result = function({"Records": records})

    assert result.error is None
    assert (result.report["aborted"], result.report["kept"], result.report["rejected"]) == (20, 9_980, 1)
    assert cloud.uploads(BUCKET) == []
    (rejection,) = result.report["rejections"]
    assert rejection["origin"] == f"record {index + 1}, upload 9981 to 9990"
    assert rejection["reason"].startswith("10 of 9990 uploads are beyond the limit of 10000 uploads in one event")
    assert len(result.lines("request.rejected")) == 1
    (document,) = stored(cloud, PHOTOS, "reports/rejected/").values()
    assert (document["reasons"], document["rejected"][0]["reason"]) == (1, rejection["reason"])


def test_large_list_is_done_as_far_as_it_fits(cloud: Cloud, function: Function) -> None:
    function.settings |= SETTINGS
    first, second = cloud.seed(BUCKET, "raw/{n}", count=2)
    uploads = [named(BUCKET, first.key, first.upload_id), *outside(9_999), named(BUCKET, second.key, second.upload_id)]

    result = function({"uploads": [*uploads, *outside(1_999)]})

    assert (result.report["aborted"], result.report["kept"], result.report["rejected"]) == (1, 9_999, 1)
    assert result.report["rejections"][0]["reason"].startswith("2000 of 12000 uploads are beyond the limit")
    assert [upload.key for upload in cloud.uploads(BUCKET)] == [second.key]


def test_records_beyond_the_limit_are_rejected_together(cloud: Cloud, function: Function) -> None:
    function.settings |= SETTINGS
    first, second = (named(BUCKET, one.key, one.upload_id) for one in cloud.seed(BUCKET, "raw/{n}", count=2))

    result = function({"Records": list(map(record, [first, *outside(9_999), second, *outside(49)]))})

    assert (result.report["aborted"], result.report["kept"], result.report["rejected"]) == (1, 9_999, 1)
    assert result.report["rejections"][0]["reason"].startswith("50 of 10050 records are beyond the limit")
    assert [upload.key for upload in cloud.uploads(BUCKET)] == [second["key"]]


def test_records_beyond_the_limit_are_rejected_in_a_few_groups(function: Function) -> None:
    function.settings |= SETTINGS

    result = function({"Records": [record({"uploads": outside(3, 3 * number)}) for number in range(4_000)]})

    assert result.report["kept"] == 10_000
    assert result.report["rejected"] == len(result.lines("request.rejected")) == 21
    assert result.report["rejections"][19]["reason"].startswith("2 of 3 uploads are beyond the limit")
    assert result.lines("request.rejected")[20]["origin"] == "further records"


def test_batch_of_log_lines_full_of_commas_is_read(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/1")
    lines = [json.dumps(named(BUCKET, upload.key, upload.upload_id)), *["a,b,c,{d}," * 10] * 6_000]
    packed = gzip.compress(json.dumps({"records": [{"content": line} for line in lines]}).encode())

    result = function({"clslogs": {"data": base64.b64encode(packed).decode()}})

    assert (result.report["aborted"], result.report["rejected"]) == (1, 6_000)
    assert cloud.uploads(BUCKET) == []


def test_http_request_beyond_its_limit_is_rejected_whole(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/1")
    uploads = [named(BUCKET, upload.key, upload.upload_id), *outside(1_000)]

    result = function({**event("http_function_url"), "body": json.dumps({"uploads": uploads})}, PREFIXES="raw/")

    assert result.answer is not None
    assert (result.answer["statusCode"], result.report["rejected"]) == (400, 1)
    assert "more than 1000 uploads; send several requests" in result.report["rejections"][0]["reason"]
    assert len(cloud.uploads(BUCKET)) == 1
