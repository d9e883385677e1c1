"""
Guards of the messages that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper.core import plan
from cos_sweeper.core.json_text import kind_of
from cos_sweeper.core.model import (
    AbortRequest,
    Bucket,
    CompletedObject,
    Ignored,
    RejectedRequest,
    Request,
    SweepRequest,
)
from cos_sweeper.core.settings import ReportLocation, Settings
from cos_sweeper.scf.events import decode
from tests.function import event, timer

GOOD = {"bucket": "b-1250000000", "key": "k", "uploadId": "1"}
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def only(raw: object) -> object:
    (ask,) = decode(raw).requests
    return ask


def reason(raw: object) -> str:
    ask = only(raw)
    assert isinstance(ask, RejectedRequest)
    return ask.reason


def completed(event_changes: dict[str, Any] | None = None, **cos: Any) -> dict[str, Any]:
    raw: dict[str, Any] = event("cos_completed")
    raw["Records"][0]["event"] |= event_changes or {}
    raw["Records"][0]["cos"] |= cos
    return raw


def excess(requests: Sequence[Request]) -> list[str]:
    return [ask.reason for ask in requests if isinstance(ask, RejectedRequest) and "are beyond the limit" in ask.reason]


def batch(*sizes: int) -> dict[str, Any]:
    """A queue's batch of records with so many uploads each."""
    texts = [json.dumps({"uploads": [{}] * size} if size > 1 else {}) for size in sizes]
    return {"Records": [{"CMQ": {"msgBody": text}} for text in texts]}


def test_ten_thousand_uploads_fit_in_one_event_and_one_more_does_not() -> None:
    exactly, above = (decode({"uploads": [GOOD] * count}).requests for count in (10_000, 10_001))

    assert [type(ask) for ask in exactly] == [AbortRequest] * 10_000
    assert [type(ask) for ask in above] == [AbortRequest] * 10_000 + [RejectedRequest]
    assert above[-1] == RejectedRequest(
        "1 of 10001 uploads are beyond the limit of 10000 uploads in one event; send them in another event",
        origin="event, upload 10001 to 10001",
    )


@pytest.mark.parametrize(
    ("sizes", "read", "over"),
    [
        ((9_990, *[1] * 20), [9_980, *[1] * 20], ["10 of 9990 uploads"]),
        ((*[1] * 20, 9_990), [*[1] * 20, 9_980], ["10 of 9990 uploads"]),
        ((*[1] * 10, 9_980, *[1] * 10), [*[1] * 10, 9_980, *[1] * 10], []),
        ((9_000, 9_000), [9_000, 1_000], ["8000 of 9000 uploads"]),
        ((9_999, 5, 1), [9_998, 1, 1], ["1 of 9999 uploads", "4 of 5 uploads"]),
        ([1] * 10_050, [1] * 10_000, ["50 of 10050 records"]),
    ],
    ids=["large_first", "large_last", "just_fits", "two_large", "two_over", "records"],
)
def test_what_passes_the_limit_takes_no_other_records_place(
    sizes: Sequence[int], read: list[int], over: list[str]
) -> None:
    requests = decode(batch(*sizes)).requests

    by_record = Counter(ask.origin.split(",")[0] for ask in requests if "are beyond" not in getattr(ask, "reason", ""))
    assert list(by_record.values()) == read
    assert [reason.partition(" are beyond")[0] for reason in excess(requests)] == over


def test_thousands_of_records_that_pass_the_limit_are_reported_in_few_groups() -> None:
    requests = decode(batch(*[3] * 5_000)).requests

    groups = excess(requests)
    assert len(requests) == 10_000 + len(groups)
    assert len(groups) == 21
    assert groups[-1].startswith("another 4960 uploads in 2480 records are beyond")
    assert requests[-1].origin == "further records"


