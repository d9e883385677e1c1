"""
Shapes of events that people meet and no document shows: each does what it names, and nobody gets in by one.
"""

import base64
import gzip
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.emulator.client import Cloud
from tests.function import PHOTOS, TOKEN, Function, Invocation, event, named, timer
from tests.integration.objects import stored

BUCKET = PHOTOS.partition("@")[0]
BOM = "\ufeff"


def held(cloud: Cloud) -> list[str]:
    """The keys of the unfinished uploads that are left."""
    return [upload.key for upload in cloud.uploads(BUCKET)]


def message(cloud: Cloud, key: str = "raw/1.mp4") -> dict[str, str]:
    """An upload that is there, and the message that names it."""
    (upload,) = cloud.seed(BUCKET, key)
    return named(BUCKET, upload.key, upload.upload_id)


def completed(path: str = "raw/2026/1.mp4", **changes: Any) -> dict[str, Any]:
    """COS's event of a completed object. path: behind appid and bucket. changes: in `cosObject` and in `event`."""
    raw: dict[str, Any] = event("cos_completed")
    record = raw["Records"][0]
    thing = {"key": f"/1250000000/photos/{path}", "url": None}
    record["cos"]["cosObject"] |= thing | {name: changes[name] for name in changes if name in thing}
    record["event"] |= {"eventTime": int(time.time())}
    record["event"] |= {name: changes[name] for name in changes if name not in thing}
    return raw


def post(body: object, **changes: Any) -> dict[str, Any]:
    """A request to the Function URL by a caller who has the token."""
    raw: dict[str, Any] = event("http_function_url")
    return {**raw, "body": body if isinstance(body, str) else json.dumps(body), **changes}


def cls(text: str, wrap: Callable[[bytes], str] = lambda data: base64.b64encode(data).decode()) -> dict[str, Any]:
    """A CLS batch, packed. wrap: its way of base64."""
    return {"clslogs": {"data": wrap(gzip.compress(text.encode(), mtime=0))}}


def rejected(done: Invocation) -> str:
    """The only reason of an event that was rejected whole."""
    assert done.report["rejected"] == len(done.report["rejections"]) == 1
    assert done.report["aborted"] == 0
    reason: str = done.report["rejections"][0]["reason"]
    return reason


# COS records in EventBridge's envelope

ENVELOPE = {key: value for key, value in event("eventbridge").items() if key != "data"}


