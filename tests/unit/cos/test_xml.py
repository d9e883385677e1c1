"""
COS's answers in every form that was documented or seen.
"""

from datetime import datetime, timezone

import pytest

from cos_sweeper.core import key_readings
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Cursor, ListedUpload, Part, Upload
from cos_sweeper.cos import xml
from tests.fixtures import PHOTOS

UTC = timezone.utc


def listing(inner: str, truncated: str = "false", root: str = "ListMultipartUploadsResult") -> bytes:
    return f"<{root}><IsTruncated>{truncated}</IsTruncated>{inner}</ListMultipartUploadsResult>".encode()


def page(inner: str, **more: str) -> tuple[tuple[ListedUpload, ...], Cursor | None]:
    read = xml.uploads_page(listing(inner, **more), PHOTOS, Cursor())
    return read.listed, read.next


@pytest.mark.parametrize(
    ("text", "times", "is_of_part"),
    [
        ("2026-03-04T10:01:33.000Z", ["2026-03-04T10:01:33+00:00"], True),
        ("2026-03-04T10:01:33Z", ["2026-03-04T10:01:33+00:00"], True),
        ("2026-03-04T10:01:33.123456Z", ["2026-03-04T10:01:33.123456+00:00"], False),
        ("2026-03-04T10:01:33.123456789Z", ["2026-03-04T10:01:33.123456+00:00"], False),
        ("2026-03-04t10:01:33z", ["2026-03-04T10:01:33+00:00"], False),
        ("2026-03-04T10:01:33+08:00", ["2026-03-04T02:01:33+00:00"], False),
        ("2026-03-04T10:01:33.5-05:30", ["2026-03-04T15:31:33.500000+00:00"], False),
        ("Wed, 18 Jan 2017 08:04:17 GMT", ["2017-01-18T08:04:17+00:00"], False),
        ("Wed, 18 Jan 2017 16:04:17 +0800", ["2017-01-18T08:04:17+00:00"], False),
        ("Wed Jan 18 16:04:17 2017", ["2017-01-18T16:04:17+00:00", "2017-01-18T08:04:17+00:00"], False),
        ("Wed Jan  8 06:04:17 2017", ["2017-01-08T06:04:17+00:00", "2017-01-07T22:04:17+00:00"], False),
        ("2026-03-04 10:01:33", ["2026-03-04T10:01:33+00:00", "2026-03-04T02:01:33+00:00"], False),
        ("2026-03-04T10:01:33.25", ["2026-03-04T10:01:33.250000+00:00", "2026-03-04T02:01:33.250000+00:00"], False),
        ("Wed, 18 Jan 2017 08:04:17", [], False),
        ("Wed, 18 Jan 2017 08:04:17 PST", [], False),
        ("2026-13-04T10:01:33.000Z", [], False),
        ("2026-03-04T25:01:33.000Z", [], False),
        ("2026-03-04T10:01:33+8", [], False),
        ("2026-03-04T10:01:33+99:00", [], False),
        ("2026-03-04", [], False),
        ("1488600093", [], False),
        ("Wed Foo 18 16:04:17 2017", [], False),
        ("Wed Jan 18 16:04:17 17", [], False),
        ("Wed Jan 18 16:04:17 0017", [], False),
        ("Wed Jan 1８ 16:04:17 2017", [], False),
        ("2017-01-18T08:04:17+15:00", [], False),
        ("Wed, 18 Jan 2017 08:04:17 +1500", [], False),
        ("Wed, 18 Jan 2017 08:04:17 -0000", [], False),
        ("Wed, 18 Jan 2017 08:04:17 -0130", ["2017-01-18T09:34:17+00:00"], False),
        ("Wed, 18 Jan 17 08:04:17 GMT", [], False),
        ("18 Jan 2017 08:04:17 GMT", ["2017-01-18T08:04:17+00:00"], False),
        ("Jan 18 2017 08:04:17 GMT", [], False),
        ("1970-01-01T00:00:00.000Z", [], False),
        ("0001-01-01T00:00:00Z", [], False),
        ("2009-12-31T23:59:59.000Z", [], False),
        ("2010-01-01T00:00:00.000Z", ["2010-01-01T00:00:00+00:00"], True),
        ("2010-01-01T07:59:59", [], False),
        ("Thu, 01 Jan 1970 00:00:00 GMT", [], False),
        ("", [], False),
        ("Z", [], False),
        ("yesterday", [], False),
        ("Wed Jan 18 16:04:17 99999999999", [], False),
        ("9999-12-31T23:59:59-23:59", [], False),
    ],
)
def test_start_is_read_in_standard_forms_and_part_time_in_the_documented_one(
    text: str, times: list[str], *, is_of_part: bool
) -> None:
    assert [time.isoformat() for time in xml.start_times(text)] == times
    assert xml.part_time(text) == (datetime.fromisoformat(times[0]) if is_of_part else None)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Sun, 22 Nov 2026 12:00:00 GMT", "2026-11-22T12:00:00+00:00"),
        ("Sun, 22 Nov 2026 12:00:00", None),
        ("Sun, 22 Nov 2026 12:00:00 -0000", None),
        ("Sun, 22 Nov 2026 12:00:00 +0800", None),
        ("Sun, 22 Nov 2026 12:00:00 GMT, Sun, 22 Nov 2026 12:00:00 GMT", None),
        ("Sun, 32 Nov 2026 12:00:00 GMT", None),
        ("Sun, 22 Foo 2026 12:00:00 GMT", None),
        ("Sunday, 22-Nov-26 12:00:00 GMT", None),
        (" GMT", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_header_is_read_in_its_one_form(text: str, time: str | None) -> None:
    read = xml.http_date(text)

    assert (read.isoformat() if read else None) == time


@pytest.mark.parametrize(
    "rubbish", [b"\x01", b"\x00", b"\xff", b"\xef\xbf\xbf", b"&#1;", b"&#x0;", b"&#xD800;", b"&#99999999;"]
)
def test_character_that_xml_forbids_hides_nothing_that_is_needed(rubbish: bytes) -> None:
    body = listing("<Prefix>HERE</Prefix><Upload><Key>a</Key><UploadId>1</UploadId><Owner>HERE</Owner></Upload>")

    read = xml.uploads_page(body.replace(b"HERE", rubbish), PHOTOS, Cursor())

    assert [one.upload for one in read.listed] == [Upload(PHOTOS, "a", "1")]


def test_key_with_a_character_that_xml_forbids_cannot_be_sent_and_no_marker() -> None:
    keyed = listing("<Upload><Key>a&#1;b</Key><UploadId>1</UploadId></Upload>")
    markers = [("a&#1;", "1"), ("a", "1&#1;")]

    (listed,) = xml.uploads_page(keyed, PHOTOS, Cursor()).listed

    assert validate_key(listed.upload.key, "1") == "the key is not valid UTF-8"
    for key, upload_id in markers:
        marked = f"<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{upload_id}</NextUploadIdMarker>"
        with pytest.raises(xml.Unreadable):
            xml.uploads_page(listing(marked, "true"), PHOTOS, Cursor())


ENTRY = "<Upload><Key>a%2Bb</Key><UploadId>1</UploadId></Upload>"


@pytest.mark.parametrize(
    ("inner", "key"),
    [
        ("<Encoding-Type>url</Encoding-Type>" + ENTRY, "a+b"),
        ("<EncodingType>url</EncodingType>" + ENTRY, "a+b"),
        (ENTRY, "a%2Bb"),
    ],
    ids=["hyphen", "no_hyphen", "not_encoded"],
)
def test_key_is_decoded_where_the_response_announces_an_encoding(inner: str, key: str) -> None:
    listed, _ = page(inner)

    assert [one.upload for one in listed] == [Upload(PHOTOS, key, "1")]


@pytest.mark.parametrize("root", ["ListMultipartUploadsResult", 'ListMultipartUploadsResult xmlns="http://s3/doc"'])
@pytest.mark.parametrize("word", ["false", "FALSE", " False "])
def test_namespaces_and_capitals_make_no_difference(root: str, word: str) -> None:
    listed, following = page(ENTRY, truncated=word, root=root)

    assert (len(listed), following) == (1, None)


def test_page_continues_after_both_markers() -> None:
    markers = "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>7</NextUploadIdMarker>"

    assert page(ENTRY + markers, truncated="true")[1] == Cursor("k", "7")


def test_missing_id_marker_skips_no_upload_of_the_same_key() -> None:
    _, following = page(ENTRY + "<NextKeyMarker>a%2Bb</NextKeyMarker>", truncated="TRUE")

    assert following == Cursor("a%2Bb", "1")


@pytest.mark.parametrize(
    ("inner", "truncated"),
    [
        (ENTRY, "true"),
        (ENTRY, "perhaps"),
        (ENTRY, ""),
        ("<Bucket>other-1250000000</Bucket>", "false"),
    ],
    ids=["no_marker", "no_word", "nothing", "another_bucket"],
)
def test_listing_without_its_end_is_unreadable(inner: str, truncated: str) -> None:
    with pytest.raises(xml.Unreadable):
        page(inner, truncated=truncated)


def test_bytes_that_are_not_utf8_survive_as_a_marker() -> None:
    (listed,), _ = page("<EncodingType>url</EncodingType><Upload><Key>a%FF</Key><UploadId>1</UploadId></Upload>")

    assert listed.upload.key.encode("utf-8", "surrogateescape") == b"a\xff"


def test_upload_has_its_start_its_initiator_and_its_storage_class() -> None:
    inner = (
        "<Upload><Key>k</Key><UploadId>1</UploadId><Initiator><ID>qcs::cam::uin/1:uin/2</ID></Initiator>"
        "<Owner><ID>somebody else</ID></Owner><StorageClass>Standard</StorageClass>"
        "<Initiated>2026-03-04T10:01:33.000Z</Initiated></Upload>"
    )

    (listed,), _ = page(inner)

    assert listed == ListedUpload(
        Upload(PHOTOS, "k", "1"),
        datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC),
        "qcs::cam::uin/1:uin/2",
        storage_class="STANDARD",
    )


