"""
What is fuzzed: bytes in, nothing out, an exception where a promise is broken. And what to begin with.

Only the standard library and the handler: the fuzzer runs in an environment without the tests' other needs.
"""

import base64
import contextlib
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from cos_sweeper.core import checkpoint, checkpoint_reader, coverage, plan
from cos_sweeper.core.account import Account
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import CHECKPOINT, Cursor, RejectedRequest, ResumeRequest, SweepRequest, Upload
from cos_sweeper.core.plan import Plan, UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.run_facts import RunFacts
from cos_sweeper.cos import lifecycle_xml, xml
from cos_sweeper.report import documents, history, record
from cos_sweeper.report.documents import Document, DocumentUnreadable, Head
from cos_sweeper.scf import events, http_auth, messages, responses
from tests.fixtures import BUCKETS, NOW, TOKEN, aborting_settings

EVENTS = Path(__file__).parents[1] / "events"
UPLOAD = Upload(BUCKETS[0], "raw/cat.mp4", "1585130821" + "cb" * 32)
SETTINGS = aborting_settings(
    BUCKETS, event_min_idle=timedelta(minutes=5), exclude_prefixes=("keep/",), http_token=TOKEN
)
MAX_REQUESTS = 10_000
MAX_REASON_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class Target:
    """run: raises when the bytes break a promise. seeds: what to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


# Events


def event(data: bytes) -> None:
    """Bytes as the JSON of an event."""
    raw = _json(data)
    events.http_request(raw)
    _hold_decoded(events.decode(raw))


def texts(data: bytes) -> None:
    """Bytes as the text of a message, by each of the ways that a text comes in."""
    text = data.decode("utf-8", "surrogateescape")
    for raw in (
        {"Records": [{"Ckafka": {"msgBody": text}}, {"CMQ": {"msgBody": text}}]},
        {"specversion": "1.0", "data": text},
        {"Type": "Timer", "Message": text},
        {"httpMethod": "POST", "body": text},
        {"httpMethod": "POST", "body": base64.b64encode(data).decode(), "isBase64Encoded": True},
    ):
        _hold_decoded(events.decode(raw))
    requests = messages.collect(messages.from_text, [text], "message", messages.Intake())
    assert not any(isinstance(request, (SweepRequest, ResumeRequest)) for request in requests)


def archives(data: bytes) -> None:
    """Bytes as CLS's archive, and as what is in one."""
    for packed in (data, gzip.compress(data, 1)):
        _hold_decoded(events.decode({"clslogs": {"data": base64.b64encode(packed).decode()}}))


def checkpoints(data: bytes) -> None:
    """Bytes as the JSON of a checkpoint."""
    raw = _json(data)
    with contextlib.suppress(RequestRejected):
        built = checkpoint_reader.read(raw, SETTINGS, BUCKETS, NOW)
        _hold(built)
        written = [json.loads(text)[CHECKPOINT] for text in checkpoint.write(built)]
        again = [checkpoint_reader.read(one, SETTINGS, BUCKETS, NOW) for one in written]
        assert [one for part in again for one in part.listings] == list(built.listings)
        assert [one for part in again for one in part.targets] == list(built.targets)
        assert not any(part.dropped for part in again)
        if built.max_aborts is not None:
            assert sum(part.max_aborts or 0 for part in again) <= built.max_aborts
            assert all(part.max_aborts is not None for part in again)


def _json(data: bytes) -> Any:
    """What the platform makes of an event's text, nothing where it is none."""
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(data)


def _hold_decoded(decoded: events.Decoded) -> None:
    assert decoded.requests or decoded.ignored
    assert len(decoded.requests) <= MAX_REQUESTS + messages.MAX_EXCESS_GROUPS + 1
    built = plan.build_plan(decoded.requests, SETTINGS, BUCKETS, "run-1", NOW)
    assert built.listings or built.targets or built.rejected or not decoded.requests
    _hold(built)
    for request in decoded.requests:
        if isinstance(request, ResumeRequest):
            with contextlib.suppress(RequestRejected):
                _hold(checkpoint_reader.read(request.checkpoint, SETTINGS, BUCKETS, NOW))