@pytest.mark.parametrize("data", ["record", "records", "text_of_record", "text_of_records"])
def test_cos_record_in_an_eventbridge_envelope_is_read(data: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/2026/1.mp4", hours_since_start=200)
    of_cos = completed()
    inside: Any = of_cos if data.endswith("records") else of_cos["Records"][0]

    done = function({**ENVELOPE, "data": json.dumps(inside) if data.startswith("text") else inside})

    assert (done.report["status"], done.report["aborted"]) == ("complete", 1)
    assert held(cloud) == []


def test_each_cos_record_of_an_eventbridge_envelope_stands_on_its_own(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/2026/1.mp4", hours_since_start=200)
    broken = completed(eventTime="yesterday")["Records"]
    other = {"Ckafka": {"topic": "t", "msgBody": json.dumps(message(cloud, "in a queue"))}}

    done = function({**ENVELOPE, "data": {"Records": [*broken, other, None, *completed()["Records"]]}})

    assert (done.report["aborted"], done.report["rejected"]) == (1, 3)
    assert [each["origin"] for each in done.report["rejections"]] == ["record 1", "record 2", "record 3"]
    assert held(cloud) == ["in a queue"]


@pytest.mark.parametrize("data", [timer(), json.dumps(timer()), {"Records": [timer()]}], ids=["is", "text", "record"])
def test_timer_in_an_eventbridge_envelope_sweeps_nothing(data: object, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "old")
    before = cloud.mark()

    done = function({**ENVELOPE, "data": data})

    assert rejected(done)
    assert cloud.requests(before) == []


# The time of COS's event

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

    done = function(completed(eventTime=TIMES[form](moment)))

    assert done.report["aborted"] == 1
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

    done = function(completed(eventTime=given))

    assert "`eventTime`" in rejected(done)
    assert held(cloud) == ["raw/2026/1.mp4"]


# The key of COS's event


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

    done = function(completed(key, url=url))

    assert done.report["aborted"] == 1
    assert sorted(held(cloud)) == sorted({key, path} - {meant})


def test_completed_key_that_is_encoded_with_its_slashes_is_decoded(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/猫 1.mp4", hours_since_start=200)
    cloud.seed(BUCKET, "raw%2F%E7%8C%AB%201.mp4", hours_since_start=200)

    done = function(completed(key="%2F1250000000%2Fphotos%2Fraw%2F%E7%8C%AB%201.mp4"))

    assert done.report["aborted"] == 1
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

    done = function(completed(key, url=path and f"http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{path}"))

    assert "does not prove how its key is encoded" in rejected(done)
    assert sorted(held(cloud)) == readings


# A byte order mark before JSON


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

    done = function(ways[way])

    assert done.report["aborted"] == 1
    assert held(cloud) == []


def test_byte_order_mark_before_a_timers_message_is_skipped_and_the_message_narrows(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "tmp/1", hours_since_start=10**4)
    cloud.seed(BUCKET, "raw/1", hours_since_start=10**4)

    done = function(timer() | {"Message": BOM + json.dumps({"prefixes": ["tmp/"]})})

    assert done.report["aborted"] == 1
    assert held(cloud) == ["raw/1"]


# Spellings


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
def test_two_spellings_that_name_different_uploads_are_rejected(
    spelling: str, cloud: Cloud, function: Function
) -> None:
    first, second = cloud.seed(BUCKET, "twice", count=2)

    done = function(named(BUCKET, first.key, first.upload_id) | {spelling: second.upload_id})

    assert rejected(done) == f"`uploadId` and `{spelling}` have different values"
    assert held(cloud) == ["twice", "twice"]


def test_two_spellings_that_name_the_same_upload_are_read(cloud: Cloud, function: Function) -> None:
    upload = message(cloud)

    done = function(upload | {"UploadID": upload["uploadId"], "bucket_name": upload["bucket"]})

    assert done.report["aborted"] == 1


# Base64 with white space

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

    done = function(raw)

    assert done.report["aborted"] == 1
    assert held(cloud) == []


@pytest.mark.parametrize("spoilt", ["{}*", "{}\u00a0", "{}\u2028", "-{}", "{}\0"], ids=ascii)
def test_anything_else_in_base64_is_rejected(spoilt: str, cloud: Cloud, function: Function) -> None:
    text = base64.b64encode(json.dumps(message(cloud)).encode()).decode()

    done = function(post(spoilt.format(text), isBase64Encoded=True))

    assert rejected(done) == "the data is not base64"
    assert held(cloud) == ["raw/1.mp4"]


# Whether a body is base64


@pytest.mark.parametrize("flag", [True, "true", "True", "TRUE"], ids=repr)
def test_base64_flag_may_be_text(flag: object, cloud: Cloud, function: Function) -> None:
    text = base64.b64encode(json.dumps(message(cloud)).encode()).decode()

    done = function(post(text, isBase64Encoded=flag))

    assert done.report["aborted"] == 1


@pytest.mark.parametrize("flag", [False, "false", "False", None, ""], ids=repr)
def test_body_without_the_base64_flag_is_text(flag: object, cloud: Cloud, function: Function) -> None:
    done = function(post(message(cloud), isBase64Encoded=flag))

    assert done.report["aborted"] == 1


@pytest.mark.parametrize("flag", ["yes", 1, 0, [], {}, "true "], ids=repr)
def test_base64_flag_in_other_words_is_rejected(flag: object, cloud: Cloud, function: Function) -> None:
    done = function(post(message(cloud), isBase64Encoded=flag))

    assert rejected(done) == "`isBase64Encoded` is neither true nor false"
    assert held(cloud) == ["raw/1.mp4"]


# Headers

JSON_TYPE = "application/json"
BEARER = f"Bearer {TOKEN}"
LET_IN: dict[str, dict[str, Any]] = {
    "lists": {"headers": {"content-type": [JSON_TYPE], "authorization": [BEARER]}},
    "only_multi": {"multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]}},
    "only_multi_beside_none": {
        "headers": None,
        "multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]},
    },
    "both": {
        "headers": {"Content-Type": JSON_TYPE, "Authorization": BEARER},
        "multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]},
    },
    "mixed": {"headers": {"Content-Type": JSON_TYPE}, "multiValueHeaders": {"Authorization": [BEARER, BEARER]}},
    "pairs": {"headers": [["Content-Type", JSON_TYPE], ["Authorization", BEARER]]},
}
WRONG = "Bearer another-token-of-32-characters!!"
TURNED_AWAY: dict[str, dict[str, Any]] = {
    "list": {"headers": {"content-type": JSON_TYPE, "authorization": [WRONG, BEARER]}},
    "list_other_way": {"headers": {"content-type": JSON_TYPE, "authorization": [BEARER, WRONG]}},
    "cases": {"headers": {"content-type": JSON_TYPE, "authorization": WRONG, "Authorization": BEARER}},
    "multi": {
        "headers": {"content-type": JSON_TYPE, "authorization": BEARER},
        "multiValueHeaders": {"authorization": [WRONG, BEARER]},
    },
    "multi_other_way": {
        "headers": {"content-type": JSON_TYPE, "authorization": WRONG},
        "multiValueHeaders": {"authorization": [BEARER]},
    },
    "pairs": {"headers": [["content-type", JSON_TYPE], ["authorization", BEARER], ["authorization", WRONG]]},
    "empty": {"headers": {"content-type": JSON_TYPE, "authorization": ["", BEARER]}},
    "no_text": {"headers": {"content-type": JSON_TYPE, "authorization": [BEARER, 5]}},
    "nested": {"headers": {"content-type": JSON_TYPE, "authorization": [[BEARER]]}},
    "object": {"headers": {"content-type": JSON_TYPE, "authorization": {BEARER: BEARER}}},
    "joined": {"headers": {"content-type": JSON_TYPE, "authorization": f"{WRONG}, {BEARER}"}},
    "none": {"headers": {"content-type": JSON_TYPE, "authorization": []}},
}


@pytest.mark.parametrize("shape", LET_IN)
def test_headers_of_any_shape_let_a_caller_with_the_token_in(shape: str, cloud: Cloud, function: Function) -> None:
    request = {name: value for name, value in post(message(cloud)).items() if name != "headers"}

    done = function({**request, **LET_IN[shape]})

    assert done.answer is not None
    assert done.answer["statusCode"] == 200
    assert held(cloud) == []


@pytest.mark.parametrize("shape", TURNED_AWAY)
def test_two_authorization_headers_let_nobody_in(shape: str, cloud: Cloud, function: Function) -> None:
    request = {name: value for name, value in post(message(cloud)).items() if name != "headers"}

    done = function({**request, **TURNED_AWAY[shape]})

    assert done.answer is not None
    assert (done.answer["statusCode"], done.report) == (401, {"error": "unauthorized"})
    assert held(cloud) == ["raw/1.mp4"]
    assert TOKEN not in done.output


def test_two_authorization_headers_are_named_in_the_log(function: Function) -> None:
    done = function(post("{}", headers={"authorization": [WRONG, BEARER]}))

    assert done.lines("http.denied")[0]["reason"] == "several different values of the header Authorization"


def test_two_content_types_are_no_content_type(cloud: Cloud, function: Function) -> None:
    done = function(post(message(cloud), headers={"authorization": BEARER, "content-type": [JSON_TYPE, "text/plain"]}))

    assert done.answer is not None
    assert done.answer["statusCode"] == 415
    assert done.lines("http.denied")[0]["reason"] == "several different values of the header Content-Type"
    assert held(cloud) == ["raw/1.mp4"]


# What is stored of a rejected event

SECRET = "s3cr3t-value"
HIDDEN_SHAPES: dict[str, Any] = {
    "text": SECRET,
    "list": [SECRET],
    "object": {"value": SECRET},
    "deep": [{"values": [[SECRET]]}],
    "number": 918273645,
}


def texts_of(cloud: Cloud) -> str:
    """All that is stored in the report bucket, what is packed unpacked, as one text."""
    found = stored(cloud, PHOTOS, "reports/rejected/")
    assert found
    text = json.dumps(found, ensure_ascii=False)
    for document in found.values():
        raw = document["event"]
        if isinstance(raw, dict) and "clslogs" in raw:
            text += gzip.decompress(base64.b64decode(raw["clslogs"]["data"])).decode()
    return text


@pytest.mark.parametrize("shape", HIDDEN_SHAPES)
@pytest.mark.parametrize(
    "way", ["direct", "ckafka", "broken_text", "cmq", "cls", "cls_broken_text", "eventbridge", "http", "http_base64"]
)
def test_secret_of_any_shape_is_stored_hidden(way: str, shape: str, cloud: Cloud, function: Function) -> None:
    failed = {"bucket": "", "note": "kept", "Token": HIDDEN_SHAPES[shape]}
    text = json.dumps(failed)
    ways = {
        "direct": failed,
        "ckafka": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}}]},
        "broken_text": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text[:-1] + ",}"}}]},
        "cmq": {"Records": [{"CMQ": {"topicName": "t", "msgBody": BOM + text}}]},
        "cls": cls(json.dumps({"records": [{"content": text}]})),
        "cls_broken_text": cls(json.dumps({"records": [{"content": f"ERROR {text}"}]})),
        "eventbridge": {**ENVELOPE, "data": text},
        "http": post(text),
        "http_base64": post(base64.b64encode(text.encode()).decode(), isBase64Encoded="true"),
    }

    function(ways[way], REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "kept" in written
    assert SECRET not in written
    assert "918273645" not in written


def test_reason_that_quotes_a_secret_is_stored_without_it(cloud: Cloud, function: Function) -> None:
    function({"bucket": f"b-{TOKEN}", "key": TOKEN, "uploadId": "1"}, REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "is not among BUCKETS" in written
    assert TOKEN not in written


@pytest.mark.parametrize("shape", ["plain", "lists", "multi"])
def test_headers_of_a_rejected_http_event_are_not_stored(shape: str, cloud: Cloud, function: Function) -> None:
    headers: dict[str, str] = {"Content-Type": JSON_TYPE, "Authorization": BEARER, "X-Client": "h3ader", "Cookie": "c"}
    lists = {name: [value] for name, value in headers.items()}
    request = event("http_api_gateway") | {"isBase64Encoded": False, "body": '{"note": "kept"}'}
    request["headers"] = {"plain": headers, "lists": lists, "multi": None}[shape]
    request["multiValueHeaders"] = lists if shape == "multi" else {}
    request["headerParameters"] = {"X-Client": "h3ader"}
    request["requestContext"]["authorizer"] = {"principal": "h3ader"}

    done = function(request, REPORT=f"{PHOTOS}/reports")

    (document,) = stored(cloud, PHOTOS, "reports/rejected/").values()
    assert done.report["rejected"] == 1
    assert document["event"] == {"httpMethod": "POST", "body": '{"note": "kept"}', "isBase64Encoded": False}


def test_headers_in_a_rejected_cos_event_are_not_stored(cloud: Cloud, function: Function) -> None:
    raw = completed(
        eventTime="yesterday", requestParameters={"requestHeaders": {"X-Client": "h3ader"}, "other": "kept"}
    )

    function(raw, REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "h3ader" not in written
    assert "requestHeaders" not in written
    assert "kept" in written


@pytest.mark.parametrize("way", ["ckafka", "cls", "eventbridge"])
def test_stored_event_without_secrets_is_stored_as_it_came_and_can_be_sent_again(
    way: str, cloud: Cloud, function: Function
) -> None:
    text = json.dumps(message(cloud), indent=1)
    ways = {
        "ckafka": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}}]},
        "cls": cls(json.dumps({"records": [{"content": text}]})),
        "eventbridge": {**ENVELOPE, "data": text},
    }
    function(ways[way], REPORT=f"{PHOTOS}/reports", BUCKETS="logs-1250000000@ap-singapore")
    (document,) = stored(cloud, PHOTOS, "reports/rejected/").values()

    done = function(document["event"])

    assert way == "cls" or document["event"] == ways[way]
    assert done.report["aborted"] == 1