@pytest.mark.parametrize("carrier", ["cls", "eventbridge"])
def test_records_inside_one_event_share_its_limit(carrier: str) -> None:
    if carrier == "cls":
        contents = [record["CMQ"]["msgBody"] for record in batch(9_990, *[1] * 20)["Records"]]
        packed = gzip.compress(json.dumps({"records": [{"content": text} for text in contents]}).encode())
        raw: dict[str, Any] = {"clslogs": {"data": base64.b64encode(packed).decode()}}
        over = ["10 of 9990 uploads"]
    else:
        raw = {"specversion": "1.0", "data": {"Records": completed()["Records"] * 10_010}}
        over = ["10 of 10010 records"]

    requests = decode(raw).requests

    assert len(requests) == 10_001
    assert [reason.partition(" are beyond")[0] for reason in excess(requests)] == over


def test_records_that_are_ignored_or_empty_leave_their_place_to_others() -> None:
    put = completed({"eventName": "cos:ObjectCreated:Put"})["Records"] * 20

    decoded = decode({"Records": put + batch(10_000)["Records"]})

    assert (len(decoded.requests), len(decoded.ignored)) == (10_000, 20)


def test_what_is_wrong_with_one_upload_does_not_stop_the_next() -> None:
    requests = decode({"uploads": [5, {}, GOOD, GOOD | {"key": ""}, GOOD]}).requests

    assert [type(ask) for ask in requests] == [
        RejectedRequest,
        RejectedRequest,
        AbortRequest,
        RejectedRequest,
        AbortRequest,
    ]
    assert [ask.origin for ask in requests] == [f"event, upload {n}" for n in range(1, 6)]


@pytest.mark.parametrize("text", ["", " \n", None, 5, GOOD], ids=repr)
def test_a_queue_brings_texts_and_no_empty_ones(text: object) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is empty or not text"


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", '{"a":', "[" * 100_000, "\ufeff", "\ufeff\ufeff{}", "{}\ufeff"],
    ids=["nan", "inf", "cut", "deep", "bom_alone", "two_boms", "bom_behind"],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is not JSON"


@pytest.mark.parametrize("uploads", [[], {}, None, "x"], ids=repr)
def test_uploads_are_a_list_with_something_in_it(uploads: object) -> None:
    assert reason({"uploads": uploads}) == "`uploads` is not a list, or it is empty"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (GOOD | {"Bucket": "other"}, "`bucket` and `Bucket` have different values"),
        (GOOD | {"Key": 5}, "not a string"),
        (GOOD | {"key": ""}, "`key` is empty"),
        (GOOD | {"region": 5}, "`region` is a number"),
        (GOOD | {"region": "ap-x", "Region": "ap-y"}, "`region` and `Region` have different values"),
    ],
    ids=["bucket", "second_spelling", "empty", "region", "regions"],
)
def test_a_field_that_stands_twice_or_is_no_text_is_refused(message: dict[str, Any], said: str) -> None:
    assert said in reason(message)


@pytest.mark.parametrize(
    ("more", "region"),
    [({}, None), ({"region": ""}, None), ({"Region": "ap-x"}, "ap-x"), ({"region": "ap-x", "Region": "ap-x"}, "ap-x")],
    ids=["none", "empty", "other_spelling", "both"],
)
def test_the_region_may_be_missing_or_stand_in_either_spelling(more: dict[str, str], region: str | None) -> None:
    ask = only(GOOD | more)

    assert isinstance(ask, AbortRequest)
    assert ask.region == region