def _hold(built: Plan) -> None:
    """What every plan promises, the caller for it."""
    for rejected in built.rejected:
        assert isinstance(rejected, RejectedRequest)
        assert 0 < len(rejected.reason) <= MAX_REASON_LENGTH
        assert rejected.upload is None or len(rejected.upload.key) + len(rejected.upload.upload_id) <= MAX_REASON_LENGTH
    for listing in built.listings:
        assert listing.bucket in BUCKETS
        end = (listing.end.key, listing.end.upload_id) if listing.end else ()
        for text in (listing.prefix, listing.start.key, listing.start.upload_id, *end):
            text.encode("utf-8", "surrogateescape")
        assert "keep/" in listing.policy.exclude_prefixes
    for named in built.targets:
        assert named.upload.bucket in BUCKETS
        assert validate_key(named.upload.key, named.upload.upload_id) is None
        assert named.policy.min_idle >= SETTINGS.event_min_idle
        is_sibling = named.policy.only_key is not None and named.policy.started_before is not None
        if named.is_swept:
            assert is_sibling or named.policy.min_age >= SETTINGS.min_age
            assert named.policy.min_idle >= (timedelta(hours=1) if is_sibling else SETTINGS.min_idle)
    assert built.as_of <= NOW


# What runs stored


def stored(data: bytes) -> None:
    """Bytes as any object under the report prefix: they may be damaged, or of another version."""
    for body in (data, gzip.compress(data, mtime=0)):
        with contextlib.suppress(DocumentUnreadable):
            documents.unpack(body)
        with contextlib.suppress(DocumentUnreadable):
            documents.unpack_head(body)
    with contextlib.suppress(ValueError):
        one = record.read(data)
        assert record.read(record.line(one)) == one
    found = history.read(data, "20261126T000000Z-00000000")
    assert found is None or found.as_json()


# COS's answers


def uploads_pages(data: bytes) -> None:
    """Bytes as a ListMultipartUploadsResult."""
    start = Cursor("raw/cat.mp4", UPLOAD.upload_id)
    with contextlib.suppress(xml.Unreadable):
        page = xml.uploads_page(data, BUCKETS[0], start)
        assert page.next not in (start, Cursor())
        assert all(one.upload.bucket == BUCKETS[0] for one in page.listed)
        assert all(one.initiated is None or one.initiated.tzinfo is timezone.utc for one in page.listed)
        for key in [one.upload.key for one in page.listed] + ([page.next.key] if page.next else []):
            key.encode("utf-8", "surrogateescape")


def parts_pages(data: bytes) -> None:
    """Bytes as a ListPartsResult."""
    with contextlib.suppress(xml.Unreadable):
        page = xml.parts_page(data, UPLOAD, 3)
        assert page.next is None or page.next > 3
        assert all(part.size >= 0 for part in page.parts)
        assert all(part.last_modified is None or part.last_modified.tzinfo is timezone.utc for part in page.parts)


def objects_pages(data: bytes) -> None:
    """Bytes as a ListBucketResult."""
    with contextlib.suppress(xml.Unreadable):
        keys, following = xml.objects_page(data, "reports/", "reports/b")
        assert all(key.startswith("reports/") for key in keys)
        assert following is None or following.encode("utf-8", "surrogateescape") > b"reports/b"


def buckets_pages(data: bytes) -> None:
    """Bytes as a ListAllMyBucketsResult."""
    with contextlib.suppress(xml.Unreadable):
        page = xml.buckets_page(data, "logs-1250000000")
        assert page.next is None or page.next > "logs-1250000000"


def lifecycles(data: bytes) -> None:
    """Bytes as a LifecycleConfiguration, and as an ObjectLockConfiguration."""
    with contextlib.suppress(xml.Unreadable):
        rules = lifecycle_xml.lifecycle_rules(data)
        found = coverage.evaluate(BUCKETS[0], rules, object_lock=False)
        for claim in found.prefixes:
            assert any(one.aborts and not one.doubt and one.prefix == claim.prefix for one in rules)
        assert (found.days is not None) == (found.state is coverage.State.WHOLE_BUCKET)
        json.dumps(found.as_json())
    with contextlib.suppress(xml.Unreadable):
        lifecycle_xml.object_lock(data)


def errors(data: bytes) -> None:
    """Bytes as an Error document, which is never an error."""
    code, request_id = xml.error(data)
    assert isinstance(code, str)
    assert isinstance(request_id, str)


def times(data: bytes) -> None:
    """Bytes as a time in an answer, and as its Date."""
    text = data.decode("latin-1")
    for moment in (*xml.start_times(text), xml.part_time(text), xml.http_date(text)):
        assert moment is None or moment.tzinfo is timezone.utc


# The door


