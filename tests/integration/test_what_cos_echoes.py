"""
What COS echoes and the function does not need hides nothing; what contradicts the request stays unreadable.
"""

from itertools import combinations
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, Invocation, named, timer
from tests.integration.little_cos import LittleCos, Part, Reply, Seen

BUCKET = PHOTOS.partition("@")[0]
LISTING, LOOK, ABORT = "ListMultipartUploads", "ListParts", "AbortMultipartUpload"
GARBAGE = (
    "control_characters",
    "control_references",
    "invalid_utf8",
    "unknown_elements",
    "initiator_without_id",
    "max_uploads",
    "namespace",
    "bare",
)
UPLOAD = "<Upload><Key>a</Key><UploadId>x</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated>{}</Upload>"
PART = "<Part><PartNumber>1</PartNumber><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>5</Size>{}</Part>"
# What can stand in an element that nobody needs.
ECHOES = {
    "a control character": "\x01\x02\x1f",
    "a reference to one": "&#1;&#x1F;&#0;",
    "a reference beyond Unicode": "&#x110000;&#99999999;&#99999999999999999999;",
    "a reference with zeros": "&#x00000000000000001;&#00000000000000000001;&#x00000000000041;",
    "a reference to half a pair": "&#xD83D;",
    "no UTF-8": "\udcff\udcfe",
    "half a character": "\udce7\udc8c",
    "an encoded half pair": "\udced\udca0\udcbd",
    "a non-character": "\ufffe\uffff",
    "entities": "&lt;&amp;&gt;&quot;&apos;",
    "markup": "&lt;IsTruncated&gt;true&lt;/IsTruncated&gt;",
    "the end of everything": "&lt;/ListPartsResult&gt;",
    "a comment": "<!-- <IsTruncated>true</IsTruncated> -->",
    "an instruction": "<?php die(); ?>",
    "CDATA": "<![CDATA[<IsTruncated>true</IsTruncated>]]>",
    "elements within": "<Key>other</Key><UploadId>other</UploadId><IsTruncated>true</IsTruncated>",
    "a long text": "k" * 100_000,
    "cats": "🐈猫\u2028\u0085",
}


def page(root: str, inner: str, *, truncated: str = "false") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}><IsTruncated>{truncated}</IsTruncated>{inner}</{root}>'


def uploads_page(inner: str = "", entry: str = "") -> str:
    return page("ListMultipartUploadsResult", inner + UPLOAD.format(entry))


def parts_page(inner: str = "", entry: str = "") -> str:
    return page("ListPartsResult", inner + PART.format(entry))


def swept(listing: str | None = None, parts: str | None = None) -> tuple[Invocation, bool]:
    """A sweep of one abandoned upload with these responses; and whether it is still there."""
    with LittleCos() as cos:
        cos.put("a", Part(1, size=5), upload_id="x")

        def answer(seen: Seen) -> Reply | None:
            body = {LISTING: listing, LOOK: parts}.get(seen.operation)
            is_there = (seen.key, seen.upload_id) in cos.uploads or seen.operation == LISTING
            return Reply(body=body) if body is not None and is_there else None

        cos.hook = answer
        return cos.function(timer(buckets=[BUCKET])), bool(cos.uploads)


def ended(result: Invocation) -> dict[str, Any]:
    (line,) = result.lines("run.finished")
    return line


# What is echoed


@pytest.mark.parametrize("garbage", [*([one] for one in GARBAGE), list(GARBAGE[:6]), list(GARBAGE[:3])], ids="+".join)
def test_garbage_in_what_is_echoed_hides_no_upload_and_no_part(
    garbage: list[str], cloud: Cloud, function: Function
) -> None:
    keys = ["a b", "a+b", "a%20b", "a&b", "a<b>", "猫/🐈", "a\x01b", "a\udcffb"]
    for key in keys:
        cloud.seed(BUCKET, key, part_numbers=[*range(1, 1003)], hours_since_start=200)
    (live,) = cloud.seed(BUCKET, "live", part_numbers=[*range(1, 1003)], hours_since_start=200)
    cloud.upload_part(BUCKET, "live", live.upload_id, 1500)
    cloud.dialect(garbage=garbage)

    report = function(timer(buckets=[BUCKET])).report

    # Bytes that are no UTF-8 cannot be sent in a key.
    assert (report["aborted"], report["kept"], report["rejected"]) == (len(keys) - 1, 1, 1)
    assert sorted(upload.key for upload in cloud.uploads(BUCKET)) == ["a\udcffb", "live"]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("pair", list(combinations(GARBAGE[:7], 2)), ids="+".join)
