"""
Named uploads whose key can be read in several ways: each reading is looked up before the upload counts as gone.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import Function, event, named
from tests.integration.gone import BUCKET, UNCHECKED, keys_requested, left, outcomes, seeded


def over_http(message: dict[str, Any]) -> dict[str, Any]:
    return {**event("http_function_url"), "body": json.dumps(message)}


def directly(message: dict[str, Any]) -> dict[str, Any]:
    return message


TRIGGERS = pytest.mark.parametrize("sent", [directly, over_http], ids=["direct", "http"])
GIVEN = [
    ("raw/a%20b", "raw/a b"),
    ("raw/a+b", "raw/a b"),
    ("raw/a%2Bb", "raw/a+b"),
    ("raw/a%2Bb+c", "raw/a+b c"),
    ("raw%2Fa", "raw/a"),
    ("%2Fraw%2Fa", "raw/a"),
    ("/raw/a", "raw/a"),
    ("/raw/a%20b", "raw/a b"),
    ("raw/caf%C3%A9", "raw/café"),
    ("raw/100%25", "raw/100%"),
    ("raw//a", "raw//a"),
    ("raw/a b", "raw/a b"),
]


@TRIGGERS
@pytest.mark.parametrize("idle", ["0", "60"])
@pytest.mark.parametrize(("given", "key"), GIVEN)
def test_named_upload_is_aborted_under_the_key_that_its_name_means(
    given: str, key: str, idle: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, key)
    other = seeded(cloud, key)

    result = function(sent(named(BUCKET, given, upload.upload_id)), EVENT_MIN_IDLE_MINUTES=idle)

    assert outcomes(result) == {"status": "complete", "aborted": 1}
    assert result.report["details"][0]["key"] == key
    assert result.report["bytes_freed"] == 1
    assert left(cloud) == [other.upload_id]
    # Another key than the given one is aborted only where List Parts knows the upload.
    first = next(number for number, (_, name, _) in enumerate(keys_requested(cloud)) if name == key)
    assert keys_requested(cloud)[first] == ("ListParts", key, 200)


@TRIGGERS
@pytest.mark.parametrize("key", ["raw/a%20b", "raw/a+b", "raw/a%2Bb", "raw%2Fa", "100%"])
def test_named_key_is_taken_as_it_is_where_it_has_the_upload(
    key: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, key)
    others = [seeded(cloud, name) for name in ("raw/a b", "raw/a+b", "raw/a%20b", "raw/a")]

    result = function(sent(named(BUCKET, key, upload.upload_id)))

    assert outcomes(result) == {"status": "complete", "aborted": 1}
    assert sorted(left(cloud)) == sorted(one.upload_id for one in others)
    assert {name for _, name, _ in keys_requested(cloud)} == {key}


@TRIGGERS
@pytest.mark.parametrize("key", ["//raw/a", "///raw/a", "/", "//"])
def test_named_key_with_more_than_one_leading_slash_is_rejected(
    key: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, "raw/a")

    result = function(sent(named(BUCKET, key, upload.upload_id)))

    assert outcomes(result) == {"status": "rejected", "rejected": 1}
    assert keys_requested(cloud) == []
    assert left(cloud) == [upload.upload_id]


def test_leading_slash_that_is_dropped_is_reported(cloud: Cloud, function: Function) -> None:
    upload = seeded(cloud, "raw/a")

    result = function(named(BUCKET, "/raw/a", upload.upload_id))

    (line,) = result.lines("event.key_adjusted")
    assert "/raw/a" in line["reason"]


@pytest.mark.parametrize("idle", ["0", "60"])
def test_named_upload_that_no_meaning_of_its_key_has_is_already_gone(
    idle: str, cloud: Cloud, function: Function
) -> None:
    others = [seeded(cloud, name) for name in ("a b", "a+b", "a%20b")]

    result = function(named(BUCKET, "a%20b", "gone"), EVENT_MIN_IDLE_MINUTES=idle)

    assert outcomes(result) == {"status": "complete", "already_gone": 1}
    assert result.report["bytes_freed"] == 0
    assert sorted(left(cloud)) == sorted(one.upload_id for one in others)


EXCLUDING: dict[str, dict[str, str]] = {
    "excluded": {"EXCLUDE_PREFIXES": "a b/"},
    "outside": {"PREFIXES": "other/"},
}


@TRIGGERS
@pytest.mark.parametrize("settings", EXCLUDING.values(), ids=EXCLUDING)
@pytest.mark.parametrize("key", ["a b/x", "a+b/x", "a%20b/x"])
@pytest.mark.parametrize("given", ["a b/x", "a+b/x", "a%20b/x", "/a%20b/x", "a%20b%2Fx", "%2Fa+b%2Fx"])
def test_named_upload_is_kept_when_any_meaning_of_its_key_is_excluded(
    given: str, key: str, settings: dict[str, str], sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, key)

    function.settings |= settings

    result = function(sent(named(BUCKET, given, upload.upload_id)))

    assert outcomes(result) == {"status": "complete", "kept": 1}
    assert keys_requested(cloud) == []
    assert left(cloud) == [upload.upload_id]


@TRIGGERS
@pytest.mark.parametrize("idle", ["0", "60"])
@pytest.mark.parametrize(
    ("prefix", "given", "key"),
    [
        ("a b/", "a+b/x", "a+b/x"),
        ("a b/", "a%20b/x", "a%20b/x"),
        ("a+b/", "a%2Bb/x", "a%2Bb/x"),
        ("a/", "a%2Fx", "a%2Fx"),
    ],
)
def test_named_upload_is_kept_outside_the_prefixes_though_its_key_can_mean_one_inside(
    prefix: str, given: str, key: str, idle: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, key)
    function.settings |= {"PREFIXES": json.dumps([prefix]), "EVENT_MIN_IDLE_MINUTES": idle}

    # With a role that may do everything: nothing but the function itself keeps it.
    result = function(sent(named(BUCKET, given, upload.upload_id)), role=cloud.add_credentials(token="any"))

    assert left(cloud) == [upload.upload_id]
    assert outcomes(result) == {"status": "complete", "kept": 1}
    assert {name for _, name, _ in keys_requested(cloud) if not name.startswith(prefix)} == set()


@TRIGGERS
@pytest.mark.parametrize("given", ["a+b/x", "a%20b/x"])
def test_named_upload_is_not_surely_gone_when_its_key_can_mean_one_outside_the_prefixes(
    given: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, "a b/x")

    result = function(sent(named(BUCKET, given, upload.upload_id)), PREFIXES=json.dumps([given[:-1]]))

    assert outcomes(result) == {"status": "complete", UNCHECKED: 1}
    assert result.report["details"][0]["outcome"] == UNCHECKED
    assert {name for _, name, _ in keys_requested(cloud)} == {given}


@TRIGGERS
@pytest.mark.parametrize("given", ["a%FF", "a%2F..", "a%2F%2E"])
def test_named_upload_is_not_surely_gone_when_its_key_can_mean_one_that_is_not_addressable(
    given: str, sent: Callable[[Any], Any], function: Function
) -> None:
    result = function(sent(named(BUCKET, given, "gone")))

    assert outcomes(result) == {"status": "complete", UNCHECKED: 1}


@TRIGGERS
@pytest.mark.parametrize(("given", "key"), [("a+b/x", "a b/x"), ("a%20b/x", "a b/x"), ("a%2Fx", "a/x")])
def test_named_upload_is_aborted_when_the_meaning_of_its_key_is_inside_the_prefixes(
    given: str, key: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, key)
    prefix = key.partition("/")[0] + "/"

    result = function(sent(named(BUCKET, given, upload.upload_id)), PREFIXES=json.dumps([prefix]))

    assert outcomes(result) == {"status": "complete", "aborted": 1}
    assert left(cloud) == []


@TRIGGERS
@pytest.mark.parametrize("given", ["t%2F_temporary%2Fa", "%5F_magic/a", "/t/_temporary/a", "t/%5Ftemporary/a"])
def test_named_upload_is_kept_when_any_meaning_of_its_key_is_a_committers_path(
    given: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    uploads = [seeded(cloud, name) for name in ("t/_temporary/a", "__magic/a")]

    kept = [function(sent(named(BUCKET, given, one.upload_id))) for one in uploads]
    sent_while_kept = keys_requested(cloud)
    held = len(left(cloud))
    for one in uploads:
        function(sent(named(BUCKET, given, one.upload_id)), INCLUDE_COMMITTERS="true")

    assert [one.report["kept_by_reason"] for one in kept] == [{"under a committer's path": 1}] * 2
    assert sent_while_kept == []
    assert (held, len(left(cloud))) == (2, 1)


@TRIGGERS
@pytest.mark.parametrize("idle", ["0", "60"])
@pytest.mark.parametrize("fault", [{"status": 403, "code": "AccessDenied"}, {"status": 500, "code": "InternalError"}])
def test_named_upload_is_no_success_when_another_meaning_of_its_key_cannot_be_looked_up(
    fault: dict[str, Any], idle: str, sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, "a b/x")
    cloud.fault("ListParts", key="a b/x", **fault)

    result = function(sent(named(BUCKET, "a%20b/x", upload.upload_id)), EVENT_MIN_IDLE_MINUTES=idle)

    (line,) = result.lines("run.finished")
    assert (line["status"], line["failed"], line["already_gone"]) == ("failed", 1, 0)
    assert left(cloud) == [upload.upload_id]
    assert [one for one in keys_requested(cloud) if one[:2] == ("AbortMultipartUpload", "a b/x")] == []


@TRIGGERS
def test_live_upload_under_another_meaning_of_its_key_is_kept(
    sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, "a b", hours_since_last_part=0.5)

    result = function(sent(named(BUCKET, "a+b", upload.upload_id)), EVENT_MIN_IDLE_MINUTES="60")

    assert outcomes(result) == {"status": "complete", "kept": 1}
    assert left(cloud) == [upload.upload_id]


@TRIGGERS
def test_upload_without_parts_under_another_meaning_of_its_key_takes_its_start_from_the_listing(
    sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    old, new = seeded(cloud, "a b", parts=0), seeded(cloud, "a b", parts=0, hours_since_start=0.5)
    function.settings["EVENT_MIN_IDLE_MINUTES"] = "60"

    first = function(sent(named(BUCKET, "a+b", old.upload_id)))
    second = function(sent(named(BUCKET, "a+b", new.upload_id)))

    assert outcomes(first) == {"status": "complete", "aborted": 1}
    assert outcomes(second) == {"status": "complete", "kept": 1}


@TRIGGERS
def test_dry_run_names_the_upload_that_it_would_abort_under_the_key_that_has_it(
    sent: Callable[[Any], Any], cloud: Cloud, function: Function
) -> None:
    upload = seeded(cloud, "a b")

    result = function(sent(named(BUCKET, "/a%20b", upload.upload_id)), DRY_RUN="true")

    assert outcomes(result) == {"status": "complete", "would_abort": 1}
    assert result.report["dry_run"] is True
    assert (result.report["details"][0]["outcome"], result.report["details"][0]["key"]) == ("would_abort", "a b")
    assert left(cloud) == [upload.upload_id]


def test_uploads_of_keys_with_several_meanings_count_once_against_the_limit(cloud: Cloud, function: Function) -> None:
    uploads = [seeded(cloud, f"a b{number}") for number in range(3)]
    names = [named(BUCKET, f"a+b{number}", one.upload_id) for number, one in enumerate(uploads)]

    result = function({"uploads": names}, MAX_ABORTS="2")

    assert result.report["aborted"] == 2
    assert left(cloud) == [uploads[2].upload_id]