def doors(data: bytes) -> None:
    """Bytes as a method and headers, a line each; who has no token stays outside."""
    method, *lines = data.decode("utf-8", "surrogateescape").split("\n")
    headers = dict(line.partition(":")[::2] for line in lines)
    request = events.http_request({"httpMethod": method, "headers": headers, "body": ""})
    assert request is not None
    denied = http_auth.authorize(request, SETTINGS)
    if denied is None:
        given = [value for name, value in headers.items() if name.lower() == "authorization"]
        assert any(value.split()[-1:] == [TOKEN] for value in given)
        assert method.upper() == "POST"
    else:
        assert json.dumps(responses.error_response(denied))


# What to begin with, and the words of it

WORDS = ["\\ud800", "\\udcff", "NaN", "1e999", "null", "true", "-1", "[[[[", "..", "\\u0000", "\\n"]
WORDS += [
    f'"{name}":' for name in ("bucket", "key", "Key", "uploadId", "uploads", "Records", "Ckafka", "CMQ", "msgBody")
]
WORDS += [f'"{name}":' for name in ("cos", "event", "clslogs", "data", "specversion", "Type", "Message", CHECKPOINT)]
WORDS += [f'"{name}":' for name in ("version", "todo", "policies", "shard", "as_of", "only_key", "httpMethod")]
WORDS += [f'"{name}":' for name in ("limit", "aborted", "fraction", "stalled", "began", "attempts", "markers", "end")]
WORDS += ['"prior_failures":']
WORDS += [
    "<IsTruncated>true",
    "<NextKeyMarker>",
    "<NextUploadIdMarker>",
    "<NextPartNumberMarker>",
    "xmlns",
    "<!DOCTYPE",
]
WORDS += ["authorization:", "Bearer ", "content-type:", "<Key>%FF", "&#0;", "<![CDATA["]


def _event_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(EVENTS.glob("*.json"))] + _checkpoint_events()


def _checkpoint_events() -> list[bytes]:
    sweep = plan.build_plan((SweepRequest(prefixes=("raw/", "logs/")),), SETTINGS, BUCKETS, "run-1", NOW)
    named = (UploadTarget(UPLOAD, Policy(timedelta(0), timedelta(minutes=5), (), ("keep/",))),)
    target = replace(named[0], attempts=1, was_sent=True, is_blocked=True, is_swept=True, markers=(0, 7))
    ranges = tuple(replace(listing, end=Cursor("raw/z", "1"), attempts=2) for listing in sweep.listings)
    late = Plan("run-2", NOW, dry_run=False, limit=7, workers=32, targets=(*named, target), listings=(), rejected=())
    plans = [sweep, replace(late, number=3, aborted=2, fraction=(1, 3), stalled=1), replace(sweep, listings=ranges)]
    return [text.encode() for one in plans for text in checkpoint.write(one)]


def _checkpoint_seeds() -> list[bytes]:
    return [json.dumps(json.loads(text)[CHECKPOINT]).encode() for text in _checkpoint_events()]


def _text_seeds() -> list[bytes]:
    return [
        b'{"bucket": "photos-1250000000", "key": "raw/cat.mp4", "uploadId": "15851308210a"}',
        b'{"uploads": [{"Bucket": "logs-1250000000", "Key": "k", "UploadId": "x", "Region": "ap-singapore"}]}',
        b'{"buckets": ["photos-1250000000"], "prefixes": ["raw/"], "min_age_hours": 96, "max_aborts": 5}',
        b'{"key": "\\ud800", "key": NaN}',
        b"[" * 2000,
    ]


def _archive_seeds() -> list[bytes]:
    batch = json.dumps({"records": [{"content": text.decode()} for text in _text_seeds()[:2]]}).encode()
    return [batch, gzip.compress(batch), gzip.compress(batch) * 2, gzip.compress(b" " * 100_000)[:-3]]


PEOPLE = "<Initiator><ID>qcs::cam::uin/1:uin/2</ID></Initiator><Owner><ID>1250000000</ID></Owner>"
TIME = "2026-03-04T10:01:33.000Z"


def _uploads_page_seeds() -> list[bytes]:
    upload = f"<Upload><Key>a%2Fb%FF</Key><UploadId>1</UploadId>{PEOPLE}<Initiated>{TIME}</Initiated></Upload>"
    last = "<IsTruncated>false</IsTruncated>"
    more = (
        "<IsTruncated>true</IsTruncated><NextKeyMarker>raw/d</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker>"
    )
    name = "ListMultipartUploadsResult"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return [
        f"{head}<{name}><Bucket>photos-1250000000</Bucket><Encoding-Type>url</Encoding-Type>{last}{upload}</{name}>".encode(),
        f'<{name} xmlns="http://www.qcloud.com/document/product/436/7751"><EncodingType>url</EncodingType>{more}'
        f"{upload}{upload}</{name}>".encode(),
        f"<!DOCTYPE a [<!ENTITY b 'c'>]><{name}>&b;</{name}>".encode(),
    ]