@pytest.mark.parametrize(
    ("narrowing", "field", "value"),
    [
        ({"min_age_hours": 0}, "min_age", timedelta(0)),
        ({"min_age_hours": 1_000_000}, "min_age", timedelta(hours=1_000_000)),
        ({"min_idle_hours": 0.5}, "min_idle", timedelta(minutes=30)),
        ({"max_aborts": 1}, "max_aborts", 1),
        ({"dry_run": True}, "dry_run", True),
        ({"buckets": ["b", "a", "b"]}, "buckets", ("b", "a")),
        ({"prefixes": ["b"]}, "prefixes", ("b",)),
    ],
    ids=str,
)
def test_a_timer_narrows_within_bounds(narrowing: dict[str, Any], field: str, value: object) -> None:
    ask = only(timer(**narrowing))

    assert isinstance(ask, SweepRequest)
    assert getattr(ask, field) == value


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("min_age_hours", [-0.5, 1_000_000.5, True, False, "5", None, [5]], "is not a number of hours"),
        ("max_aborts", [0, -1, True, 1.0, "5", None], "is not a whole number from 1 to 1000000000000"),
        ("dry_run", [0, 1, "true", None], "is neither true nor false"),
        ("buckets", [[], "b", [""], ["b", 5], ["b", ""], None, {"b": 1}], "is not a list of strings"),
    ],
)
def test_a_timer_narrows_by_nothing_else(name: str, values: list[object], said: str) -> None:
    for value in values:
        assert reason(timer(**{name: value})).startswith(f"`{name}` {said}")


@pytest.mark.parametrize("message", [None, "", "  ", "{}", {}], ids=repr)
def test_a_timer_that_says_nothing_sweeps_as_the_settings_have_it(message: object) -> None:
    assert only(event("timer") | {"Message": message}) == SweepRequest()


@pytest.mark.parametrize("message", [[], 0, False, "5", "[]", '"text"'], ids=repr)
def test_a_timer_that_says_something_else_is_refused(message: object) -> None:
    assert "not a JSON object" in reason(event("timer") | {"Message": message})


@pytest.mark.parametrize("seconds", [1, 1.5, 10**11 - 1])
def test_the_time_of_an_event_of_cos_is_in_unix_seconds(seconds: float) -> None:
    ask = only(completed({"eventTime": seconds}))

    assert isinstance(ask, CompletedObject)
    assert ask.completed_at == datetime.fromtimestamp(seconds, timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1545205770", "2018-12-19T07:49:30+00:00"),
        ("1545205770.5", "2018-12-19T07:49:30.500000+00:00"),
        ("2018-12-19T07:49:30Z", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19t07:49:30z", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19 07:49:30Z", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19T07:49:30.25Z", "2018-12-19T07:49:30.250000+00:00"),
        ("2018-12-19T07:49:30,25Z", "2018-12-19T07:49:30.250000+00:00"),
        ("2018-12-19T07:49:30.999999999Z", "2018-12-19T07:49:30.999999+00:00"),
        ("2018-12-19T15:49:30+08:00", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19T15:49:30+0800", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19T15:49:30+08", "2018-12-19T07:49:30+00:00"),
        ("2018-12-19T02:19:30.5-05:30", "2018-12-19T07:49:30.500000+00:00"),
    ],
)
def test_event_time_may_be_text(text: str, moment: str) -> None:
    ask = only(completed({"eventTime": text}))

    assert isinstance(ask, CompletedObject)
    assert ask.completed_at == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "seconds",
    [
        *(0, -1, 10**11, True, None, [], {}),
        *("", "0", "-1", "100000000000", "1545205770000", "1545205770.", "1e9", " 1545205770", "１５４５２０５７７０"),
        *("2018-12-19T07:49:30", "2018-12-19", "2018-13-19T07:49:30Z", "2018-12-19T25:49:30Z", "2018-12-19T07:49Z"),
        *("2018-12-19T07:49:30+24:00", "2018-12-19T07:49:30+8", "2018-12-19T07:49:30Z ", "1969-12-31T23:59:59Z"),
        *("Wed Dec 19 07:49:30 2018", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"),
    ],
    ids=repr,
)
def test_event_time_in_any_other_form_is_refused(seconds: object) -> None:
    assert "`eventTime` is not a Unix time" in reason(completed({"eventTime": seconds}))


@pytest.mark.parametrize("cos", [{"cosBucket": None}, {"cosObject": "x"}], ids=str)
def test_an_event_of_cos_without_its_bucket_or_object_is_refused(cos: dict[str, Any]) -> None:
    assert reason(completed(**cos)) == "the COS event has no `cosBucket` or no `cosObject`"


