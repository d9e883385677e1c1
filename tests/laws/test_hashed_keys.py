"""
Silence: with RECORD_KEYS=hash no key leaves, except where an event must be sent again.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import plan
from cos_sweeper.core.key_mask import KeyMask
from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import PHOTOS, Function, Invocation, named, timer
from tests.integration.chains import CHECKPOINT
from tests.integration.continuation import CONFLICT, completed
from tests.integration.objects import contents, stored
from tests.integration.platform import Platform, serving
from tests.laws.buckets import BUCKET, OTHER
from tests.laws.hostile_events import JSON, REPORTS, UPLOAD_ID
from tests.laws.receiver import NOTIFY, receiving
from tests.profiles import examples

SECRET = "an-example-secret-of-keys"
HASHED: dict[str, Any] = {"RECORD_KEYS": "hash", "RECORD_KEYS_SECRET": SECRET, "REPORT": f"{PHOTOS}/{REPORTS}"}
# Of a run in which nothing gets better.
SHORT = 1.5
# A beginning that stands in no word of ours.
segments = st.text("ab01 +%&<>'\"\\~é猫.-_", min_size=4, max_size=12).map(lambda text: f"Zq{text}k")
keys = st.lists(segments, min_size=1, max_size=3).map("/".join)


def story(cloud: Cloud, platform: Platform, found: list[str]) -> Iterator[Invocation]:
    """Runs in which every kind of line, reason and list comes up that can have a key in it."""
    first, second, third, fourth = found
    conflict, forbidden = {**CONFLICT, "key": first}, {"status": 403, "code": "AccessDenied", "key": second}

    def begin(*faults: dict[str, Any]) -> list[dict[str, str]]:
        cloud.heal()
        for fault in faults:
            cloud.fault("AbortMultipartUpload", **fault)
        return [named(OTHER, key, cloud.seed(OTHER, key)[0].upload_id) for key in found]

    begin()
    yield platform.run(timer(), DRY_RUN="true")
    begin(conflict, forbidden)
    yield platform.run(timer())
    for checkpoint in platform.checkpoints():
        yield platform.run(checkpoint, EXCLUDE_PREFIXES=json.dumps([first]))
        yield platform.run(checkpoint, BUCKETS=PHOTOS)
    uploads = begin(conflict, forbidden)
    yield platform.run({"uploads": uploads})
    yield platform.run({"uploads": [{**one, "key": f"/{one['key']}"} for one in uploads]})
    yield platform.run({"uploads": [{**one, "key": f"{one['key']}/.."} for one in uploads]})
    yield platform.run({"uploads": [*begin(), {"bucket": "", "key": third}]}, MAX_ABORTS="1")
    body = json.dumps({"uploads": begin(conflict, forbidden)})
    headers = {**JSON, "Authorization": f"Bearer {TOKEN}"}
    yield platform.run({"httpMethod": "POST", "headers": headers, "body": body})
    yield platform.run(timer(prefixes=[third, f"/{fourth}"]), PREFIXES="logs/")
    begin(conflict)
    platform.then = "InternalError"
    yield platform.run(timer(), seconds=SHORT)
    yield platform.run({"uploads": begin(conflict)}, seconds=SHORT)
    cloud.fault("ListMultipartUploads", status=503, code="ServiceUnavailable")
    yield platform.run(timer(prefixes=[third]), seconds=SHORT)
    yield platform.run(completed(quote(first)), seconds=SHORT)
    platform.then = ""
    yield platform.run(timer(), seconds=SHORT)
    platform.then = "InternalError"
    yield platform.run(going_on_after(platform.checkpoints()[-1], second), seconds=SHORT)
    with mock.patch.object(plan, "build_plan", side_effect=ValueError(f"the key {fourth}")):
        yield platform.run({"uploads": uploads})


def going_on_after(checkpoint: dict[str, Any], key: str) -> dict[str, Any]:
    """The checkpoint as it would be if the listings had come so far."""
    todo = checkpoint[CHECKPOINT]["todo"]
    after = [[*item[:4], key, UPLOAD_ID, *item[6:]] if item[0] == "scan" else item for item in todo]
    return {CHECKPOINT: {**checkpoint[CHECKPOINT], "todo": after}}


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, the names of fields and what is JSON in a text included."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value
        if value.startswith("{"):
            yield from texts(json.loads(value))


def leaving(cloud: Cloud, done: list[Invocation], messages: list[str]) -> str:
    """All that left, without intents and events to be sent again: lines, responses, errors, messages and objects."""
    objects = contents(cloud, PHOTOS, f"{REPORTS}/")
    found = {name: body for name, body in objects.items() if not ("/over-limit/" in name or ".intents-" in name)}
    kept = [value for name, body in found.items() for value in values_of(name, body)]
    lines = [line for one in done for line in one.log]
    values = [*lines, *(one.answer for one in done), *map(str, (one.error for one in done)), *objects, *kept]
    raw = "".join([*(one.output for one in done), *messages])
    return "\n".join([*(text for value in values for text in texts(value)), raw])


def values_of(name: str, body: bytes) -> list[Any]:
    """What stands in an object: JSON, lines of JSON, or a page."""
    if name.endswith(".gz"):
        return [json.loads(line) for line in gzip.decompress(body).splitlines()]
    if name.endswith(".html"):
        return [body.decode()]
    return [{part: value for part, value in json.loads(body).items() if part != "event"}]


def shown(found: list[str], text: str) -> set[str]:
    """The segments that stand in a text, in any form in which a program writes one."""
    forms = (str, quote, quote_plus, lambda one: json.dumps(one)[1:-1], lambda one: repr(one)[1:-1])
    parts = {part for key in found for part in key.split("/")}
    return {part for part in parts if any(form(part) in text for form in forms)}


@settings(max_examples=examples(8))
@given(found=st.lists(keys, min_size=4, max_size=4, unique_by=lambda key: key.split("/")[0]))
def test_no_key_leaves_where_keys_are_hashed(found: list[str], cloud: Cloud, function: Function) -> None:
    cloud.reset()
    with serving(function) as platform, receiving() as messages:
        function.settings = {**HASHED, **NOTIFY}

        text = leaving(cloud, list(story(cloud, platform, found)), messages)

    assert shown(found, text) == set()
    assert [key for key in found if KeyMask(SECRET).key(key) not in text] == []


def test_every_key_leaves_somewhere_in_the_same_runs_where_keys_are_plain(cloud: Cloud, function: Function) -> None:
    found = ["Zqone/Zqtwo", "Zqthree", "Zqfour/Zqfive/Zqsix", "Zqseven"]
    with serving(function) as platform, receiving() as messages:
        function.settings = {"REPORT": HASHED["REPORT"], **NOTIFY}
        done = list(story(cloud, platform, found))

    text = leaving(cloud, done, messages)
    assert messages

    assert shown(found, text) == {part for key in found for part in key.split("/")}
    events = {line["event"] for one in done for line in one.log}
    assert events >= {
        "upload.failed",
        "upload.processed",
        "upload.over_limit",
        "request.rejected",
        "event.key_adjusted",
        "continuation.narrowed",
        "continuation.failed",
        "run.crashed",
    }
    reports = [one.report for one in done if one.answer]
    assert {name for one in reports for name, value in one.items() if value and isinstance(value, list)} >= {
        "details",
        "dropped",
        "failures",
        "largest_prefixes",
        "rejections",
    }


def test_event_that_must_be_sent_again_is_stored_with_its_keys(cloud: Cloud, function: Function) -> None:
    function.settings = HASHED
    uploads = [named(BUCKET, f"raw/{number}", cloud.seed(BUCKET, f"raw/{number}")[0].upload_id) for number in range(3)]
    done = function({"uploads": [*uploads, {"bucket": "", "key": "raw/x"}]}, MAX_ABORTS="1")
    objects = stored(cloud, PHOTOS, f"{REPORTS}/")
    (over_limit,) = [each for name, each in objects.items() if "/over-limit/" in name]
    (rejected,) = [each for name, each in objects.items() if "/rejected/" in name]

    again = [function(over_limit), function(rejected["event"], DRY_RUN="true")]

    assert done.report["aborted"] == 1
    assert over_limit == {"uploads": uploads[1:]}
    assert [one.report["aborted"] for one in again] == [2, 0]
    assert "raw/x" in json.dumps(rejected["event"])


@pytest.mark.parametrize("names", [("raw/cat.mp4", "raw/dog.mp4"), ("raw/a/1", "raw/a/2")])
def test_prefixes_of_hashed_keys_stay_groups(names: tuple[str, str], cloud: Cloud, function: Function) -> None:
    for name in names:
        cloud.seed(BUCKET, name)

    done = function(timer(), **HASHED)

    (usage,) = done.report["largest_prefixes"]
    assert (usage["prefix"], usage["uploads"]) == (KeyMask(SECRET).prefix("raw/"), 2)


def test_digest_of_an_event_depends_on_the_secret(function: Function) -> None:
    lines = [
        function({"bucket": "", "key": "raw/x"}, **more).lines("request.rejected")[0]
        for more in ({}, HASHED, {**HASHED, "RECORD_KEYS_SECRET": SECRET[::-1]})
    ]

    assert len({line["event_digest"] for line in lines}) == 3