def test_garbage_of_two_kinds_hides_no_page(pair: tuple[str, str], cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "young{n:04}", count=1001, parts=0, hours_since_start=1)
    (upload,) = cloud.seed(BUCKET, "z", part_numbers=[*range(1, 1003)])
    cloud.dialect(garbage=list(pair))

    report = function(timer(buckets=[BUCKET])).report

    assert (report["aborted"], report["kept"]) == (1, 1001)
    assert report["bytes_freed"] == 1002 << 20
    assert upload.upload_id not in {one.upload_id for one in cloud.uploads(BUCKET)}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("name", ["Prefix", "KeyMarker", "UploadIdMarker", "MaxUploads", "Delimiter", "Surprise"])
def test_echo_in_a_listing_hides_no_upload(name: str, echo: str) -> None:
    result, is_there = swept(listing=uploads_page(f"<{name}>{echo}</{name}>"))

    assert (result.report["aborted"], is_there) == (1, False)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("inside", ["Initiator", "Owner", "StorageClass", "Surprise"])
def test_echo_about_an_upload_does_not_hide_it(inside: str, echo: str) -> None:
    entry = f"<{inside}>{echo}<ID>{echo}</ID><DisplayName>{echo}</DisplayName></{inside}>"

    result, is_there = swept(listing=uploads_page(entry=entry))

    assert (result.report["aborted"], is_there) == (1, False)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize(
    "name", ["Key", "Initiator", "Owner", "StorageClass", "MaxParts", "PartNumberMarker", "Surprise"]
)
def test_echo_in_a_list_of_parts_hides_no_part(name: str, echo: str) -> None:
    result, is_there = swept(parts=parts_page(f"<{name}>{echo}</{name}>", f"<{name}>{echo}</{name}>"))

    assert (result.report["aborted"], result.report["bytes_freed"], is_there) == (1, 5, False)


@pytest.mark.parametrize("echo", ["\x01", "&#1;", "\udcff", "&#xD83D;"])
def test_error_is_known_by_its_code_whatever_else_it_echoes(echo: str) -> None:
    body = f"<Error><Code>NoSuchUpload</Code><Message>{echo}</Message><Resource>{echo}</Resource></Error>"
    with LittleCos() as cos:
        cos.put("a", Part(1))
        cos.hook = lambda seen: Reply(404, body) if seen.operation == LOOK else None

        report = cos.function(timer(buckets=[BUCKET])).report

    assert (report["listed_but_not_found"], report["failed"]) == (1, 0)


@pytest.mark.parametrize("character", ["&#1;", "\x01", "\udcff", "&#xFFFE;"])
def test_key_that_xml_cannot_carry_is_reported_and_hides_no_other_upload(character: str) -> None:
    odd = UPLOAD.replace("<Key>a</Key>", f"<Key>o{character}dd</Key>").format("")

    result, is_there = swept(listing=uploads_page(odd))

    assert (result.report["aborted"], result.report["rejected"], is_there) == (1, 1, False)
    assert len(result.lines("upload.rejected")) == 1


# What is needed


@pytest.mark.parametrize(
    "listing",
    [
        "",
        " ",
        "<",
        uploads_page()[:-1],
        uploads_page()[:-30],
        uploads_page() + "<more/>",
        uploads_page().replace("ListMultipartUploadsResult", "ListPartsResult"),
        uploads_page().replace("ListMultipartUploadsResult", "listmultipartuploadsresult"),
        uploads_page().replace("<IsTruncated>false</IsTruncated>", ""),
        uploads_page().replace("false", ""),
        uploads_page().replace("false", "perhaps"),
        uploads_page().replace("false", "fal\x01se"),
        uploads_page().replace("<IsTruncated>", "<IsTruncated>true</IsTruncated><IsTruncated>"),
        uploads_page("<Bucket>other-1250000000</Bucket>"),
        uploads_page(f"<Bucket>other-1250000000</Bucket><Bucket>{BUCKET}</Bucket>"),
        uploads_page(f"<Bucket>{BUCKET}&#1;</Bucket>"),
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + uploads_page(),
        page("ListMultipartUploadsResult", UPLOAD.format(""), truncated="true"),
        page(
            "ListMultipartUploadsResult", "<NextKeyMarker/><NextUploadIdMarker/>" + UPLOAD.format(""), truncated="true"
        ),
        page(
            "ListMultipartUploadsResult", "<NextKeyMarker>b&#1;</NextKeyMarker>" + UPLOAD.format(""), truncated="true"
        ),
    ],
)
def test_listing_that_is_not_whole_or_of_something_else_is_a_failure(listing: str) -> None:
    result, is_there = swept(listing=listing)

    assert (ended(result)["status"], ended(result)["buckets_failed"], is_there) == ("failed", 1, True)
    assert [line["code"] for line in result.lines("bucket.failed")] == ["Unreadable"]