def parts(inner: str) -> bytes:
    return f"<ListPartsResult>{inner}</ListPartsResult>".encode()


PART = "<Part><PartNumber>1</PartNumber><LastModified>2026-03-04T10:01:33.000Z</LastModified><Size>5</Size></Part>"


def test_parts_are_read_with_where_they_go_on() -> None:
    body = parts(f"<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>{PART}")

    read = xml.parts_page(body, Upload(PHOTOS, "k", "1"), 0)

    assert (read.parts, read.next) == ((Part(datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC), 5, 1),), 1)


@pytest.mark.parametrize(
    "inner",
    [
        PART,
        "<IsTruncated>true</IsTruncated>" + PART,
        "<IsTruncated>true</IsTruncated><NextPartNumberMarker>3</NextPartNumberMarker>",
        "<IsTruncated>false</IsTruncated><Part><Size>-5</Size></Part>",
        "<IsTruncated>false</IsTruncated><Part><Size>five</Size></Part>",
        "<IsTruncated>false</IsTruncated><UploadId>another</UploadId>",
    ],
    ids=["no_end", "no_marker", "marker_stuck", "negative_size", "no_size", "another_upload"],
)
def test_parts_that_cannot_be_trusted_are_unreadable(inner: str) -> None:
    with pytest.raises(xml.Unreadable):
        xml.parts_page(parts(inner), Upload(PHOTOS, "k", "1"), 3)


