"""
COS's event of a completed object: its time, its bucket, and the keys that it can mean.
"""

from datetime import datetime, timezone
from typing import Any

import pytest

from cos_sweeper.core import plan
from cos_sweeper.core.model import (
    Bucket,
    CompletedObject,
    Ignored,
    RejectedRequest,
)
from cos_sweeper.core.settings import ReportLocation, Settings
from cos_sweeper.scf.events import decode
from tests.fixtures import NOW, PHOTOS
from tests.function import event
from tests.unit.scf.decoding import completed, only, reason


def test_completed_object_has_its_key_without_appid_and_bucket() -> None:
    (request,) = decode(event("cos_completed")).requests

    assert request == CompletedObject(
        "photos-1250000000", "raw/2026/猫.mp4", datetime(2018, 12, 19, 7, 49, 30, tzinfo=timezone.utc), "record 1"
    )


@pytest.mark.parametrize(
    ("key", "url", "keys"),
    [
        ("100%25.mp4", "http://b.example/100%2525.mp4", ("100%25.mp4",)),
        ("100%25.mp4", "http://b.example/100%25.mp4", ("100%25.mp4", "100%.mp4")),
        ("100%25.mp4", None, ("100%25.mp4", "100%.mp4")),
        ("100%.mp4", "http://b.example/100%25.mp4", ("100%.mp4",)),
        ("100%.mp4", "http://b.example/100%.mp4", ("100%.mp4",)),
        ("a%20b", "http://b.example/a%20b", ("a%20b", "a b")),
        ("a%20b", "http://b.example/a b", ("a b",)),
        ("a%20b", "http://b.example/a+b", ("a b",)),
        ("a+b", "http://b.example/a%2Bb", ("a+b",)),
        ("a+b", "http://b.example/a%20b", ("a b",)),
        ("a+b", "http://b.example/a+b", ("a+b", "a b")),
        ("a+b", "http://[", ("a+b", "a b")),
        ("a+b", None, ("a+b", "a b")),
        ("a b+c", "http://b.example/a b+c", ("a b+c",)),
        ("猫+c", "http://b.example/猫+c", ("猫+c", "猫 c")),
        ("猫%20c", "http://b.example/猫%20c", ("猫%20c", "猫 c")),
        ("猫%20c", "http://b.example/猫 c", ("猫 c",)),
        ("a b%20c", None, ("a b%20c",)),
        ("a\t%20c", None, ("a\t%20c",)),
        ("a\x7f%20c", None, ("a\x7f%20c",)),
        ("%E7%8C%AB", "http://b.example/%E7%8C%AB", ("%E7%8C%AB", "猫")),
        ("%e7%8c%ab", "http://b.example/%E7%8C%AB", ("猫",)),
        ("%E7%8C%AB", "http://b.example/猫", ("猫",)),
        ("a%2Bb", "http://b.example/a+b?versionId=1", ("a+b",)),
        ("a%2g%20b", None, ("a%2g%20b",)),
        ("plain", None, ("plain",)),
        ("plain", "http://b.example/other", ("plain",)),
    ],
)
def test_completed_key_is_read_as_every_key_that_its_url_leaves_possible(
    key: str, url: str | None, keys: tuple[str, ...]
) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["cos"]["cosObject"] |= {"key": f"/1250000000/photos/{key}", "url": url}

    (request,) = decode(raw).requests

    assert isinstance(request, CompletedObject)
    assert (request.key, *request.other_keys) == keys


@pytest.mark.parametrize(
    ("key", "url", "keys"),
    [
        ("raw%2F%E7%8C%AB.mp4", None, ("raw/猫.mp4",)),
        ("raw%2fa%20b", None, ("raw/a b",)),
        ("raw%2Fa+b", None, ("raw/a+b", "raw/a b")),
        ("raw%2Fa+b", "http://b.example/raw/a%20b", ("raw/a b",)),
    ],
)
def test_completed_key_whose_slashes_are_encoded_is_encoded(key: str, url: str | None, keys: tuple[str, ...]) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["cos"]["cosObject"] |= {"key": f"%2F1250000000%2fphotos%2F{key}", "url": url}

    (request,) = decode(raw).requests

    assert isinstance(request, CompletedObject)
    assert (request.key, *request.other_keys) == keys


@pytest.mark.parametrize("seconds", [1, 1.5, 10**11 - 1])
def test_event_time_is_in_unix_seconds(seconds: float) -> None:
    request = only(completed({"eventTime": seconds}))

    assert isinstance(request, CompletedObject)
    assert request.completed_at == datetime.fromtimestamp(seconds, timezone.utc)


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
    request = only(completed({"eventTime": text}))

    assert isinstance(request, CompletedObject)
    assert request.completed_at == datetime.fromisoformat(moment)


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
def test_event_time_in_any_other_form_is_rejected(seconds: object) -> None:
    assert "`eventTime` is not a Unix time" in reason(completed({"eventTime": seconds}))


