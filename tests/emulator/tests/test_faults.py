from collections import Counter
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from tests.emulator.client import Cloud, ControlError, Credentials, Seeded
from tests.emulator.errors import CosError
from tests.emulator.faults import ArrivingPart, Fault, Faults, Mangle, Raw, Redirect, Refuse, Reset, read_fault
from tests.emulator.fields import BadInput
from tests.emulator.signed import Response, send

BUCKET = "photos-1250000000"


def strikes(
    faults: Faults, count: int, operation: str = "ListParts", bucket: str = BUCKET, key: str = "a/b"
) -> list[bool]:
    return [faults.strike(operation, bucket, key) is not None for _ in range(count)]


def armed(*added: Fault) -> Faults:
    faults = Faults()
    for fault in added:
        faults.add(fault)
    return faults


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        pytest.param(Fault(), True, id="anything"),
        pytest.param(Fault("ListParts"), True, id="operation"),
        pytest.param(Fault("PutObject"), False, id="another operation"),
        pytest.param(Fault(bucket=BUCKET), True, id="bucket"),
        pytest.param(Fault(bucket="logs-1250000000"), False, id="another bucket"),
        pytest.param(Fault(key="a/b"), True, id="key"),
        pytest.param(Fault(key="a/"), False, id="another key"),
        pytest.param(Fault(key_prefix="a/"), True, id="prefix"),
        pytest.param(Fault(key_prefix="b/"), False, id="another prefix"),
        pytest.param(Fault(key_pattern="(?!b).*b"), True, id="pattern"),
        pytest.param(Fault(key_pattern="a"), False, id="pattern of a part of the key"),
        pytest.param(Fault(probability=0), False, id="never"),
    ],
)
def test_fault_strikes_what_it_is_about(fault: Fault, *, struck: bool) -> None:
    assert strikes(armed(fault), 2) == [struck, struck]


def test_fault_skips_some_requests_and_then_strikes_its_count() -> None:
    assert strikes(armed(Fault(skip=2, count=3)), 7) == [False, False, True, True, True, False, False]


def test_requests_that_a_fault_is_not_about_use_nothing_up() -> None:
    faults = armed(Fault("ListParts", skip=1, count=1))

    assert strikes(faults, 5, "PutObject") == [False] * 5
    assert strikes(faults, 3) == [False, True, False]


def test_oldest_fault_strikes_first_and_leaves_the_rest_to_the_next() -> None:
    once, ever = Fault(count=1, delay_ms=1), Fault(delay_ms=2)
    faults = armed(once, ever)

    assert [faults.strike("ListParts", BUCKET, "a") for _ in range(3)] == [once, ever, ever]


def test_chance_can_be_repeated() -> None:
    faults = armed(Fault(probability=0.5))

    faults.seed(7)
    first = strikes(faults, 50)
    faults.seed(7)

    assert strikes(faults, 50) == first
    assert 10 < Counter(first)[True] < 40


def test_effect_happens_each_time_the_fault_strikes_and_only_then() -> None:
    struck: list[str] = []
    faults = armed(Fault("ListParts", skip=1, count=2, blow="expire"))
    faults.apply_effect = struck.append

    strikes(faults, 2, "PutObject")
    strikes(faults, 5)

    assert struck == ["expire"] * 2


def test_cleared_faults_strike_no_more() -> None:
    faults = armed(Fault())

    faults.clear()

    assert strikes(faults, 1) == [False]