def test_buckets_are_read_page_by_page() -> None:
    inner = "<Buckets><Bucket><Name>photos-1250000000</Name><Location>ap-guangzhou</Location></Bucket></Buckets>"
    whole = xml.buckets_page(f"<ListAllMyBucketsResult>{inner}</ListAllMyBucketsResult>".encode(), "")
    first = f"<ListAllMyBucketsResult><IsTruncated>true</IsTruncated>{inner}</ListAllMyBucketsResult>".encode()

    assert (whole.buckets, whole.next) == ((PHOTOS,), None)
    assert xml.buckets_page(first, "").next == PHOTOS.name
    with pytest.raises(xml.Unreadable):
        xml.buckets_page(first, PHOTOS.name)


ENTITY = '<!DOCTYPE a [<!ENTITY b "bomb">]><a>&b;</a>'


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<a>", b"<a><b></a>", b"<a>&b;</a>", b"\x01<a/>"], ids=repr)
def test_body_that_is_no_xml_is_unreadable_and_no_error_document(body: bytes) -> None:
    with pytest.raises(xml.Unreadable):
        xml.parse(body, "a")
    assert xml.error(body) == ("", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"])
def test_entity_is_rejected_in_every_encoding(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    bodies = [
        (declared + ENTITY).encode(encoding),
        declared.encode() + ENTITY.encode(encoding),
        ENTITY.encode(encoding),
    ]

    for body in bodies:
        with pytest.raises(xml.Unreadable):
            xml.parse(body, "a")


def test_key_with_a_character_that_xml_cannot_carry_is_addressable_under_none_of_its_readings() -> None:
    (listed,), _ = page("<Upload><Key>a%2520+\x01</Key><UploadId>1</UploadId></Upload>")

    assert len(key_readings.of(listed)) > 1
    assert all(validate_key(key, "1") for key in key_readings.of(listed))


def test_marker_that_can_be_read_is_used_after_a_key_that_cannot() -> None:
    (listed,), following = page(
        "<Encoding-Type>url</Encoding-Type><Upload><Key>a\x01</Key><UploadId>1</UploadId></Upload>"
        "<NextKeyMarker>a%01</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>",
        truncated="true",
    )

    assert listed.upload.key != "a\x01"
    assert following == Cursor("a\x01", "1")


def test_marker_with_a_character_that_xml_cannot_carry_is_unreadable() -> None:
    upload = "<Upload><Key>a\x01</Key><UploadId>1</UploadId></Upload>"

    with pytest.raises(xml.Unreadable, match="does not allow"):
        page(
            f"{upload}<NextKeyMarker>a\x01</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>", truncated="true"
        )


def objects(inner: str, truncated: str = "true") -> tuple[tuple[str, ...], str | None]:
    head = f"<IsTruncated>{truncated}</IsTruncated><EncodingType>url</EncodingType>"
    return xml.objects_page(f"<ListBucketResult>{head}{inner}</ListBucketResult>".encode(), "r/", "r/a")


def contents(*keys: str) -> str:
    return "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)


def test_listing_of_objects_goes_on_after_its_last_key_or_its_marker() -> None:
    assert objects(contents("r/b", "r%2Fc%FF")) == (("r/b", "r/c\udcff"), "r/c\udcff")
    assert objects("<NextMarker>r%2Fd</NextMarker>") == ((), "r/d")
    assert objects(contents("r/b"), truncated="false") == (("r/b",), None)


@pytest.mark.parametrize(
    "inner", [contents("r/a"), contents("r/Z"), contents("s/b"), "", "<NextMarker>r/</NextMarker>"]
)
def test_listing_of_objects_that_does_not_advance_or_leaves_its_prefix_is_unreadable(inner: str) -> None:
    with pytest.raises(xml.Unreadable):
        objects(inner)
