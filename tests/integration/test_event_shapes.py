"""
Shapes of events that the documentation does not show, or shows in several ways.
"""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import Function, named, timer
from tests.integration.shapes import BOM, BUCKET, ENVELOPE, cls, completed, held, message, post, rejected


@pytest.mark.parametrize("data", ["record", "records", "text_of_record", "text_of_records"])
def test_cos_record_in_an_eventbridge_envelope_is_read(data: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/2026/1.mp4", hours_since_start=200)
    of_cos = completed()
    inside: Any = of_cos if data.endswith("records") else of_cos["Records"][0]

    result = function({**ENVELOPE, "data": json.dumps(inside) if data.startswith("text") else inside})

    assert (result.report["status"], result.report["aborted"]) == ("complete", 1)
    assert held(cloud) == []


def test_cos_records_of_an_eventbridge_envelope_are_independent(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/2026/1.mp4", hours_since_start=200)
    broken = completed(eventTime="yesterday")["Records"]
    other = {"Ckafka": {"topic": "t", "msgBody": json.dumps(message(cloud, "in a queue"))}}

    result = function({**ENVELOPE, "data": {"Records": [*broken, other, None, *completed()["Records"]]}})

    assert (result.report["aborted"], result.report["rejected"]) == (1, 3)
    assert [each["origin"] for each in result.report["rejections"]] == ["record 1", "record 2", "record 3"]
    assert held(cloud) == ["in a queue"]


@pytest.mark.parametrize("data", [timer(), json.dumps(timer()), {"Records": [timer()]}], ids=["is", "text", "record"])
def test_timer_in_an_eventbridge_envelope_sweeps_nothing(data: object, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "old")
    before = cloud.mark()

    result = function({**ENVELOPE, "data": data})

    assert rejected(result)
    assert cloud.requests(before) == []


TIMES: dict[str, Callable[[datetime], Any]] = {
    "seconds": lambda moment: int(moment.timestamp()),
    "text_of_seconds": lambda moment: str(int(moment.timestamp())),
    "text_of_fraction": lambda moment: f"{moment.timestamp():.3f}",
    "utc": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "milliseconds": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.250Z"),
    "nanoseconds": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.123456789+00:00"),
    "china": lambda moment: (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00"),
    "china_short": lambda moment: (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+0800"),
    "west": lambda moment: (moment - timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S.5-05:30"),
}


@pytest.mark.parametrize("form", TIMES)
def test_event_time_separates_older_uploads_from_newer_ones(form: str, cloud: Cloud, function: Function) -> None:
    key = "raw/2026/1.mp4"
    (older,) = cloud.seed(BUCKET, key, hours_since_start=31)
    (newer,) = cloud.seed(BUCKET, key, hours_since_start=29)
    moment = datetime.now(timezone.utc) - timedelta(hours=30)

    result = function(completed(eventTime=TIMES[form](moment)))

    assert result.report["aborted"] == 1
    assert [upload.upload_id for upload in cloud.uploads(BUCKET)] == [newer.upload_id] != [older.upload_id]


@pytest.mark.parametrize(
    "given",
    [
        "",
        "yesterday",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-02-30T00:00:00Z",
        "1767225600000",
        "-1",
        None,
        True,
        [],
    ],
    ids=repr,
)
def test_event_time_that_cannot_be_read_is_rejected(given: object, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/2026/1.mp4", hours_since_start=10**5)

    result = function(completed(eventTime=given))

    assert "`eventTime`" in rejected(result)
    assert held(cloud) == ["raw/2026/1.mp4"]


@pytest.mark.parametrize(
    ("key", "path", "meant"),
    [
        ("%E7%8C%AB.mp4", "猫.mp4", "猫.mp4"),
        ("%e7%8c%ab.mp4", "%E7%8C%AB.mp4", "猫.mp4"),
        ("猫.mp4", "%E7%8C%AB.mp4", "猫.mp4"),
        ("猫 100%.mp4", "猫 100%.mp4", "猫 100%.mp4"),
        ("猫 %20+.mp4", "猫 %20+.mp4", "猫 %20+.mp4"),
        ("100%25.mp4", "100%2525.mp4", "100%25.mp4"),
        ("a+b", "a%2Bb", "a+b"),
        ("a+b", "a%20b", "a b"),
        ("a%20b", "a+b", "a b"),
    ],
)
def test_completed_key_is_decoded_where_the_url_proves_it(
    key: str, path: str, meant: str, cloud: Cloud, function: Function
) -> None:
    for each in {key, path, meant}:
        cloud.seed(BUCKET, each, hours_since_start=200)
    url = f"http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{path}"

    result = function(completed(key, url=url))

    assert result.report["aborted"] == 1
    assert sorted(held(cloud)) == sorted({key, path} - {meant})


def test_completed_key_that_is_encoded_with_its_slashes_is_decoded(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/猫 1.mp4", hours_since_start=200)
    cloud.seed(BUCKET, "raw%2F%E7%8C%AB%201.mp4", hours_since_start=200)

    result = function(completed(key="%2F1250000000%2Fphotos%2Fraw%2F%E7%8C%AB%201.mp4"))

    assert result.report["aborted"] == 1
    assert held(cloud) == ["raw%2F%E7%8C%AB%201.mp4"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("%E7%8C%AB.mp4", "%E7%8C%AB.mp4"),
        ("a%20b", "a%20b"),
        ("a+b", "a+b"),
        ("a%20b", None),
        ("a+b", None),
        ("猫+", "猫+"),
    ],
)
def test_completed_key_that_nothing_proves_is_rejected_and_all_its_readings_are_kept(
    key: str, path: str | None, cloud: Cloud, function: Function
) -> None:
    readings = sorted({key, "猫.mp4", "a b", "a+b"})
    for each in readings:
        cloud.seed(BUCKET, each, hours_since_start=200)

    result = function(completed(key, url=path and f"http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{path}"))

    assert "does not prove how its key is encoded" in rejected(result)
    assert sorted(held(cloud)) == readings


@pytest.mark.parametrize("way", ["ckafka", "cmq", "cls", "eventbridge", "tdmq", "http", "http_base64"])
def test_byte_order_mark_before_a_message_is_skipped(way: str, cloud: Cloud, function: Function) -> None:
    text = BOM + json.dumps(message(cloud))
    ways = {
        "ckafka": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}}]},
        "cmq": {"Records": [{"CMQ": {"topicName": "t", "msgBody": text}}]},
        "cls": cls(BOM + json.dumps({"records": [{"content": text}]})),
        "eventbridge": {**ENVELOPE, "data": text},
        "tdmq": {**ENVELOPE, "data": {"msgBody": text}},
        "http": post(text),
        "http_base64": post(base64.b64encode(text.encode()).decode(), isBase64Encoded=True),
    }

    result = function(ways[way])

    assert result.report["aborted"] == 1
    assert held(cloud) == []


def test_byte_order_mark_before_a_timers_message_is_skipped_and_the_message_narrows(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "tmp/1", hours_since_start=10**4)
    cloud.seed(BUCKET, "raw/1", hours_since_start=10**4)

    result = function(timer() | {"Message": BOM + json.dumps({"prefixes": ["tmp/"]})})

    assert result.report["aborted"] == 1
    assert held(cloud) == ["raw/1"]


@pytest.mark.parametrize(
    "spelling",
    [
        ("Bucket", "Key", "UploadID"),
        ("Bucket", "Key", "UploadId"),
        ("bucketName", "key", "uploadId"),
        ("bucket_name", "key", "upload_id"),
        ("bucket", "key", "uploadID"),
        ("bucket", "key", "uploadid"),
        ("BUCKET", "KEY", "UPLOAD_ID"),
    ],
    ids=",".join,
)
def test_upload_is_named_in_the_spelling_of_any_sdk(
    spelling: tuple[str, str, str], cloud: Cloud, function: Function
) -> None:
    alone, listed = (dict(zip(spelling, message(cloud, key).values(), strict=True)) for key in ("alone", "listed"))

    aborted = [function(raw).report["aborted"] for raw in (alone, {"uploads": [listed]})]

    assert aborted == [1, 1]
    assert held(cloud) == []


@pytest.mark.parametrize("spelling", ["UploadID", "UploadId", "uploadID", "upload_id", "uploadid"])
def test_spellings_that_name_different_uploads_are_rejected(spelling: str, cloud: Cloud, function: Function) -> None:
    first, second = cloud.seed(BUCKET, "twice", count=2)

    result = function(named(BUCKET, first.key, first.upload_id) | {spelling: second.upload_id})

    assert rejected(result) == f"`uploadId` and `{spelling}` have different values"
    assert held(cloud) == ["twice", "twice"]


def test_spellings_that_name_the_same_upload_are_read(cloud: Cloud, function: Function) -> None:
    upload = message(cloud)

    result = function(upload | {"UploadID": upload["uploadId"], "bucket_name": upload["bucket"]})

    assert result.report["aborted"] == 1


WRAPS: dict[str, Callable[[bytes], str]] = {
    "mime": lambda data: base64.encodebytes(data).decode(),
    "mime_crlf": lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
    "spaces": lambda data: " ".join(base64.b64encode(data).decode()),
    "all": lambda data: "\t\v\f" + base64.b64encode(data).decode() + " \r\n",
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("way", ["cls", "http"])
def test_white_space_in_base64_is_skipped(wrap: str, way: str, cloud: Cloud, function: Function) -> None:
    text = json.dumps(message(cloud, "raw/" + "a" * 100))
    if way == "cls":
        raw = cls(json.dumps({"records": [{"content": text}]}), WRAPS[wrap])
    else:
        raw = post(WRAPS[wrap](text.encode()), isBase64Encoded=True)

    result = function(raw)

    assert result.report["aborted"] == 1
    assert held(cloud) == []


@pytest.mark.parametrize("spoilt", ["{}*", "{}\u00a0", "{}\u2028", "-{}", "{}\0"], ids=ascii)
def test_base64_with_other_characters_is_rejected(spoilt: str, cloud: Cloud, function: Function) -> None:
    text = base64.b64encode(json.dumps(message(cloud)).encode()).decode()

    result = function(post(spoilt.format(text), isBase64Encoded=True))

    assert rejected(result) == "the data is not base64"
    assert held(cloud) == ["raw/1.mp4"]