@pytest.mark.parametrize(
    ("given", "effect"),
    [
        pytest.param({"reset": "before"}, Reset(after=False), id="reset before"),
        pytest.param({"reset": "after"}, Reset(after=True), id="reset after"),
        pytest.param({"body": "drip", "drip_ms": 5}, Mangle("drip", 5), id="drip"),
        pytest.param({"raw": "x", "headers": {"a": "b"}}, Raw("x", 200, (("a", "b"),)), id="raw"),
        pytest.param({"raw": "", "status": 204}, Raw("", 204), id="raw and empty, with a status"),
        pytest.param({"redirect": "http://x/"}, Redirect("http://x/", 307), id="redirect"),
        pytest.param({"redirect": "http://x/", "status": 301}, Redirect("http://x/", 301), id="redirect for good"),
        pytest.param({"delay_ms": 5}, None, id="delay only"),
        pytest.param({"blow": "kill"}, None, id="blow only"),
        pytest.param({"body": "silent"}, Mangle("silent"), id="silent"),
    ],
)
def test_effects_are_read(given: dict[str, object], effect: object) -> None:
    assert read_fault(given).effect == effect


def test_error_is_read_and_may_be_spoilt_too() -> None:
    plain = read_fault({"status": 503, "code": "SlowDown", "message": "later"}).effect
    spoilt = read_fault({"status": 404, "code": "NoSuchUpload", "body": "empty"}).effect

    assert isinstance(plain, Refuse)
    assert (plain.error.status, plain.error.code, plain.error.message) == (503, "SlowDown", "later")
    assert isinstance(spoilt, Mangle)
    assert isinstance(spoilt.error, CosError)
    assert (spoilt.how, spoilt.error.code) == ("empty", "NoSuchUpload")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({}, "needs an effect", id="nothing"),
        pytest.param([], "must be a JSON object", id="no object"),
        pytest.param({"operation": "Abort", "delay_ms": 1}, "'operation' must be one of", id="unknown operation"),
        pytest.param({"delay_ms": 1, "propability": 1}, "unknown 'propability'", id="misspelt"),
        pytest.param({"delay_ms": 1, "probability": 2}, "from 0 to 1", id="probability above 1"),
        pytest.param({"delay_ms": 1, "count": 0}, "1 or above", id="count of none"),
        pytest.param({"delay_ms": "1"}, "whole number", id="text for a number"),
        pytest.param({"code": "SlowDown"}, "needs a 'status'", id="code without status"),
        pytest.param({"reset": "now"}, "before, after", id="unknown reset"),
        pytest.param({"delay_ms": 1, "key_pattern": "("}, "regular expression", id="pattern that is none"),
        pytest.param({"blow": "stun"}, "expire, kill", id="unknown blow"),
        pytest.param({"body": "empty", "raw": "x"}, "has one of", id="two effects"),
        pytest.param({"raw": "x", "headers": []}, "'headers' must be", id="headers that are none"),
        pytest.param({"raw": "x", "headers": {"a": 1}}, "'headers' must be", id="a header that is no text"),
        pytest.param({"status": 200}, "needs an effect", id="a status that is no error"),
        pytest.param({"ignore": "yes"}, "true or false", id="ignore that is no flag"),
        pytest.param({"ignore": True, "status": 500}, "carried out", id="ignored and refused"),
        pytest.param({"ignore": True, "reset": "before", "raw": "x"}, "has one of", id="ignored and two effects"),
        pytest.param({"part": {}}, "'when' is missing", id="part without its moment"),
        pytest.param({"part": {"when": "during"}}, "before, after", id="unknown moment"),
        pytest.param({"part": {"when": "after", "number": 10_001}}, "10000", id="part number too high"),
        pytest.param({"part": {"when": "after", "key": "a"}}, "belong together", id="key without upload id"),
        pytest.param(
            {"operation": "ListMultipartUploads", "part": {"when": "after"}}, "are needed", id="part of no upload"
        ),
        pytest.param({"date": "today"}, "missing, unreadable", id="unknown date"),
        pytest.param({"date": "missing", "date_offset_seconds": 1}, "has one of", id="two dates"),
        pytest.param({"date_offset_seconds": 0}, "needs an effect", id="offset of nothing"),
    ],
)
def test_fault_that_is_not_understood_is_rejected_with_the_reason(given: object, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        read_fault(given)


def delete(cloud: Cloud, upload: Seeded, credentials: Credentials, timeout_seconds: float = 20) -> int:
    """Abort an upload; returns the status."""
    params = {"uploadId": upload.upload_id}
    return send(
        cloud, "DELETE", BUCKET, upload.key, params, credentials=credentials, timeout_seconds=timeout_seconds
    ).status


def list_parts(cloud: Cloud, upload: Seeded) -> Response:
    return send(cloud, "GET", BUCKET, upload.key, {"uploadId": upload.upload_id})


def test_credentials_that_expire_are_rejected_until_a_reset(cloud: Cloud) -> None:
    first, second = cloud.seed(BUCKET, count=2)
    cloud.fault("AbortMultipartUpload", key=second.key, blow="expire", count=1)

    seen = [delete(cloud, upload, cloud.role) for upload in (first, second, second)]
    by_the_owner = delete(cloud, second, cloud.owner)
    cloud.reset()

    assert seen == [204, 400, 400]
    assert by_the_owner == 204
    assert delete(cloud, second, cloud.role) == 404


def test_silent_response_never_comes_whether_or_not_it_was_done(cloud: Cloud) -> None:
    result, rejected = cloud.seed(BUCKET, count=2)
    cloud.fault("AbortMultipartUpload", key=result.key, body="silent")
    cloud.fault("AbortMultipartUpload", key=rejected.key, body="silent", status=500)

    for upload in (result, rejected):
        with pytest.raises(TimeoutError):
            delete(cloud, upload, cloud.role, timeout_seconds=0.2)

    assert [upload.key for upload in cloud.uploads(BUCKET)] == [rejected.key]


def test_xml_of_another_kind_is_sent_after_the_effect(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("AbortMultipartUpload", body="foreign")

    assert delete(cloud, upload, cloud.role) == 200
    assert cloud.uploads(BUCKET) == []


def test_kill_is_an_error_without_a_function(cloud: Cloud) -> None:
    with pytest.raises(ControlError, match="no instance to kill"):
        cloud.fault("ListParts", blow="kill")


def test_credentials_can_all_be_listed(cloud: Cloud) -> None:
    added = cloud.add_credentials(token="a-token")

    assert {cloud.owner.secret_id, cloud.role.secret_id, added.secret_id} <= {
        one.secret_id for one in cloud.credentials()
    }
    assert added in cloud.credentials()


def test_ignored_abort_is_answered_204_and_changes_nothing(cloud: Cloud) -> None:
    kept, aborted = cloud.seed(BUCKET, count=2)
    cloud.fault("AbortMultipartUpload", key=kept.key, ignore=True, skip=0, count=2)

    statuses = [delete(cloud, kept, cloud.role), delete(cloud, aborted, cloud.role), delete(cloud, kept, cloud.role)]

    assert statuses == [204, 204, 204]
    assert [each.upload_id for each in cloud.uploads(BUCKET)] == [kept.upload_id]
    assert [each.fault for each in cloud.requests()] == ["ignore", "", "ignore"]
    assert delete(cloud, kept, cloud.role) == 204
    assert cloud.uploads(BUCKET) == []


def test_ignored_request_still_answers_its_errors(cloud: Cloud) -> None:
    cloud.fault("AbortMultipartUpload", ignore=True)

    assert delete(cloud, Seeded("a", "no-upload"), cloud.role) == 404


@pytest.mark.parametrize(
    ("method", "key", "params"),
    [
        pytest.param("PUT", "a", {}, id="Put Object"),
        pytest.param("DELETE", "held", {}, id="Delete Object"),
        pytest.param("POST", "a", {"uploads": ""}, id="Initiate Multipart Upload"),
        pytest.param("DELETE", "", {"lifecycle": ""}, id="Delete Bucket Lifecycle"),
    ],
)
def test_ignored_write_of_any_kind_changes_nothing(cloud: Cloud, method: str, key: str, params: dict[str, str]) -> None:
    send(cloud, "PUT", BUCKET, "held", credentials=cloud.owner)
    before = cloud.objects(BUCKET)
    cloud.fault(ignore=True)

    response = send(cloud, method, BUCKET, key, params, credentials=cloud.owner)

    assert response.status in (200, 204)
    assert (cloud.objects(BUCKET), cloud.uploads(BUCKET)) == (before, [])


def test_ignored_delete_of_a_bucket_leaves_it(cloud: Cloud) -> None:
    cloud.fault("DeleteBucket", ignore=True)

    assert send(cloud, "DELETE", BUCKET, credentials=cloud.owner).status == 204
    assert BUCKET in cloud.totals()["buckets"]


def test_part_that_arrives_before_is_listed_and_one_that_arrives_after_is_not(cloud: Cloud) -> None:
    before, after = cloud.seed(BUCKET, count=2, parts=1, hours_since_start=100)
    cloud.fault("ListParts", key=before.key, part={"when": "before", "number": 7, "size": 5})
    cloud.fault("ListParts", key=after.key, part={"when": "after", "size": 5}, count=1)

    listed = [list_parts(cloud, upload).text.count("<Part>") for upload in (before, after, after)]

    assert listed == [2, 1, 2]
    assert [(each.parts, each.bytes) for each in cloud.uploads(BUCKET)] == [(2, (1 << 20) + 5)] * 2
    for upload in cloud.uploads(BUCKET):
        assert upload.last_part is not None
        assert upload.last_part - upload.initiated > timedelta(hours=99)


def test_part_arrives_before_the_delay_and_meets_an_ignored_abort(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("AbortMultipartUpload", part={"when": "before"}, delay_ms=5_000, ignore=True)

    with pytest.raises(TimeoutError):
        delete(cloud, upload, cloud.role, timeout_seconds=0.3)

    assert [each.parts for each in cloud.uploads(BUCKET)] == [2]


def test_part_that_arrives_after_an_abort_is_lost(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("AbortMultipartUpload", part={"when": "after"})

    assert delete(cloud, upload, cloud.role) == 204
    assert cloud.uploads(BUCKET) == []


def test_part_arrives_at_another_upload_while_uploads_are_listed(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    part = {"when": "after", "key": upload.key, "upload_id": upload.upload_id}
    cloud.fault("ListMultipartUploads", status=503, code="SlowDown", part=part)

    assert send(cloud, "GET", BUCKET, params={"uploads": ""}).status == 503
    assert [each.parts for each in cloud.uploads(BUCKET)] == [2]


def test_number_of_an_arriving_part_is_the_next_free_one_unless_given() -> None:
    assert read_fault({"part": {"when": "after"}}).part == ArrivingPart(after=True, number=None)
    assert read_fault({"part": {"when": "before", "number": 3, "size": 0}}).part == ArrivingPart(
        after=False, number=3, size=0
    )


@pytest.mark.parametrize("more", [{}, {"status": 500}, {"body": "drip", "drip_ms": 1}])
def test_response_without_date_has_none_whatever_else_it_is(cloud: Cloud, more: dict[str, object]) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", date="missing", count=1, **more)

    without, then = list_parts(cloud, upload), list_parts(cloud, upload)

    assert without.status == more.get("status", 200)
    assert "date" not in without.headers
    assert "date" in then.headers


def test_date_of_a_response_is_shifted_by_so_many_seconds(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", date_offset_seconds=-3600)

    response = list_parts(cloud, upload)

    behind = datetime.now(timezone.utc) - parsedate_to_datetime(response.headers["date"])
    assert response.status == 200
    assert timedelta(hours=1) <= behind < timedelta(hours=1, minutes=1)


def test_unreadable_date_is_no_time(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", date="unreadable")

    assert list_parts(cloud, upload).headers["date"] == "yesterday"
