"""
The values that flow from a trigger event to a report.

Nothing here does I/O or knows the shape of COS's or SCF's JSON.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

# What a checkpoint stands under in the event that a run sends to the next.
CHECKPOINT = "cos_sweeper_checkpoint"


def never(value: NoReturn) -> NoReturn:
    """Make the type checker prove a match is exhaustive (typing.assert_never is 3.11)."""
    raise AssertionError(f"unhandled: {value!r}")


# What COS holds


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and where it is. name: `<name>-<appid>`; region: such as `ap-guangzhou`."""

    name: str
    region: str

    def __str__(self) -> str:
        return f"{self.name}@{self.region}"


@dataclass(frozen=True, slots=True)
class Upload:
    """
    One unfinished multipart upload.

    A key that COS listed with bytes that are not UTF-8 carries them as lone surrogates (`surrogateescape`).
    """

    bucket: Bucket
    key: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """
    An upload as a listing shows it.

    initiated: UTC, None when unreadable; of a time without a zone the later of the two moments that it can mean.
    initiator: who started it, or ''. earliest: the earlier of the two, None where there is only one.
    """

    upload: Upload
    initiated: datetime | None
    initiator: str = ""
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload. last_modified: UTC, None when it cannot be read. size: bytes."""

    last_modified: datetime | None
    size: int
    number: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a listing goes on: after this key and upload id. Both empty: from the beginning."""

    key: str = ""
    upload_id: str = ""


BEGINNING = Cursor()


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a bucket's unfinished uploads, in COS's order.

    next: None after the last page. date: COS's clock when it answered, UTC; skew: that minus our clock; None when COS
    did not say.
    """

    listed: tuple[Listed, ...]
    next: Cursor | None
    skew: timedelta | None = None
    request_id: str = ""
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartsPage:
    """
    One page of an upload's parts, by number.

    next: the part number to go on after, None after the last page. skew, date: as for `Page`. sent: when the request
    left, in seconds by the clock of the run's deadline; None where that cannot be told.
    """

    parts: tuple[Part, ...]
    next: int | None
    skew: timedelta | None = None
    date: datetime | None = None
    sent: float | None = None


@dataclass(frozen=True, slots=True)
class BucketsPage:
    """One page of the buckets that the role can list. next: the marker to go on after, None after the last page."""

    buckets: tuple[Bucket, ...]
    next: str | None
    date: datetime | None = None


# What is asked


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """
    Abort the one upload that an event named.

    bucket: `<name>-<appid>`, not checked against the settings yet. region: what the event claims, None where it is
    silent. origin: where in the event it stood, for the reader of a refusal.
    """

    bucket: str
    key: str
    upload_id: str
    region: str | None = None
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class Superseded:
    """An object was completed at `completed_at`: older unfinished uploads of exactly its key are leftovers."""

    bucket: str
    key: str
    completed_at: datetime
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class SweepBuckets:
    """Sweep whole buckets, narrowed from what the settings allow. None: as the settings say."""

    buckets: tuple[str, ...] | None = None
    prefixes: tuple[str, ...] | None = None
    min_age: timedelta | None = None
    min_idle: timedelta | None = None
    max_aborts: int | None = None
    dry_run: bool | None = None
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a chain of runs. checkpoint: as it came, not looked into yet."""

    checkpoint: object
    origin: str = "event"


# What is decided


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave it alone, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class LookAtParts:
    """
    Nothing in the listing keeps it: its parts decide.

    started: the latest moment, UTC, at which it can have started; earliest: the earliest one, None for the same.
    """

    started: datetime
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """Abandoned. bytes: what its parts take up, None when COS did not tell."""

    bytes: int | None


# What became of it


@dataclass(frozen=True, slots=True)
class Kept:
    """The policy keeps it."""

    upload: Upload
    reason: str


@dataclass(frozen=True, slots=True)
class WouldAbort:
    """Abandoned, left in place because this is a dry run."""

    upload: Upload
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Aborted:
    """
    COS answered 204. bytes: freed, None when unknown. request_id: COS's, of the abort.

    verified: True after NoSuchUpload; False when that could not be looked at; None when it was not to be.
    """

    upload: Upload
    bytes: int | None
    request_id: str
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class StillReceiving:
    """COS answered 204, and then a part arrived: somebody uses it, so it is not aborted again. Nothing is freed."""

    upload: Upload
    request_id: str


@dataclass(frozen=True, slots=True)
class AlreadyGone:
    """Completed or aborted between our listing and our abort: a success."""

    upload: Upload


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, and asking again in the same words will not help. upload: None when it could not even be read."""

    reason: str
    upload: Upload | None = None
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class Failed:
    """COS did not do it. lasting: COS refused for good (403, 404 bucket), so that no retry can mend it."""

    upload: Upload
    code: str
    status: int | None
    request_id: str
    lasting: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not settled in this run. reason: out of time, or at the limit of aborts."""

    upload: Upload
    reason: str


Ask = AbortUpload | Superseded | SweepBuckets | Resume | Refused
Verdict = Keep | Abort
Outcome = Kept | WouldAbort | Aborted | StillReceiving | AlreadyGone | Refused | Failed | Deferred


@dataclass(frozen=True, slots=True)
class BucketFailed:
    """A bucket whose listing, or the list of all buckets (bucket: None), broke off."""

    bucket: Bucket | None
    code: str
    status: int | None
    request_id: str
    lasting: bool
    detail: str = ""