@pytest.mark.parametrize("cos", [{"cosBucket": None}, {"cosObject": "x"}], ids=str)
def test_cos_event_without_its_bucket_or_object_is_rejected(cos: dict[str, Any]) -> None:
    assert reason(completed(**cos)) == "the COS event has no `cosBucket` or no `cosObject`"


@pytest.mark.parametrize("of", [None, "text", [], {}], ids=repr)
def test_cos_event_without_a_name_is_rejected(of: object) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["event"] = of

    assert reason(raw) == "the COS event's `eventName` is nothing, not the name of an event"


@pytest.mark.parametrize("name", ["photos", "photos-1250000000"])
def test_bucket_name_of_a_cos_event_may_carry_its_appid(name: str) -> None:
    bucket = {"name": name, "appid": "1250000000", "region": "gz"}
    request = only(completed(cosBucket=bucket, cosObject={"key": f"/1250000000/{name}/k"}))

    assert isinstance(request, CompletedObject)
    assert (request.bucket, request.key) == ("photos-1250000000", "k")


@pytest.mark.parametrize(
    "path", ["/1250000000/photos/", "/1250000000/other/k", "/1250000000/other/" + "k" * 50, "k", None, 5], ids=repr
)
def test_completed_key_that_does_not_follow_its_bucket_is_rejected(path: object) -> None:
    assert "does not begin with" in reason(completed(cosObject={"key": path, "url": "http://b.example/k"}))


@pytest.mark.parametrize("key", ["a%20b", "a+b"])
@pytest.mark.parametrize(
    "url", [None, 5, "http://[", "b.example/a%2Bb", "(http://b.example/a%2Bb", "{as it is}"], ids=str
)
def test_completed_key_that_nothing_proves_is_rejected(key: str, url: object) -> None:
    given = f"http://b.example/{key}" if url == "{as it is}" else url
    requests = decode(completed(cosObject={"key": f"/1250000000/photos/{key}", "url": given})).requests

    built = plan.build_plan(requests, Settings((PHOTOS,)), (PHOTOS,), "run-1", NOW)

    assert (built.listings, [refused.origin for refused in built.rejected]) == ((), ["record 1"])
    assert "does not prove how its key is encoded" in built.rejected[0].reason


@pytest.mark.parametrize("key", ["a%20b", "a+b"])
def test_completed_key_that_its_url_contradicts_is_rejected(key: str) -> None:
    cos_object = {"key": f"/1250000000/photos/{key}", "url": "http://b.example/other"}

    assert "cannot be read as the same key" in reason(completed(cosObject=cos_object))


@pytest.mark.parametrize("name", ["name", "appid"])
def test_bucket_of_a_cos_event_has_a_name_and_an_appid_that_are_texts_or_numbers(name: str) -> None:
    bucket = {"name": "photos", "appid": 1250000000}
    key = {"key": "/1250000000/photos/k"}

    assert isinstance(only(completed(cosBucket=bucket, cosObject=key)), CompletedObject)
    others: list[object] = [None, [], {}, 0.5]
    for value in others:
        assert f"the COS event's `{name}` is " in reason(completed(cosBucket=bucket | {name: value}, cosObject=key))


def test_cos_event_of_another_kind_is_ignored_and_named() -> None:
    decoded = decode(completed({"eventName": "cos:ObjectCreated:Put"}))

    why = "the COS event is 'cos:ObjectCreated:Put', not cos:ObjectCreated:CompleteMultipartUpload"
    assert (decoded.requests, decoded.ignored) == ((), (Ignored(why, "record 1"),))


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
    assert [
        len(request.other_keys) for request in decode(perhaps, REPORTS).requests if isinstance(request, CompletedObject)
    ] == [1]


def test_completed_object_among_our_own_reports_is_ignored_even_with_a_broken_time() -> None:
    raw = completed({"eventTime": "today"}, cosObject={"key": "/1250000000/photos/reports/1"})

    assert decode(raw, REPORTS).requests == ()


def test_ignored_record_stops_no_other_and_an_empty_batch_stays_rejected() -> None:
    put = completed({"eventName": "cos:ObjectCreated:Put"})["Records"]

    decoded = decode({"Records": put + completed()["Records"] + put + [{}]})

    assert [type(request) for request in decoded.requests] == [CompletedObject, RejectedRequest]
    assert [ignored.origin for ignored in decoded.ignored] == ["record 1", "record 3"]
    assert [type(request) for request in decode({"Records": []}).requests] == [RejectedRequest]