@pytest.mark.parametrize("of", [None, "text", [], {}], ids=repr)
def test_an_event_of_cos_without_a_name_is_refused(of: object) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["event"] = of

    assert reason(raw) == "the COS event's `eventName` is nothing, not the name of an event"


@pytest.mark.parametrize("name", ["photos", "photos-1250000000"])
def test_the_name_of_the_bucket_comes_with_its_appid_or_without(name: str) -> None:
    place = {"name": name, "appid": "1250000000", "region": "gz"}
    ask = only(completed(cosBucket=place, cosObject={"key": f"/1250000000/{name}/k"}))

    assert isinstance(ask, CompletedObject)
    assert (ask.bucket, ask.key) == ("photos-1250000000", "k")


@pytest.mark.parametrize(
    "path", ["/1250000000/photos/", "/1250000000/other/k", "/1250000000/other/" + "k" * 50, "k", None, 5], ids=repr
)
def test_a_completed_key_that_is_not_behind_its_bucket_is_refused(path: object) -> None:
    assert "does not begin with" in reason(completed(cosObject={"key": path, "url": "http://b.example/k"}))


@pytest.mark.parametrize("key", ["a%20b", "a+b"])
@pytest.mark.parametrize(
    "url", [None, 5, "http://[", "b.example/a%2Bb", "(http://b.example/a%2Bb", "{as it is}"], ids=str
)
def test_a_completed_key_that_nothing_proves_is_refused(key: str, url: object) -> None:
    given = f"http://b.example/{key}" if url == "{as it is}" else url
    requests = decode(completed(cosObject={"key": f"/1250000000/photos/{key}", "url": given})).requests

    made = plan.build_plan(requests, Settings((PHOTOS,)), (PHOTOS,), "run-1", NOW)

    assert (made.scans, [refused.origin for refused in made.rejected]) == ((), ["record 1"])
    assert "does not prove how its key is encoded" in made.rejected[0].reason


@pytest.mark.parametrize("key", ["a%20b", "a+b"])
def test_a_completed_key_that_its_url_contradicts_is_refused(key: str) -> None:
    thing = {"key": f"/1250000000/photos/{key}", "url": "http://b.example/other"}

    assert "cannot be read as the same key" in reason(completed(cosObject=thing))


def test_kinds_have_names() -> None:
    values = [True, "", [], {}, 5, 0.5, None]

    assert [kind_of(value) for value in values] == [
        "a boolean",
        "a string",
        "a list",
        "an object",
        "a number",
        "a number",
        "nothing",
    ]


def test_an_empty_event_is_refused_as_one() -> None:
    assert reason({"Records": []}) == "the event holds no message"
    assert reason(json.loads("{}")).startswith("`bucket` is missing")


@pytest.mark.parametrize(("values", "is_read"), [(199_999, True), (200_000, False)])
def test_a_message_holds_fewer_than_two_hundred_thousand_values(values: int, *, is_read: bool) -> None:
    text = json.dumps(GOOD | {"rest": [0]})
    text = text.replace("[0]", "[0" + ",0" * (values - sum(map(text.count, ",[{"))) + "]")

    ask = only({"Records": [{"CMQ": {"msgBody": text}}]})

    assert isinstance(ask, AbortRequest if is_read else RejectedRequest)


@pytest.mark.parametrize(
    "note",
    [",[{" * 100_000, '",' * 100_000, '\\",' * 100_000, '\\\\",[' * 100_000],
    ids=["commas", "quotes", "backslash", "two_backslashes"],
)
def test_separators_within_texts_are_no_values(note: str) -> None:
    fits = json.dumps(GOOD | {"note": note, "rest": [0] * 100})
    too_many = json.dumps(GOOD | {"note": note, "rest": [0] * 200_000})

    assert isinstance(only({"Records": [{"CMQ": {"msgBody": fits}}]}), AbortRequest)
    assert "more than 200000 values" in reason({"Records": [{"CMQ": {"msgBody": too_many}}]})


