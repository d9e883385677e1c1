"""
The values that flow from a trigger event to a report.

Nothing here does I/O or knows the shape of COS's or SCF's JSON.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

# What a checkpoint stands under in the event that a run sends to the next.
CHECKPOINT = "cos_sweeper_checkpoint"
# An event that does nothing but raise, and one that does nothing at all: whether the function may invoke itself.
CHAIN_FAILED = "cos_sweeper_chain_failed"
PROBE = "cos_sweeper_probe"


def never(value: NoReturn) -> NoReturn:
    """Make the type checker prove a match is exhaustive (typing.assert_never is 3.11)."""
    raise AssertionError(f"unhandled: {value!r}")


# Why an upload was not settled: MAX_ABORTS, or what is narrower, is reached. No later run of the chain goes on with it.
AT_LIMIT = "the limit of aborts is reached"

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
class ListedUpload:
    """
    An upload as a listing shows it.

    initiated: UTC, None when unreadable; of a time without a zone the later of the two moments that it can mean.
    initiator: who started it, or ''. earliest: the earlier of the two, None where there is only one. text: the key as
    the response has it, '' where that is the key.
    """

    upload: Upload
    initiated: datetime | None
    initiator: str = ""
    earliest: datetime | None = None
    text: str = ""

    @property
    def written(self) -> str:
        """The key as the response has it."""
        return self.text or self.upload.key

    def with_key(self, key: str) -> "ListedUpload":
        """The same with another key."""
        return replace(self, upload=replace(self.upload, key=key), text=self.written)


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

    listed: tuple[ListedUpload, ...]
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
class AbortRequest:
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
class CompletedObject:
    """
    An object was completed at `completed_at`: older unfinished uploads of exactly its key are leftovers.

    other_keys: what the key may be as well, where the event does not prove how it is encoded; () when it is certain.
    """

    bucket: str
    key: str
    completed_at: datetime
    origin: str = "event"
    other_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Sweep whole buckets, narrowed from what the settings allow. None: as the settings say."""

    buckets: tuple[str, ...] | None = None
    prefixes: tuple[str, ...] | None = None
    min_age: timedelta | None = None
    min_idle: timedelta | None = None
    max_aborts: int | None = None
    dry_run: bool | None = None
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """Go on with a chain of runs. checkpoint: as it came, not looked into yet."""

    checkpoint: object
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class Ignored:
    """
    An event, or one record of it, that is understood and of no interest: nothing is done, and nothing is stored.

    Not an ask. reason: why it is of no interest.
    """

    reason: str
    origin: str = "event"


# What is decided


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave it alone, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeedsParts:
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
    """
    Completed or aborted between our listing and our abort: a success.

    is_checked: False where a listing showed it, and another one that could confirm it was not asked for; and where its
    key can mean another one that may not, or cannot, be asked about.
    """

    upload: Upload
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class ListedButNotFound:
    """The listing shows it, also at the end of the run, and COS does not know it. Nothing is freed."""

    upload: Upload


@dataclass(frozen=True, slots=True)
class RejectedRequest:
    """
    Not done, and asking again in the same words will not help.

    upload: None when it could not even be read. sweep: a timer asked for a sweep, which did not happen.
    """

    reason: str
    upload: Upload | None = None
    origin: str = "event"
    sweep: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """
    COS did not do it. lasting: COS refused for good (403, 404 bucket), so that no retry can mend it.

    was_sent: an abort left, and what came of it is not known.
    """

    upload: Upload
    code: str
    status: int | None
    request_id: str
    permanent: bool
    detail: str = ""
    was_sent: bool = False


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    Not settled in this run. reason: out of time, or at the limit of aborts.

    was_sent: an abort left, and what came of it is not known. markers: where the pages of its parts begin, as far as
    they were read.
    """

    upload: Upload
    reason: str
    was_sent: bool = False
    markers: tuple[int, ...] = (0,)


Request = AbortRequest | CompletedObject | SweepRequest | ResumeRequest | RejectedRequest
Verdict = Keep | Abort
Outcome = (
    Kept | WouldAbort | Aborted | StillReceiving | AlreadyGone | ListedButNotFound | RejectedRequest | Failed | Deferred
)


@dataclass(frozen=True, slots=True)
class BucketFailed:
    """A bucket whose listing, or the list of all buckets (bucket: None), broke off."""

    bucket: Bucket | None
    code: str
    status: int | None
    request_id: str
    permanent: bool
    detail: str = ""
