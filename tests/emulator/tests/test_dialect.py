"""
The ways in which the emulator can write what COS writes.
"""

import re
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from tests.emulator.client import Cloud, ControlError
from tests.emulator.dialect import GARBAGE, JUNK, read_dialect, time_writer
from tests.emulator.signed import send

BUCKET = "photos-1250000000"
WHEN = datetime(2026, 3, 4, 11, 0, 0, 123456, timezone.utc)


def uploads_document(cloud: Cloud, **params: str) -> str:
    named = {name.replace("_", "-"): value for name, value in params.items()}
    return send(cloud, "GET", BUCKET, params={"uploads": "", "encoding-type": "url", **named}).text


def parts_document(cloud: Cloud, key: str, upload_id: str) -> str:
    return send(cloud, "GET", BUCKET, key, {"uploadId": upload_id, "encoding-type": "url"}).text


def texts(document: str, name: str) -> list[str]:
    return re.findall(f"<{name}>(.*?)</{name}>", document, re.DOTALL)


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("yesterday", "yesterday", id="words"),
        pytest.param({"format": "%Y-%m-%dT%H:%M:%SZ"}, "2026-03-04T11:00:00Z", id="no fraction"),
        pytest.param({"format": "%Y-%m-%dT%H:%M:%S.%fZ"}, "2026-03-04T11:00:00.123Z", id="three digits"),
        pytest.param(
            {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 6}, "2026-03-04T11:00:00.123456Z", id="six digits"
        ),
        pytest.param(
            {"format": "%H:%M:%S.%f", "fraction_digits": 9}, "11:00:00.123456000", id="nine digits without zone"
        ),
        pytest.param(
            {"format": "%Y-%m-%dT%H:%M:%S%:z", "zone_hours": 8}, "2026-03-04T19:00:00+08:00", id="offset of a zone"
        ),
        pytest.param(
            {"format": "%Y-%m-%dT%H:%M:%S%z", "zone_hours": -5.5}, "2026-03-04T05:30:00-0530", id="offset without colon"
        ),
        pytest.param({"format": "%d/%b/%Y <%H>", "zone_hours": 8}, "04/Mar/2026 &#60;19&#62;", id="no ISO form"),
    ],
)
def test_time_is_written_in_the_chosen_form(form: object, shown: str) -> None:
    written = read_dialect({"initiated": form}).initiated

    assert time_writer(written)(WHEN) == shown


def test_time_forms_are_those_of_uploads_and_of_parts(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, hours_since_start=30, hours_since_last_part=1)
    [held] = cloud.uploads(BUCKET)
    assert held.last_part is not None

    cloud.dialect(initiated={"format": "%d.%m.%Y %H", "zone_hours": 8}, last_modified={"format": "%H:%M:%S.%f"})

    eastern = held.initiated.astimezone(timezone(timedelta(hours=8)))
    assert texts(uploads_document(cloud), "Initiated") == [f"{eastern:%d.%m.%Y %H}"]
    parts = parts_document(cloud, upload.key, upload.upload_id)
    assert texts(parts, "LastModified") == [f"{held.last_part:%H:%M:%S.%f}"[:-3]]


def test_times_of_objects_follow_the_form_of_last_modified(cloud: Cloud) -> None:
    send(cloud, "PUT", BUCKET, "a", credentials=cloud.owner)

    cloud.dialect(last_modified="yesterday")

    assert texts(send(cloud, "GET", BUCKET, credentials=cloud.owner).text, "LastModified") == ["yesterday"]


@pytest.mark.parametrize(
    ("encoding", "shown", "announced"),
    [
        pytest.param("once", "a%20%2B%25%26", ["url"], id="once"),
        pytest.param("once_unannounced", "a%20%2B%25%26", [], id="once, unannounced"),
        pytest.param("plain", "a +%&#38;", [], id="not at all"),
        pytest.param("plain_announced", "a +%&#38;", ["url"], id="not at all, but announced"),
        pytest.param("twice", "a%2520%252B%2525%2526", ["url"], id="twice"),
        pytest.param("plus", "a+%2B%25%26", ["url"], id="plus for a space"),
    ],
)
def test_keys_and_markers_are_encoded_as_chosen(cloud: Cloud, encoding: str, shown: str, announced: list[str]) -> None:
    [first, _] = cloud.seed(BUCKET, "a +%&", count=2)

    cloud.dialect(encoding=encoding)

    page = uploads_document(cloud, max_uploads="1", prefix="a +%&")
    assert texts(page, "Key") == texts(page, "NextKeyMarker") == texts(page, "Prefix") == [shown]
    assert texts(page, "Encoding-Type") == announced
    assert "<Encoding-Type/>" not in page
    parts = parts_document(cloud, first.key, first.upload_id)
    assert texts(parts, "Key") == [shown]
    assert texts(parts, "Encoding-type") == announced