@pytest.mark.parametrize("name", ["buckets", "prefixes"])
def test_the_names_of_a_narrowing_have_four_kilobytes_together(name: str) -> None:
    assert isinstance(only(timer(**{name: ["a" * 2048, "b" * 2048]})), SweepRequest)
    assert "longer than 4096 characters" in reason(timer(**{name: ["a" * 2048, "b" * 2049]}))


def test_a_limit_of_aborts_has_a_limit() -> None:
    assert only(timer(max_aborts=10**12)) == SweepRequest(max_aborts=10**12)
    assert "`max_aborts`" in reason(timer(max_aborts=10**12 + 1))


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"uploads": [{"key": "k", "key": "l"}]}'], ids=["same", "inside"]
)
def test_what_says_something_twice_is_refused(text: str) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is not JSON"


@pytest.mark.parametrize("name", ["name", "appid"])
def test_a_bucket_of_an_event_of_cos_has_a_name_and_an_appid_that_are_texts_or_numbers(name: str) -> None:
    place = {"name": "photos", "appid": 1250000000}
    key = {"key": "/1250000000/photos/k"}

    assert isinstance(only(completed(cosBucket=place, cosObject=key)), CompletedObject)
    others: list[object] = [None, [], {}, 0.5]
    for value in others:
        assert f"the COS event's `{name}` is " in reason(completed(cosBucket=place | {name: value}, cosObject=key))


def test_another_event_of_cos_is_ignored_and_named() -> None:
    decoded = decode(completed({"eventName": "cos:ObjectCreated:Put"}))

    said = "the COS event is 'cos:ObjectCreated:Put', not cos:ObjectCreated:CompleteMultipartUpload"
    assert (decoded.requests, decoded.ignored) == ((), (Ignored(said, "record 1"),))


@pytest.mark.parametrize("name", ["s3:TestEvent", "cos:TestEvent"])
def test_test_event_is_ignored(name: str) -> None:
    decoded = decode({"Service": "Amazon S3", "Event": name, "Bucket": "b-1250000000"})

    assert (decoded.requests, decoded.ignored) == ((), (Ignored("a test event", "event"),))


@pytest.mark.parametrize("name", ["TestEvent", "s3:TestEvents", ":TestEvent", "s3 :TestEvent", 5, None], ids=repr)
def test_what_only_looks_like_a_test_event_is_refused(name: object) -> None:
    assert reason({"Event": name, "Bucket": "b-1250000000"}).startswith("`key` is missing")


@pytest.mark.parametrize("name", ["uploadId", "UploadID", "upload_id"])
def test_test_event_that_names_an_upload_is_no_test_event(name: str) -> None:
    raw = {"Event": "s3:TestEvent", "bucket": "b-1250000000", "key": "k", name: "1"}

    assert only(raw) == AbortRequest("b-1250000000", "k", "1")


REPORTS = ReportLocation(Bucket("photos-1250000000", "ap-guangzhou"), "reports/")


@pytest.mark.parametrize(
    ("key", "is_ours"),
    [("reports/1.json", True), ("reports/", True), ("reports", False), ("reports2/1", False), ("raw/reports/1", False)],
)
def test_completed_object_among_our_own_reports_is_ignored(key: str, *, is_ours: bool) -> None:
    raw = completed(cosObject={"key": f"/1250000000/photos/{key}"})

    decoded = decode(raw, REPORTS)

    assert (len(decoded.requests), len(decoded.ignored)) == ((0, 1) if is_ours else (1, 0))


@pytest.mark.parametrize("bucket", ["logs-1250000000", "photos-1250000001"])
def test_completed_object_under_the_same_prefix_of_another_bucket_is_not_ignored(bucket: str) -> None:
    name, _, appid = bucket.rpartition("-")
    raw = completed(cosBucket={"name": name, "appid": appid}, cosObject={"key": f"/{appid}/{name}/reports/1"})

    assert isinstance(decode(raw, REPORTS).requests[0], CompletedObject)


