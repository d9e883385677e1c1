"""
Guards of the messages that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper.messages import kind_of
from cos_sweeper.model import AbortUpload, Refused, Superseded, SweepBuckets
from cos_sweeper.triggers import decode
from tests.function import event, timer

GOOD = {"bucket": "b-1250000000", "key": "k", "uploadId": "1"}


def only(raw: object) -> object:
    (ask,) = decode(raw).asks
    return ask


def reason(raw: object) -> str:
    ask = only(raw)
    assert isinstance(ask, Refused)
    return ask.reason


def completed(event_changes: dict[str, Any] | None = None, **cos: Any) -> dict[str, Any]:
    raw: dict[str, Any] = event("cos_completed")
    raw["Records"][0]["event"] |= event_changes or {}
    raw["Records"][0]["cos"] |= cos
    return raw


def test_ten_thousand_uploads_fit_in_one_event_and_one_more_does_not() -> None:
    assert len(decode({"uploads": [GOOD] * 10_000}).asks) == 10_000
    assert reason({"uploads": [GOOD] * 10_001}).startswith("more than 10000 uploads")


def test_what_is_wrong_with_one_upload_does_not_stop_the_next() -> None:
    asks = decode({"uploads": [5, {}, GOOD, GOOD | {"key": ""}, GOOD]}).asks

    assert [type(ask) for ask in asks] == [Refused, Refused, AbortUpload, Refused, AbortUpload]
    assert [ask.origin for ask in asks] == [f"event, upload {n}" for n in range(1, 6)]


@pytest.mark.parametrize("text", ["", " \n", None, 5, GOOD], ids=repr)
def test_a_queue_brings_texts_and_no_empty_ones(text: object) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is empty or not text"


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", '{"a":', "[" * 100_000, "\ufeff{}"], ids=["nan", "inf", "cut", "deep", "bom"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is not JSON"


@pytest.mark.parametrize("uploads", [[], {}, None, "x"], ids=repr)
def test_uploads_are_a_list_with_something_in_it(uploads: object) -> None:
    assert reason({"uploads": uploads}) == "`uploads` is not a list with something in it"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (GOOD | {"Bucket": "other"}, "`bucket` and `Bucket` disagree"),
        (GOOD | {"Key": 5}, "not a string"),
        (GOOD | {"key": ""}, "`key` is empty"),
        (GOOD | {"region": 5}, "`region` is a number"),
        (GOOD | {"region": "ap-x", "Region": "ap-y"}, "`region` and `Region` disagree"),
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

    assert isinstance(ask, AbortUpload)
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

    assert isinstance(ask, SweepBuckets)
    assert getattr(ask, field) == value


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("min_age_hours", [-0.5, 1_000_000.5, True, False, "5", None, [5]], "is not a number of hours"),
        ("max_aborts", [0, -1, True, 1.0, "5", None], "is not a whole number from 1 to 1000000000000"),
        ("dry_run", [0, 1, "true", None], "is neither true nor false"),
        ("buckets", [[], "b", [""], ["b", 5], ["b", ""], None, {"b": 1}], "is not a list of names"),
    ],
)
def test_a_timer_narrows_by_nothing_else(name: str, values: list[object], said: str) -> None:
    for value in values:
        assert reason(timer(**{name: value})).startswith(f"`{name}` {said}")


@pytest.mark.parametrize("message", [None, "", "  ", "{}", {}], ids=repr)
def test_a_timer_that_says_nothing_sweeps_as_the_settings_have_it(message: object) -> None:
    assert only(event("timer") | {"Message": message}) == SweepBuckets()


@pytest.mark.parametrize("message", [[], 0, False, "5", "[]", '"text"'], ids=repr)
def test_a_timer_that_says_something_else_is_refused(message: object) -> None:
    assert "not a JSON object" in reason(event("timer") | {"Message": message})


@pytest.mark.parametrize("seconds", [1, 1.5, 10**11 - 1])
def test_the_time_of_an_event_of_cos_is_in_unix_seconds(seconds: float) -> None:
    ask = only(completed({"eventTime": seconds}))

    assert isinstance(ask, Superseded)
    assert ask.completed_at == datetime.fromtimestamp(seconds, timezone.utc)


@pytest.mark.parametrize("seconds", [0, -1, 10**11, True, "1545205770", None], ids=repr)
def test_the_time_of_an_event_of_cos_is_in_nothing_else(seconds: object) -> None:
    assert "is not a Unix time" in reason(completed({"eventTime": seconds}))


@pytest.mark.parametrize("cos", [{"cosBucket": None}, {"cosObject": "x"}], ids=str)
def test_an_event_of_cos_without_its_bucket_or_object_is_refused(cos: dict[str, Any]) -> None:
    assert reason(completed(**cos)) == "the COS event has no `cosBucket` or no `cosObject`"


@pytest.mark.parametrize("of", [None, "text", [], {}], ids=repr)
def test_an_event_of_cos_without_a_name_is_refused(of: object) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["event"] = of

    assert "only cos:ObjectCreated:CompleteMultipartUpload" in reason(raw)


@pytest.mark.parametrize("name", ["photos", "photos-1250000000"])
def test_the_name_of_the_bucket_comes_with_its_appid_or_without(name: str) -> None:
    place = {"name": name, "appid": "1250000000", "region": "gz"}
    ask = only(completed(cosBucket=place, cosObject={"key": f"/1250000000/{name}/k"}))

    assert isinstance(ask, Superseded)
    assert (ask.bucket, ask.key) == ("photos-1250000000", "k")


@pytest.mark.parametrize("path", ["/1250000000/photos/", "/1250000000/other/k", "k", None, 5], ids=repr)
def test_a_completed_key_that_is_not_behind_its_bucket_is_refused(path: object) -> None:
    assert "does not begin with" in reason(completed(cosObject={"key": path, "url": "http://b.example/k"}))


@pytest.mark.parametrize("key", ["a%20b", "a+b"])
@pytest.mark.parametrize("url", [None, 5, "http://[", "http://b.example/other", "{as it is}"], ids=str)
def test_a_completed_key_that_nothing_proves_is_refused(key: str, url: object) -> None:
    told = f"http://b.example/{key}" if url == "{as it is}" else url

    assert "cannot be told" in reason(completed(cosObject={"key": f"/1250000000/photos/{key}", "url": told}))


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
    assert reason(json.loads("{}")).startswith("no `bucket`")


@pytest.mark.parametrize(("values", "is_read"), [(199_999, True), (200_000, False)])
def test_a_message_holds_fewer_than_two_hundred_thousand_values(values: int, *, is_read: bool) -> None:
    text = json.dumps(GOOD | {"rest": [0]})
    text = text.replace("[0]", "[0" + ",0" * (values - sum(map(text.count, ",[{"))) + "]")

    ask = only({"Records": [{"CMQ": {"msgBody": text}}]})

    assert isinstance(ask, AbortUpload if is_read else Refused)


@pytest.mark.parametrize("name", ["buckets", "prefixes"])
def test_the_names_of_a_narrowing_have_four_kilobytes_together(name: str) -> None:
    assert isinstance(only(timer(**{name: ["a" * 2048, "b" * 2048]})), SweepBuckets)
    assert "longer than the 4096 characters" in reason(timer(**{name: ["a" * 2048, "b" * 2049]}))


def test_a_limit_of_aborts_has_a_limit() -> None:
    assert only(timer(max_aborts=10**12)) == SweepBuckets(max_aborts=10**12)
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

    assert isinstance(only(completed(cosBucket=place, cosObject=key)), Superseded)
    others: list[object] = [None, [], {}, 0.5]
    for value in others:
        assert f"the COS event's `{name}` is " in reason(completed(cosBucket=place | {name: value}, cosObject=key))


def test_another_event_of_cos_is_named() -> None:
    assert "'cos:ObjectCreated:Put'" in reason(completed({"eventName": "cos:ObjectCreated:Put"}))


def test_of_two_spellings_the_one_that_is_wrong_is_named() -> None:
    said = reason({"bucket": "b-1250000000", "key": "k", "Key": 5, "uploadId": "1"})

    assert said == "`key` is a number, not a string"