def _parts_page_seeds() -> list[bytes]:
    part = (
        f"<Part><PartNumber>4</PartNumber><LastModified>{TIME}</LastModified><ETag>&quot;</ETag><Size>5</Size></Part>"
    )
    more = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>4</NextPartNumberMarker>"
    old = part.replace(TIME, "Wed Jan 18 16:04:17 2017")
    return [
        f"<ListPartsResult><UploadId>{UPLOAD.upload_id}</UploadId>{more}{part}</ListPartsResult>".encode(),
        f"<ListPartsResult><IsTruncated>FALSE</IsTruncated>{old}</ListPartsResult>".encode(),
    ]


def _objects_page_seeds() -> list[bytes]:
    objects = "".join(f"<Contents><Key>reports%2F{name}</Key><Size>1</Size></Contents>" for name in ("c", "d%FF"))
    more = "<IsTruncated>true</IsTruncated><NextMarker>reports/d</NextMarker>"
    return [
        f"<ListBucketResult><EncodingType>url</EncodingType>{more}{objects}</ListBucketResult>".encode(),
        b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
    ]


def _stored_seeds() -> list[bytes]:
    facts = RunFacts("sweep", dry_run=False, began=NOW, as_of=NOW, settings={})
    head = Head("1-of-1.0.run-1.aa", ("0",), "1/1", 1, "", NOW, facts)
    record = b'{"upload_id":"1","key":"a%FF","key_encoding":"percent","at":"2026-11-22T12:00:00Z"}\n'
    entry = json.dumps(history.beginning("20261122T120000Z-0a1b2c3d", facts).as_json()).encode()
    return [gzip.decompress(Document(head, Account()).pack()), record, entry]


def _buckets_page_seeds() -> list[bytes]:
    bucket = "<Bucket><Name>photos-1250000000</Name><Location>ap-guangzhou</Location></Bucket>"
    more = "<IsTruncated>true</IsTruncated><NextMarker>photos-1250000000</NextMarker>"
    return [
        f"<ListAllMyBucketsResult><Buckets>{bucket}</Buckets></ListAllMyBucketsResult>".encode(),
        f"<ListAllMyBucketsResult>{more}<Buckets>{bucket}</Buckets></ListAllMyBucketsResult>".encode(),
    ]


def _lifecycle_seeds() -> list[bytes]:
    rules = coverage.rule_to_add(timedelta(hours=1), ("logs/", "raw/"))
    tagged = rules.replace("<Prefix>", "<And><Tag><Key>a</Key></Tag><Prefix>").replace("</Prefix>", "</Prefix></And>")
    return [
        f"<LifecycleConfiguration>{rules}</LifecycleConfiguration>".encode(),
        f"<LifecycleConfiguration>{tagged}{rules.replace('Enabled', 'Disabled')}</LifecycleConfiguration>".encode(),
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
    ]


def _error_seeds() -> list[bytes]:
    return [
        b"<?xml version='1.0' encoding='utf-8' ?><Error><Code>NoSuchUpload</Code><RequestId>NWMx</RequestId></Error>",
        b"<html><body>502 Bad Gateway</body></html>",
        b"",
    ]


def _time_seeds() -> list[bytes]:
    return [TIME.encode(), b"Wed Jan 18 16:04:17 2017", b"Sun, 22 Nov 2026 12:00:00 GMT", b"1 Jan 0001 00:00:00 +9999"]


def _door_seeds() -> list[bytes]:
    return [
        f"POST\nAuthorization:Bearer {TOKEN}\ncontent-type:application/json".encode(),
        f"GET\nauthorization:bearer {TOKEN}\nAUTHORIZATION:".encode(),
        b"POST\ncontent-type:application/json",
    ]


TARGETS = {
    "events": Target(event, _event_seeds),
    "texts": Target(texts, _text_seeds),
    "archives": Target(archives, _archive_seeds),
    "checkpoints": Target(checkpoints, _checkpoint_seeds),
    "uploads-pages": Target(uploads_pages, _uploads_page_seeds),
    "parts-pages": Target(parts_pages, _parts_page_seeds),
    "objects-pages": Target(objects_pages, _objects_page_seeds),
    "stored": Target(stored, _stored_seeds),
    "buckets-pages": Target(buckets_pages, _buckets_page_seeds),
    "lifecycles": Target(lifecycles, _lifecycle_seeds),
    "errors": Target(errors, _error_seeds),
    "times": Target(times, _time_seeds),
    "doors": Target(doors, _door_seeds),
}
