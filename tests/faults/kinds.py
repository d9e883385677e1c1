"""
What each fault is, at each operation: what the emulator is asked to do, and how the function is run meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from cos_sweeper.core.retry import ATTEMPTS
from tests.emulator.public import (
    Bucket,
    BucketsPage,
    HeldUpload,
    Page,
    Part,
    Parts,
    PartsPage,
    Query,
    StoredObject,
    Upload,
    documents,
)
from tests.faults.scene import BYSTANDER, PART_BYTES, STRUCK, STRUCK_KEY, Scene, echo, vanish

Faults = list[dict[str, Any]]

INTENTS = r".*\.intents-[0-9]+\..*"
# What a run leaves to the next one of its chain.
ACCOUNT = r".*/(totals|parts)/.*"
TARGETS: dict[str, dict[str, Any]] = {
    "Get Service": {"operation": "GetService"},
    "List Multipart Uploads": {"operation": "ListMultipartUploads", "bucket": STRUCK},
    "List Parts": {"operation": "ListParts", "bucket": STRUCK, "key": STRUCK_KEY},
    "Abort Multipart Upload": {"operation": "AbortMultipartUpload", "bucket": STRUCK, "key": STRUCK_KEY},
    "Put Object": {"operation": "PutObject"},
    "Put Object, intents": {"operation": "PutObject", "key_pattern": INTENTS},
    "Put Object, others": {"operation": "PutObject", "key_pattern": f"(?!{INTENTS}).*"},
    "Put Object, account": {"operation": "PutObject", "key_pattern": ACCOUNT},
    "Get Object": {"operation": "GetObject"},
    "Get Object, account": {"operation": "GetObject", "key_pattern": ACCOUNT},
    "Get Bucket": {"operation": "GetBucket"},
    "Get Bucket Lifecycle": {"operation": "GetBucketLifecycle", "bucket": STRUCK},
    "Get Bucket Object Lock": {"operation": "GetBucketObjectLockConfiguration", "bucket": STRUCK},
}
OPERATIONS = {name: target["operation"] for name, target in TARGETS.items()}
# One after the other, so that "from now on" is the same moment in every run.
IN_TURN = {"WORKERS": "1"}
CLOCK_OFF_SECONDS = 600
# By so much a sweep comes after what is read of earlier chains, where the order matters.
LISTING_DELAY_MS = 3000
HISTORY = "sweeper-reports/history/"
# With few entries the history is listed so often, from an earlier day each time.
HISTORY_LISTINGS = 4
WRONG_DATE = {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"}


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of fault.

    fields: of the emulator's fault, on top of the target. wide: it strikes all of the bucket, not one upload. seconds:
    the time limit. hurried: the program's waits are a fraction of what they are, so that what never ends ends soon.
    settings: the function's, meanwhile. skew_seconds: how far COS's clock is off. is_everywhere: the other bucket is
    touched as well.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
    seconds: float = 60
    hurried: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    skew_seconds: int = 0
    is_everywhere: bool = False

    @property
    def stops(self) -> bool:
        """Whether it ends the run, or the requests to a bucket."""
        return "blow" in self.fields or self.fields.get("code") == "RequestTimeTooSkewed"


def _error(status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "code": code, **more}


KINDS: dict[str, Kind] = {
    "503 SlowDown burst": Kind(_error(503, "SlowDown", count=ATTEMPTS - 1), wide=True),
    "500 once": Kind(_error(500, "InternalError", count=1)),
    "500 for ever": Kind(_error(500, "InternalError")),
    "no answer": Kind(_error(500, "InternalError", body="silent"), hurried=True),
    "no answer until time is up": Kind(_error(500, "InternalError", body="silent"), seconds=2.4, is_everywhere=True),
    "reset before the effect": Kind({"reset": "before", "count": 1}),
    "reset after the effect": Kind({"reset": "after", "count": 1}),
    "a truncated body": Kind({"body": "truncated", "count": 1}),
    "malformed XML": Kind({"body": "malformed"}),
    "XML of another kind": Kind({"body": "foreign"}),
    "an empty 200": Kind({"body": "empty"}),
    "301": Kind({"status": 301}),
    "307": Kind({"status": 307}),
    "a body that drips": Kind({"body": "drip", "count": 1}, hurried=True),
    "an answer without end": Kind({"body": "endless", "count": 1}, hurried=True),
    "403 from now on": Kind(_error(403, "AccessDenied"), wide=True, settings=IN_TURN),
    "credentials expire": Kind({"blow": "expire", "count": 1}, settings=IN_TURN, is_everywhere=True),
    "404 NoSuchBucket": Kind(_error(404, "NoSuchBucket")),
    "Date far off": Kind(skew_seconds=CLOCK_OFF_SECONDS, is_everywhere=True),
    "RequestTimeTooSkewed": Kind(_error(403, "RequestTimeTooSkewed"), settings=IN_TURN, is_everywhere=True),
    "a marker that repeats": Kind(),
    "a marker that goes back": Kind(),
    "a stale listing": Kind(is_everywhere=True),
    "delivered twice": Kind(),
    "instance killed": Kind({"blow": "kill", "count": 1}, settings=IN_TURN),
}


def arm(scene: Scene, operation: str, name: str) -> None:
    """Put the fault in force at this operation. Some change the scene for it."""
    make = SPECIAL.get((operation, name))
    for fields in make(scene) if make else _usual(scene, operation, name):
        if "raw" in fields:
            # COS's request id is in every response.
            fields["headers"] = {**fields.get("headers", {}), "x-cos-request-id": echo(scene.cloud)}
        scene.cloud.fault(**fields)


def _usual(scene: Scene, operation: str, name: str) -> Faults:
    kind = KINDS[name]
    if not kind.fields:
        return []
    fields = {**TARGETS[operation], **kind.fields}
    if kind.wide:
        fields.pop("key", None)
    if fields.get("code"):
        fields["message"] = echo(scene.cloud)
    if fields.get("status") in (301, 307):
        fields["redirect"] = f"{scene.cloud.endpoint}/{STRUCK}/raw/live"
    if name == "a body that drips" and fields["operation"] in ("AbortMultipartUpload", "PutObject"):
        # Their good answers have no body to drip.
        fields |= _error(500, "InternalError", message=echo(scene.cloud))
    if name == "403 from now on" and operation in ("List Parts", "Abort Multipart Upload"):
        fields["skip"] = 1
    return [fields]


def delay_listings(scene: Scene) -> None:
    """The sweep of each bucket begins late."""
    scene.cloud.fault("ListMultipartUploads", delay_ms=LISTING_DELAY_MS, count=2)


# Answers of COS's own making, out of time or out of order


def _upload(held: HeldUpload) -> Upload:
    return Upload(held.key, held.upload_id, held.initiated, held.initiator, held.storage_class, Parts())


def _uploads_page(held: list[HeldUpload], following: HeldUpload | None) -> str:
    """A page of the struck bucket's listing. following: the upload that its marker points at."""
    marker = (following.key, following.upload_id) if following else None
    page = Page(tuple(_upload(one) for one in held), (), marker)
    return documents.uploads(STRUCK, Query(), page, "url").decode()