def test_completed_object_is_ignored_only_when_every_reading_of_its_key_is_among_our_own_reports() -> None:
    ours = completed(cosObject={"key": "/1250000000/photos/reports/a%20b"})
    perhaps = completed(cosObject={"key": "/1250000000/photos/reports%2Fa"})

    assert decode(ours, REPORTS).requests == ()
    assert [len(ask.other_keys) for ask in decode(perhaps, REPORTS).requests if isinstance(ask, CompletedObject)] == [1]


def test_completed_object_among_our_own_reports_is_ignored_even_with_a_broken_time() -> None:
    raw = completed({"eventTime": "today"}, cosObject={"key": "/1250000000/photos/reports/1"})

    assert decode(raw, REPORTS).requests == ()


def test_record_that_is_ignored_stops_no_other_and_an_empty_batch_stays_refused() -> None:
    put = completed({"eventName": "cos:ObjectCreated:Put"})["Records"]

    decoded = decode({"Records": put + completed()["Records"] + put + [{}]})

    assert [type(ask) for ask in decoded.requests] == [CompletedObject, RejectedRequest]
    assert [ignored.origin for ignored in decoded.ignored] == ["record 1", "record 3"]
    assert [type(ask) for ask in decode({"Records": []}).requests] == [RejectedRequest]


def test_of_two_spellings_the_one_that_is_wrong_is_named() -> None:
    said = reason({"bucket": "b-1250000000", "key": "k", "Key": 5, "uploadId": "1"})

    assert said == "`Key` is a number, not a string"


@pytest.mark.parametrize(
    "named",
    [
        {"Bucket": "b-1250000000", "Key": "k", "UploadID": "1"},
        {"Bucket": "b-1250000000", "Key": "k", "UploadId": "1"},
        {"bucketName": "b-1250000000", "key": "k", "uploadID": "1"},
        {"bucket_name": "b-1250000000", "KEY": "k", "upload_id": "1"},
        {"BUCKET-NAME": "b-1250000000", "key": "k", "upload-id": "1"},
        {"bucket": "b-1250000000", "key": "k", "uploadid": "1"},
        GOOD | {"Bucket": "b-1250000000", "bucketName": "b-1250000000", "Key": "k", "UploadId": "1", "UPLOAD_ID": "1"},
    ],
    ids=lambda named: ",".join(named),
)
def test_upload_may_be_named_in_the_spelling_of_any_sdk(named: dict[str, str]) -> None:
    assert only(named) == AbortRequest("b-1250000000", "k", "1")


@pytest.mark.parametrize(
    "name", ["uploadsId", "uploadIdentifier", "u" + "_" * 9 + "ploadId", "uploadİd", "ＵploadId", "id"]
)
def test_other_names_are_no_spelling_of_an_upload_id(name: str) -> None:
    assert reason({"bucket": "b-1250000000", "key": "k", name: "1"}).startswith("`uploadId` is missing")


def test_name_with_a_letter_that_only_looks_like_another_is_no_spelling() -> None:
    assert reason({"bucket": "b-1250000000", "\N{KELVIN SIGN}ey": "k", "uploadId": "1"}).startswith("`key` is missing")


def test_name_of_sixteen_characters_may_be_a_spelling() -> None:
    named = {"bucket": "b-1250000000", "key": "k", "u" + "_" * 8 + "ploadId": "1"}

    assert only(named) == AbortRequest("b-1250000000", "k", "1")


@pytest.mark.parametrize("name", ["regionName", "region_name", "REGION"])
def test_region_may_be_named_in_the_spelling_of_any_sdk(name: str) -> None:
    assert only(GOOD | {name: "ap-x"}) == AbortRequest("b-1250000000", "k", "1", "ap-x")