def test_next_markers_can_be_encoded_in_their_own_way(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "a b", upload_id="1 2")
    cloud.seed(BUCKET, "a b", upload_id="1 3")

    def markers() -> list[str]:
        page = uploads_document(cloud, max_uploads="1")
        return texts(page, "Key") + texts(page, "NextKeyMarker") + texts(page, "NextUploadIdMarker")

    as_cos_does = markers()
    cloud.dialect(encoding="plus", next_key_marker="plain", next_upload_id_marker="same")
    differently = markers()
    cloud.dialect()

    assert as_cos_does == markers() == ["a%20b", "a%20b", "1 2"]
    assert differently == ["a+b", "a b", "1+2"]


def test_encoding_applies_to_requests_with_encoding_type(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "a b")

    cloud.dialect(encoding="twice")

    assert texts(send(cloud, "GET", BUCKET, params={"uploads": ""}).text, "Key") == ["a b"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_there_and_everything_that_is_needed_stays(cloud: Cloud, garbage: str) -> None:
    upload = cloud.seed(BUCKET, count=2, parts=2)[0]
    plain = uploads_document(cloud, max_uploads="1"), parts_document(cloud, upload.key, upload.upload_id)

    cloud.dialect(garbage=[garbage])

    spoilt = uploads_document(cloud, max_uploads="1"), parts_document(cloud, upload.key, upload.upload_id)
    assert plain[0] != spoilt[0]
    assert plain[1] != spoilt[1]
    for name in ("Bucket", "Key", "UploadId", "Initiated", "IsTruncated", "NextKeyMarker", "NextUploadIdMarker"):
        assert set(texts(plain[0], name)) <= set(texts(spoilt[0], name))
    for name in ("Bucket", "Key", "UploadId", "LastModified", "Size", "ETag", "IsTruncated"):
        assert set(texts(plain[1], name)) <= set(texts(spoilt[1], name))


@pytest.mark.parametrize("garbage", JUNK)
def test_echoed_texts_can_hold_what_no_parser_takes(cloud: Cloud, garbage: str) -> None:
    cloud.seed(BUCKET)

    cloud.dialect(garbage=[garbage])

    page = uploads_document(cloud, prefix="u", key_marker="a")
    assert texts(page, "Prefix") == ["u" + JUNK[garbage]]
    assert texts(page, "KeyMarker") == ["a" + JUNK[garbage]]
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(page.encode("utf-8", "surrogateescape"))


def test_garbage_of_other_kinds_is_well_formed(cloud: Cloud) -> None:
    cloud.seed(BUCKET)

    cloud.dialect(garbage=[each for each in GARBAGE if each not in JUNK])

    root = ElementTree.fromstring(uploads_document(cloud))
    assert root.tag.startswith("{http")
    assert "MaxUploads" not in {each.tag.rpartition("}")[2] for each in root}


def test_sizes_of_pages_can_be_words(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)

    cloud.dialect(garbage=["max_uploads"])

    assert texts(uploads_document(cloud), "MaxUploads") == ["abc"]
    assert texts(parts_document(cloud, upload.key, upload.upload_id), "MaxParts") == ["abc"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"encoding": "thrice"}, "must be one of once", id="unknown encoding"),
        pytest.param({"garbage": ["dirt"]}, "'garbage' has dirt", id="unknown garbage"),
        pytest.param({"initiated": 5}, "must be a JSON object", id="a time form that is none"),
        pytest.param({"initiated": {}}, "'format' is missing", id="a time form without a format"),
        pytest.param({"last_modified": {"format": "%Y", "zone": 1}}, "unknown 'zone'", id="misspelt"),
    ],
)
def test_dialect_that_is_not_understood_is_rejected_and_changes_nothing(
    cloud: Cloud, fields: dict[str, object], problem: str
) -> None:
    cloud.seed(BUCKET)
    before = uploads_document(cloud)

    with pytest.raises(ControlError, match=problem):
        cloud.dialect(**fields)

    assert uploads_document(cloud) == before


def test_reset_brings_back_the_form_of_cos(cloud: Cloud) -> None:
    cloud.dialect(initiated="yesterday", encoding="twice", garbage=["bare"])

    cloud.reset()

    cloud.seed(BUCKET, "a b", hours_since_start=0)
    page = uploads_document(cloud)
    [shown] = texts(page, "Initiated")
    assert datetime.fromisoformat(shown.removesuffix("Z") + "+00:00") <= datetime.now(timezone.utc)
    assert texts(page, "Key") == ["a%20b"]
    assert texts(page, "MaxUploads") == ["1000"]