def _parts_page(scene: Scene, following: int | None) -> str:
    """A page of the struck upload's parts: the one part that it has."""
    (held,) = [one for one in scene.uploads() if one.upload_id == scene.struck.upload_id]
    part = Part(1, PART_BYTES, "0" * 32, held.initiated)
    return documents.parts(STRUCK, 0, 1000, PartsPage(_upload(held), (part,), following), "url").decode()


def _buckets_page(following: str | None, *buckets: tuple[str, str]) -> str:
    made = tuple(Bucket(name, region, datetime.now(timezone.utc)) for name, region in buckets)
    return documents.buckets("", BucketsPage(made, following)).decode()


def _pages(operation: str, *pages: str, **more: Any) -> Faults:
    """These answers one after the other, the last one again and again, or `count` times."""
    faults: Faults = [{**TARGETS[operation], "raw": page, **more} for page in pages]
    for fault in faults[:-1]:
        fault["count"] = 1
    return faults


def _uploads_again(scene: Scene) -> Faults:
    held = scene.uploads()
    return _pages("List Multipart Uploads", _uploads_page(held, held[-1]))


def _uploads_back(scene: Scene) -> Faults:
    held = scene.uploads()
    return _pages("List Multipart Uploads", _uploads_page(held[:2], held[1]), _uploads_page(held[2:], held[0]))


