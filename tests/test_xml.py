"""
COS's answers in every form that was documented or seen.
"""

from datetime import datetime, timezone

import pytest

from cos_sweeper import xml
from cos_sweeper.model import Bucket, Cursor, Listed, Part, Upload

BUCKET = Bucket("photos-1250000000", "ap-guangzhou")
UTC = timezone.utc


def listing(inner: str, truncated: str = "false", root: str = "ListMultipartUploadsResult") -> bytes:
    return f"<{root}><IsTruncated>{truncated}</IsTruncated>{inner}</ListMultipartUploadsResult>".encode()


def page(inner: str, **more: str) -> tuple[tuple[Listed, ...], Cursor | None]:
    read = xml.uploads_page(listing(inner, **more), BUCKET, Cursor())
    return read.listed, read.next


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-04T10:01:33.000Z", datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC)),
        ("2026-03-04T10:01:33Z", datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC)),
        ("Wed Jan 18 16:04:17 2017", datetime(2017, 1, 18, 8, 4, 17, tzinfo=UTC)),
        ("Wed Jan  8 06:04:17 2017", datetime(2017, 1, 7, 22, 4, 17, tzinfo=UTC)),
        ("2026-03-04 10:01:33", None),
        ("2026-03-04T10:01:33+08:00", None),
        ("Wed Foo 18 16:04:17 2017", None),
        ("", None),
        ("Z", None),
        ("Wed Jan 18 16:04:17 99999999999", None),
    ],
)
def test_both_forms_of_time_are_read_and_no_other_is_guessed(text: str, moment: datetime | None) -> None:
    assert xml.moment(text) == moment


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
def test_a_key_is_decoded_where_the_answer_says_that_it_is_encoded(inner: str, key: str) -> None:
    listed, _ = page(inner)

    assert [one.upload for one in listed] == [Upload(BUCKET, key, "1")]


@pytest.mark.parametrize("root", ["ListMultipartUploadsResult", 'ListMultipartUploadsResult xmlns="http://s3/doc"'])
@pytest.mark.parametrize("word", ["false", "FALSE", " False "])
def test_namespaces_and_capitals_make_no_difference(root: str, word: str) -> None:
    listed, following = page(ENTRY, truncated=word, root=root)

    assert (len(listed), following) == (1, None)


def test_a_page_goes_on_after_both_markers() -> None:
    markers = "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>7</NextUploadIdMarker>"

    assert page(ENTRY + markers, truncated="true")[1] == Cursor("k", "7")


def test_without_an_id_marker_no_upload_of_the_same_key_is_skipped() -> None:
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
def test_a_listing_that_does_not_say_where_it_ends_is_unreadable(inner: str, truncated: str) -> None:
    with pytest.raises(xml.Unreadable):
        page(inner, truncated=truncated)


def test_bytes_that_are_not_utf8_survive_as_a_marker() -> None:
    (listed,), _ = page("<EncodingType>url</EncodingType><Upload><Key>a%FF</Key><UploadId>1</UploadId></Upload>")

    assert listed.upload.key.encode("utf-8", "surrogateescape") == b"a\xff"


def test_an_upload_tells_its_start_and_its_initiator() -> None:
    inner = (
        "<Upload><Key>k</Key><UploadId>1</UploadId><Initiator><ID>qcs::cam::uin/1:uin/2</ID></Initiator>"
        "<Owner><ID>somebody else</ID></Owner><StorageClass>Standard</StorageClass>"
        "<Initiated>2026-03-04T10:01:33.000Z</Initiated></Upload>"
    )

    (listed,), _ = page(inner)

    assert listed == Listed(
        Upload(BUCKET, "k", "1"), datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC), "qcs::cam::uin/1:uin/2"
    )


def parts(inner: str) -> bytes:
    return f"<ListPartsResult>{inner}</ListPartsResult>".encode()


PART = "<Part><PartNumber>1</PartNumber><LastModified>2026-03-04T10:01:33.000Z</LastModified><Size>5</Size></Part>"


def test_parts_are_read_with_where_they_go_on() -> None:
    body = parts(f"<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>{PART}")

    read = xml.parts_page(body, Upload(BUCKET, "k", "1"), 0)

    assert (read.parts, read.next) == ((Part(datetime(2026, 3, 4, 10, 1, 33, tzinfo=UTC), 5),), 1)


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
    ids=["no_end_told", "no_marker", "marker_stuck", "negative_size", "no_size", "another_upload"],
)
def test_parts_that_cannot_be_trusted_are_unreadable(inner: str) -> None:
    with pytest.raises(xml.Unreadable):
        xml.parts_page(parts(inner), Upload(BUCKET, "k", "1"), 3)


def test_buckets_are_read_page_by_page() -> None:
    inner = "<Buckets><Bucket><Name>photos-1250000000</Name><Location>ap-guangzhou</Location></Bucket></Buckets>"
    whole = xml.buckets_page(f"<ListAllMyBucketsResult>{inner}</ListAllMyBucketsResult>".encode(), "")
    first = f"<ListAllMyBucketsResult><IsTruncated>true</IsTruncated>{inner}</ListAllMyBucketsResult>".encode()

    assert (whole.buckets, whole.next) == ((BUCKET,), None)
    assert xml.buckets_page(first, "").next == BUCKET.name
    with pytest.raises(xml.Unreadable):
        xml.buckets_page(first, BUCKET.name)


ENTITY = '<!DOCTYPE a [<!ENTITY b "bomb">]><a>&b;</a>'


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"<a>", b"<a><b></a>", b'<?xml version="1.0"?><a>\xff</a>'], ids=repr
)
def test_what_is_no_xml_is_unreadable_and_no_error_document(body: bytes) -> None:
    with pytest.raises(xml.Unreadable):
        xml.parse(body, "a")
    assert xml.error(body) == ("", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"])
def test_no_encoding_gets_an_entity_in(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    bodies = [
        (declared + ENTITY).encode(encoding),
        declared.encode() + ENTITY.encode(encoding),
        ENTITY.encode(encoding),
    ]

    for body in bodies:
        with pytest.raises(xml.Unreadable):
            xml.parse(body, "a")
