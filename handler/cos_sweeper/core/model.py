"""
The values that flow from a trigger event to a report.

Nothing here does I/O or knows the shape of COS's or SCF's JSON.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

# The field of an event that carries a checkpoint from one run to the next.
CHECKPOINT = "cos_sweeper_checkpoint"
# The field of an event that only makes the function raise.
CHAIN_FAILED = "cos_sweeper_chain_failed"
# The field of an event that does nothing: it tests whether the function may invoke itself.
PROBE = "cos_sweeper_probe"


def never(value: NoReturn) -> NoReturn:
    """Make the type checker prove a match is exhaustive (typing.assert_never is 3.11)."""
    raise AssertionError(f"unhandled: {value!r}")


# What COS holds


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and its region. name: `<name>-<appid>`; region: such as `ap-guangzhou`."""

    name: str
    region: str

    def __str__(self) -> str:
        return f"{self.name}@{self.region}"


@dataclass(frozen=True, slots=True)
class Upload:
    """
    One unfinished multipart upload.

    If COS lists a key with bytes that are not UTF-8, `key` carries them as lone surrogates (`surrogateescape`).
    """

    bucket: Bucket
    key: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class ListedUpload:
    """
    An upload as a listing shows it.

    initiated: UTC, None when unreadable. A time without a zone can mean two moments: `initiated` is the later one and
    `earliest` the earlier one; otherwise `earliest` is None. initiator: the id of the account that started it, or ''.
    text: the key as the response has it, '' where that is equal to the key. storage_class: in capital letters, or ''.
    """

    upload: Upload
    initiated: datetime | None
    initiator: str = ""
    earliest: datetime | None = None
    text: str = ""
    storage_class: str = ""

    @property
    def raw_key(self) -> str:
        """The key as the response has it."""
        return self.text or self.upload.key

    def with_key(self, key: str) -> "ListedUpload":
        """The same upload under another reading of its key."""
        return replace(self, upload=replace(self.upload, key=key), text=self.raw_key)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload. last_modified: UTC, None when it cannot be read. size: bytes."""

    last_modified: datetime | None
    size: int
    number: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class PartsSeen:
    """All parts of an upload, as one look showed them. bytes: of all; newest: UTC, None without a readable part."""

    bytes: int
    parts: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position after which a listing continues: a key and an upload id. Both empty: from the beginning."""

    key: str = ""
    upload_id: str = ""


BEGINNING = Cursor()


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a bucket's unfinished uploads, in COS's order.

    next: None after the last page. date: COS's clock in the response, UTC; skew: that minus our clock; both None when
    COS sent no date.
    """

    listed: tuple[ListedUpload, ...]
    next: Cursor | None
    skew: timedelta | None = None
    request_id: str = ""
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartsPage:
    """
    One page of an upload's parts, ordered by number.

    next: the part number after which the next page begins, None after the last page. skew, date: as for `Page`. sent:
    when the request was sent, in seconds by the clock of the run's deadline; None where that is unknown.
    """

    parts: tuple[Part, ...]
    next: int | None
    skew: timedelta | None = None
    date: datetime | None = None
    sent: float | None = None


@dataclass(frozen=True, slots=True)
class BucketsPage:
    """
    One page of the buckets that the role can list.

    next: the marker of the next page, None after the last page. owner: the CAM id of the account, or ''.
    """

    buckets: tuple[Bucket, ...]
    next: str | None
    date: datetime | None = None
    owner: str = ""


# What an event requests


@dataclass(frozen=True, slots=True)
class AbortRequest:
    """
    Abort one upload that an event names.

    bucket: `<name>-<appid>`, not yet checked against the settings. region: as the event has it, None if it has none.
    origin: the position in the event, such as `record 3`; it is shown when the request is rejected.
    """

    bucket: str
    key: str
    upload_id: str
    region: str | None = None
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class CompletedObject:
    """
    An object was completed at `completed_at`: older unfinished uploads of exactly its key are stale siblings.

    other_keys: the other keys that the event can mean if it does not prove how its key is encoded; () when the key is
    certain.
    """

    bucket: str
    key: str
    completed_at: datetime
    origin: str = "event"
    other_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """
    Sweep whole buckets. Each field narrows what the settings allow; None: the setting holds.

    inventory: read the parts of every upload, whatever its age, and abort nothing.
    """

    buckets: tuple[str, ...] | None = None
    prefixes: tuple[str, ...] | None = None
    min_age: timedelta | None = None
    min_idle: timedelta | None = None
    max_aborts: int | None = None
    dry_run: bool | None = None
    inventory: bool = False
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """Continue a chain of runs. checkpoint: as it arrived, not yet read."""

    checkpoint: object
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class Ignored:
    """
    An event, or one record of it, that is valid and requests nothing: nothing is done, and nothing is stored.

    reason: why it is ignored.
    """

    reason: str
    origin: str = "event"


@dataclass(frozen=True, slots=True)
class RejectedRequest:
    """
    The request was not carried out, and sending the same request again will not help.

    upload: None when the request does not name a readable one. sweep: a timer requested a sweep, which did not happen.
    """

    reason: str
    upload: Upload | None = None
    origin: str = "event"
    sweep: bool = False


Request = AbortRequest | CompletedObject | SweepRequest | ResumeRequest | RejectedRequest


# What the policy decides


@dataclass(frozen=True, slots=True)
class Keep:
    """Do not abort the upload, and why. seen: its parts, None where they were not all read."""

    reason: str
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class NeedsParts:
    """
    Nothing in the listing keeps the upload: its parts decide.

    started: the latest moment, UTC, at which it can have started; earliest: the earliest one, None if it is the same.
    """

    started: datetime
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """The upload is abandoned. bytes: the size of its parts, None when unknown."""

    bytes: int | None


Verdict = Keep | Abort