def _uploads_stale(scene: Scene) -> Faults:
    """One that is gone is still listed, a new one is not yet."""
    stale = _pages("List Multipart Uploads", _uploads_page(scene.uploads(), None))
    vanish(scene)
    new = scene.seed(STRUCK, "raw/new")
    scene.abandoned.append(new)
    scene.unseen.append(new)
    return stale


def _parts_stale(scene: Scene) -> Faults:
    """The parts of an upload that is gone since are still listed."""
    (listed,) = _pages("List Multipart Uploads", _uploads_page(scene.uploads(), None))
    stale = _pages("List Parts", _parts_page(scene, None))
    vanish(scene)
    return [listed, *stale]


def _buckets_stale(scene: Scene) -> Faults:
    """A bucket that is gone is still listed, a new one is not yet."""
    scene.unseen += [upload for upload in scene.abandoned + scene.live if upload.bucket == BYSTANDER]
    return _pages(
        "Get Service",
        _buckets_page(None, ("gone-1250000000", "ap-beijing"), (STRUCK, "ap-guangzhou")),
    )


def _both_buckets(following: str) -> str:
    return _buckets_page(following, (BYSTANDER, "ap-singapore"), (STRUCK, "ap-guangzhou"))


def _objects_page(name: str, *, is_truncated: bool = True) -> str:
    """A page of the history with one object; the marker points at it."""
    when = datetime.now(timezone.utc)
    entry = StoredObject(f"{HISTORY}{name}.json", 2, "0" * 32, when, b"{}", "application/json", "STANDARD")
    page = Page((entry,), (), (entry.key, "") if is_truncated else None)
    return documents.objects(BYSTANDER, Query(prefix=HISTORY), page, "url").decode()


SPECIAL: dict[tuple[str, str], Callable[[Scene], Faults]] = {
    ("Get Service", "a marker that repeats"): lambda _: _pages("Get Service", _both_buckets(STRUCK)),
    ("Get Service", "a marker that goes back"): lambda _: _pages(
        "Get Service", _both_buckets(STRUCK), _both_buckets(BYSTANDER)
    ),
    ("Get Service", "a stale listing"): _buckets_stale,
    ("List Multipart Uploads", "a marker that repeats"): _uploads_again,
    ("List Multipart Uploads", "a marker that goes back"): _uploads_back,
    ("List Multipart Uploads", "a stale listing"): _uploads_stale,
    ("Get Bucket", "a marker that repeats"): lambda _: _pages("Get Bucket", _objects_page("20260101T000000Z")),
    ("Get Bucket", "a marker that goes back"): lambda _: _pages(
        "Get Bucket", _objects_page("20260102T000000Z"), _objects_page("20260101T000000Z")
    ),
    # The spans in which the history is looked for.
    ("Get Bucket", "a stale listing"): lambda _: _pages(
        "Get Bucket", _objects_page("20260101T000000Z", is_truncated=False), count=HISTORY_LISTINGS
    ),
    ("List Parts", "a marker that repeats"): lambda scene: _pages("List Parts", _parts_page(scene, 7)),
    ("List Parts", "a marker that goes back"): lambda scene: _pages(
        "List Parts", _parts_page(scene, 7), _parts_page(scene, 3)
    ),
    ("List Parts", "a stale listing"): _parts_stale,
    ("List Parts", "Date far off"): lambda scene: _pages("List Parts", _parts_page(scene, None), headers=WRONG_DATE),
}