@pytest.mark.parametrize(
    "parts",
    [
        "",
        parts_page()[:-1],
        parts_page() + "x",
        parts_page().replace("ListPartsResult", "ListMultipartUploadsResult"),
        parts_page().replace("<IsTruncated>false</IsTruncated>", ""),
        parts_page().replace("false", "no"),
        parts_page().replace("<IsTruncated>", "<IsTruncated>true</IsTruncated><IsTruncated>"),
        parts_page("<UploadId>another</UploadId><UploadId>x</UploadId>"),
        parts_page("<Bucket>other-1250000000</Bucket>"),
        parts_page("<UploadId>another</UploadId>"),
        parts_page("<UploadId>x\x01</UploadId>"),
        parts_page("<UploadId>&#1;</UploadId>"),
        parts_page().replace("false", "true"),
        parts_page("<NextPartNumberMarker>0</NextPartNumberMarker>").replace("false", "true"),
        parts_page("<NextPartNumberMarker>1&#1;</NextPartNumberMarker>").replace("false", "true"),
        parts_page("<NextPartNumberMarker>-1</NextPartNumberMarker>").replace("false", "true"),
        parts_page().replace("<Size>5</Size>", "<Size>many</Size>"),
        "<!DOCTYPE x>" + parts_page(),
    ],
)
def test_list_of_parts_that_is_not_whole_or_of_something_else_keeps_its_upload(parts: str) -> None:
    result, is_there = swept(parts=parts)

    assert (ended(result)["status"], ended(result)["failed"], is_there) == ("failed", 1, True)
    assert [line["code"] for line in result.lines("upload.failed")] == ["Unreadable"]


GARBLED_TIMES = ["", "2020-01-01T00:00:00.000Z&#1;", "2020-01-01\x01T00:00:00.000Z", "\udcff"]


@pytest.mark.parametrize("last_modified", GARBLED_TIMES)
def test_time_of_a_part_that_holds_garbage_keeps_its_upload(last_modified: str) -> None:
    result, is_there = swept(parts=parts_page().replace("2020-01-01T00:00:00.000Z", last_modified))

    assert (result.report["kept_by_reason"], is_there) == ({"the time of a part cannot be read": 1}, True)


@pytest.mark.parametrize("initiated", GARBLED_TIMES)
def test_start_that_holds_garbage_keeps_its_upload(initiated: str) -> None:
    result, is_there = swept(listing=uploads_page().replace("2020-01-01T00:00:00.000Z", initiated))

    assert (result.report["kept_by_reason"], is_there) == ({"its start time cannot be read": 1}, True)


def test_part_or_upload_with_two_times_is_kept() -> None:
    part, _ = swept(parts=parts_page(entry="<LastModified>2019-01-01T00:00:00.000Z</LastModified>"))
    upload, _ = swept(listing=uploads_page(entry="<Initiated>2019-01-01T00:00:00.000Z</Initiated>"))
    same, _ = swept(listing=uploads_page(entry="<Initiated>2020-01-01T00:00:00.000Z</Initiated>"))

    assert [result.report["aborted"] for result in (part, upload, same)] == [0, 0, 1]


@pytest.mark.parametrize(
    "echo", ["<Bucket/>", f"<Bucket>{BUCKET}</Bucket>", "<UploadId/>", "<UploadId>x</UploadId>", "<Key>another</Key>"]
)
def test_echo_that_is_empty_or_agrees_is_no_contradiction(echo: str, cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "a", upload_id="x", hours_since_start=1000)
    cloud.fault(LOOK, raw=parts_page(echo), count=1)

    result = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="60")

    assert result.report["aborted"] == 1
