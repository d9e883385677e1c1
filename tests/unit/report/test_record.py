"""
A record is one line of JSON, whatever its key.
"""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import ListedUpload, PartsSeen, Upload
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Deferred, Failed, Kept, Outcome, StillReceiving, WouldAbort
from cos_sweeper.report import record
from cos_sweeper.report.record import Record, Recording
from tests.fixtures import NOW, PHOTOS

RECORDING = Recording(2, "1/4", clean=lambda text: text.replace("secret", "[hidden]"), mask=str)
LISTED = ListedUpload(Upload(PHOTOS, "raw/猫", "id"), NOW, "qcs::cam::uin/1:uin/2", storage_class="ARCHIVE")
UPLOAD, SEEN = LISTED.upload, PartsSeen(7, 2, NOW - timedelta(hours=1))
UNKNOWN = {"bytes": None, "parts": None, "last_part": None}
KNOWN = {"bytes": 7, "parts": 2, "last_part": "2026-11-22T11:00:00+00:00"}

keys = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
times = st.one_of(st.none(), st.integers(0, 10**6).map(lambda seconds: NOW - timedelta(seconds=seconds)))
numbers = st.one_of(st.none(), st.integers(0, 2**50))


def of_key(key: str) -> ListedUpload:
    return ListedUpload(Upload(PHOTOS, key, "id"), NOW)


def line_of(outcome: Outcome) -> dict[str, object]:
    fields: dict[str, object] = json.loads(record.line(RECORDING.outcome(LISTED, outcome, NOW)))
    return fields


@given(key=keys, initiated=times, last=times, size=numbers, text=st.text(st.characters(exclude_categories=["Cs"])))
def test_record_is_read_as_it_was_written(
    key: str, initiated: object, last: object, size: int | None, text: str
) -> None:
    seen = PartsSeen(size, 3, last) if size is not None else None  # type: ignore[arg-type]
    made = RECORDING.outcome(
        ListedUpload(Upload(PHOTOS, key, "id"), initiated, text),  # type: ignore[arg-type]
        Kept(Upload(PHOTOS, key, "id"), "reason", seen),
        NOW,
    )

    line = record.line(made)

    assert line.count(b"\n") == 1
    assert record.read(line) == made


@given(key=keys)
def test_line_shows_a_key_that_is_utf_8_as_it_is_and_marks_another(key: str) -> None:
    fields = json.loads(record.line(RECORDING.intent(of_key(key), NOW)))

    assert (fields["key_encoding"] == "utf-8") == (fields["key"] == key)
    assert fields["key_encoding"] in ("utf-8", "percent")


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        (Aborted(UPLOAD, 7, "r", verified=True, seen=SEEN), {**KNOWN, "verified": True, "cos_request_id": "r"}),
        (Aborted(UPLOAD, 9, "r"), {**UNKNOWN, "bytes": 9, "verified": None}),
        (WouldAbort(UPLOAD, 7, SEEN), {**KNOWN, "outcome": "would_abort"}),
        (Kept(UPLOAD, "a part arrived recently", SEEN), {**KNOWN, "reason": "a part arrived recently"}),
        (StillReceiving(UPLOAD, "r"), {**UNKNOWN, "outcome": "still_receiving", "cos_request_id": "r"}),
        (Deferred(UPLOAD, "out of time"), {"outcome": "deferred", "reason": "out of time"}),
        (Failed(UPLOAD, "X", 403, "r", permanent=True), {"code": "X", "status": 403, "cos_request_id": "r"}),
        (AlreadyGone(UPLOAD, is_checked=False), {**UNKNOWN, "outcome": "already_gone_unchecked"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_record_has_what_its_outcome_knows(outcome: Outcome, fields: dict[str, object]) -> None:
    line = line_of(outcome)

    assert {name: line[name] for name in fields} == fields
    assert (line["bucket"], line["upload_id"], line["run"], line["shard"]) == (str(PHOTOS), "id", 2, "1/4")
    assert (line["initiated"], line["storage_class"]) == ("2026-11-22T12:00:00+00:00", "ARCHIVE")


def test_masked_key_is_marked_in_an_outcome_and_stands_as_it_is_in_an_intent() -> None:
    hashed = Recording(1, "1/1", str, lambda _: "~0a/~1b")

    outcome, intent = hashed.outcome(LISTED, AlreadyGone(UPLOAD), NOW), hashed.intent(LISTED, NOW)

    assert (outcome.key, outcome.key_encoding) == ("~0a/~1b", "hmac")
    assert (intent.key, intent.key_encoding, intent.outcome) == ("raw/猫", "utf-8", "intended")
    assert record.read(record.line(outcome)) == outcome


def test_record_holds_no_secret_that_cos_echoes() -> None:
    upload = Upload(PHOTOS, "k-secret", "id-secret")
    failed = Failed(upload, "X", 403, "request-secret", permanent=True)

    line = record.line(RECORDING.outcome(ListedUpload(upload, NOW, "by-secret"), failed, NOW))

    assert b"secret" not in line
    assert line.count(b"[hidden]") == 4


def test_line_of_another_version_is_read_as_far_as_it_is_known() -> None:
    made = record.read('{"upload_id": "id", "key": "k", "news": 1, "at": "2026-11-22T12:00:00Z"}')

    assert (made.upload_id, made.key, made.at, made.bytes, made.outcome) == ("id", "k", NOW, None, "")


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"1", b'{"upload_id": 1}', b'{"at": "now", "upload_id": ""}'])
def test_line_that_is_no_record_is_rejected(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any kind of it
        record.read(line)


def test_names_of_the_fields_are_those_of_the_line() -> None:
    assert tuple(line_of(AlreadyGone(UPLOAD))) == record.FIELDS == tuple(Record.__slots__)
