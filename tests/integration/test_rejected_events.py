"""
What an event asks for and does not get: logged, stored beside the reports, and good to be sent again.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function, event, named, timer
from tests.integration.events import batch
from tests.integration.objects import stored

BUCKET = PHOTOS.partition("@")[0]
REPORTS = {"REPORT": f"{PHOTOS}/reports"}


def kept(cloud: Cloud) -> list[dict[str, Any]]:
    """What is under `rejected/`."""
    documents = stored(cloud, PHOTOS, "reports/rejected/")
    return [{"digest": key.rpartition("/")[2], **document} for key, document in documents.items()]


def message(cloud: Cloud, bucket: str = PHOTOS) -> str:
    (upload,) = cloud.seed(bucket.partition("@")[0], "raw/1.mp4")
    return json.dumps(named(bucket, upload.key, upload.upload_id))


def test_rejected_event_is_logged_with_a_digest_and_stored_under_it(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS

    result = function(batch("no JSON", message(cloud)))

    assert result.report["aborted"] == 1
    (line,) = result.lines("request.rejected")
    (document,) = kept(cloud)
    assert document["digest"] == f"{line['event_digest']}.json"
    assert [each["reason"] for each in document["rejected"]] == [line["reason"]] == ["the message is not JSON"]
    assert document["rejected"][0]["origin"] == "record 1"


def test_rejected_event_can_be_sent_again_when_its_reason_is_gone(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS
    function(batch(message(cloud, LOGS)), BUCKETS=PHOTOS)
    (document,) = kept(cloud)

    result = function(document["event"], BUCKETS=f"{PHOTOS},{LOGS}")

    assert result.report["aborted"] == 1
    assert cloud.uploads(LOGS.partition("@")[0]) == []


def test_rejected_event_that_is_delivered_again_is_stored_once(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS

    function(batch("no JSON"))
    function(batch("no JSON"))
    function(batch("no JSON either"))

    assert len(kept(cloud)) == 2


def test_rejected_event_is_only_logged_where_no_reports_are_stored(cloud: Cloud, function: Function) -> None:
    result = function(batch("no JSON"))

    assert len(result.lines("request.rejected")[0]["event_digest"]) == 32
    assert cloud.objects(BUCKET) == []


def test_accepted_event_is_not_stored(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS

    function(batch(message(cloud)))
    function(timer())

    assert kept(cloud) == []


def test_rejected_event_that_cannot_be_stored_is_logged_and_stops_nothing(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS
    text = message(cloud)
    cloud.fault("PutObject", status=403, code="AccessDenied")

    result = function(batch("no JSON", text))

    assert result.report["aborted"] == 1
    assert result.lines("rejected_event.store_failed")[0]["code"] == "AccessDenied"


@pytest.mark.parametrize(("depth", "times_kept"), [(50, 1), (100_000, 0)])
def test_rejected_event_of_any_depth_has_its_reason(
    depth: int, times_kept: int, cloud: Cloud, function: Function
) -> None:
    function.settings |= REPORTS
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]

    result = function({"bucket": deep})

    assert result.lines("request.rejected")[0]["reason"] == "`bucket` is a list, not a string"
    assert len(kept(cloud)) == times_kept


def test_rejected_event_that_is_too_large_is_stored_as_its_reasons_and_size(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS

    function({"uploads": [0] * 9_000, "padding": "🐈" * 100_000})

    (document,) = kept(cloud)
    assert (document["reasons"], len(document["rejected"])) == (9_000, 1_000)
    assert document["event"].startswith("not stored: 1")


def test_rejected_event_is_stored_without_secrets(cloud: Cloud, function: Function) -> None:
    function.settings |= REPORTS
    request = event("http_function_url")
    request["headers"] = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}", "Cookie": "c00kie"}
    request["body"] = f'{{"bucket": "{TOKEN}", "note": "q-ak=AKID&q-signature=0123abcd"}}'
    of_cos = event("cos_completed")
    of_cos["Records"][0]["cos"]["cosObject"]["key"] = "elsewhere"
    of_cos["Records"][0]["event"]["requestParameters"] = {"requestHeaders": {"Authorization": "q-s1gn", "x": "y"}}

    function(request)
    function(of_cos)

    written = json.dumps(kept(cloud))
    assert written.count("rejected") >= 2
    assert [secret for secret in (TOKEN, "c00kie", "0123abcd", "q-s1gn") if secret in written] == []
