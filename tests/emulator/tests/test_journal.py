"""
What the journal and the arrivals tell of requests and parts: what a simulation compares with what the function says.
"""

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from tests.emulator.client import Cloud, Seeded
from tests.emulator.signed import Response, send

BUCKET = "photos-1250000000"


def abort(cloud: Cloud, upload: Seeded) -> Response:
    return send(cloud, "DELETE", BUCKET, upload.key, {"uploadId": upload.upload_id})


def test_journal_records_what_an_abort_dropped(cloud: Cloud) -> None:
    upload, other = cloud.seed(BUCKET, count=2, parts=2, part_size=5)
    cloud.fault("AbortMultipartUpload", key=other.key, ignore=True)

    statuses = [abort(cloud, each).status for each in (upload, other, upload)]

    assert statuses == [204, 204, 404]
    assert [each.dropped_bytes for each in cloud.requests()] == [10, None, None]


def test_journal_records_what_an_abort_dropped_whose_response_was_lost(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, parts=2, part_size=5)
    cloud.fault("AbortMultipartUpload", reset="after", count=1)

    with pytest.raises(ConnectionError):
        abort(cloud, upload)

    (request,) = cloud.requests()
    assert (request.status, request.dropped_bytes, request.date) == (None, 10, "")


def test_journal_records_when_a_request_arrived_and_which_date_it_got(cloud: Cloud) -> None:
    cloud.fault(delay_ms=20, date_offset_seconds=-3600)

    send(cloud, "GET", BUCKET, params={"uploads": ""})

    (request,) = cloud.requests()
    assert request.time - request.arrived >= timedelta(milliseconds=20)
    assert abs(request.time - parsedate_to_datetime(request.date) - timedelta(hours=1)) < timedelta(minutes=1)
    assert abs(request.arrived - datetime.now(timezone.utc)) < timedelta(minutes=1)


def test_journal_keeps_the_texts_of_listings_only_when_asked(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "raw/cat.mov")
    send(cloud, "GET", BUCKET, params={"uploads": ""})
    cloud.keep_bodies()

    send(cloud, "GET", BUCKET, params={"uploads": ""})

    before, after = cloud.requests()
    assert before.body == ""
    assert "<Key>raw/cat.mov</Key>" in after.body


def test_arrivals_name_parts_that_were_replaced_and_those_of_uploads_that_are_gone(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, parts=1, part_size=5)
    cloud.upload_part(BUCKET, upload.key, upload.upload_id, 7, size=6)
    cloud.upload_part(BUCKET, upload.key, upload.upload_id, 7, size=8)

    held = [(each.number, each.size) for each in cloud.arrivals(BUCKET)]
    cloud.abort(BUCKET, upload.key, upload.upload_id)
    gone = [(each.number, each.size) for each in cloud.arrivals(BUCKET)]

    assert sorted(held) == [(1, 5), (7, 6), (7, 8)]
    assert gone == [(7, 6), (7, 8)]
