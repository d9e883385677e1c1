"""
What there is: the buckets, the clients that use them, the time, and the faults in force.

Clients may act whenever they like, also in the middle of a run. What they did to which upload is written down.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from cos_sweeper.core.errors import CosRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, Upload
from tests.emulator.public import Account, Seed, plant
from tests.emulator.public import bucket as cos
from tests.simulation.in_memory.terms import HELD, Seen, Skews

BEGINNING = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
ODD_NAME = "odd-upload-{}"


@dataclass(slots=True)
class Fault:
    """
    A fault of requests. on: page, parts, abort, buckets, or lost for an abort whose answer is lost on the way back.

    how: unavailable, busy, which the same run may try again, rejected, or stopped, after which nothing is answered.
    left: how many more it strikes, None for as long as it lasts. skip: how many it lets through first.
    """

    on: str
    how: str
    left: int | None = None
    skip: int = 0
    bucket: Bucket | None = None
    key: str | None = None

    def strikes(self, on: str, bucket: Bucket | None, key: str) -> bool:
        """Whether it strikes this request; counts it if it does."""
        if on != self.on or self.bucket not in (None, bucket) or self.key not in (None, key) or self.left == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.left = self.left and self.left - 1
        return True

    def error(self) -> StoreError:
        """The error that the caller receives. A response that is lost has none."""
        if self.on == "lost":
            return Unavailable("ReadTimeout", is_retryable=self.how == "busy")
        if self.how == "rejected":
            return CosRejected("AccessDenied", 403, "request-of-a-fault")
        if self.how == "stopped":
            return Stopped("ExpiredToken", 403, "request-of-a-fault")
        return Unavailable("SlowDown", 503, "request-of-a-fault", is_retryable=self.how == "busy")


@dataclass(frozen=True, slots=True)
class Quirk:
    """How COS misstates times: by so much or, with None, so that they cannot be read. parts: of every other one."""

    initiated: timedelta | None = timedelta(0)
    parts: timedelta | None = timedelta(0)


PLAIN = Quirk()


@dataclass(slots=True)
class Weather:
    """
    The faults that are in force.

    our_lead: our clock minus COS's. date: what COS's Date says of that: the truth, nothing, or a lie (COS minus ours).
    lies: in responses to which of page and parts; the others have the right date.
    """

    faults: list[Fault] = field(default_factory=list)
    lists_gone: bool = False
    hides_new: bool = False
    our_lead: timedelta = timedelta(0)
    date: str | timedelta = "the truth"
    lies: tuple[str, ...] = ("page", "parts")

    def skew(self, on: str) -> timedelta | None:
        """The skew that the function sees."""
        if self.date == "the truth" or on not in self.lies:
            return -self.our_lead
        return self.date if isinstance(self.date, timedelta) else None

    @property
    def skews(self) -> Skews:
        """The same, by listings and by lists of parts."""
        return self.skew("page"), self.skew("parts")


@dataclass(frozen=True, slots=True)
class Act:
    """What a client does to the upload picked or to the one at hand. what: start, feed, resend, complete or abort."""

    what: str
    pick: int = 0
    at_hand: bool = False


class Scene:
    """The account as its clients and the function share it."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.conditions = Weather()
        self.account = Account("1250000000", random.Random(7))
        for bucket in HELD:
            self.account.put_bucket(bucket.name, bucket.region, now=self.now)
        self.live: dict[str, Upload] = {}
        self.gone: dict[str, tuple[Upload, cos.Upload]] = {}
        # Which upload changed, and by which chain; None for a client.
        self.changes: list[tuple[str, object]] = []
        self.quirks: dict[str, Quirk] = {}
        self.ghosts: set[str] = set()
        self.hidden: set[str] = set()
        self.were_hidden: set[str] = set()
        self._odd = 0

    @property
    def ours(self) -> datetime:
        """What our own clock shows."""
        return self.now + self.conditions.our_lead

    def start(
        self, bucket: Bucket, seed: Seed, quirk: Quirk = PLAIN, *, odd_id: bool = False, acting: bool = True
    ) -> None:
        """A client began so many uploads, some time ago. acting: it did so just now, which COS may not list yet."""
        if odd_id:
            self._odd += 1
            seed = replace(seed, count=1, upload_id=ODD_NAME.format(self._odd))
        for one in plant(self.account.bucket(bucket.name), seed):
            self.live[one.upload_id] = Upload(bucket, one.key, one.upload_id)
            self.changes.append((one.upload_id, None))
            if quirk != PLAIN:
                self.quirks[one.upload_id] = quirk
            if acting and self.conditions.hides_new:
                self.hidden.add(one.upload_id)
                self.were_hidden.add(one.upload_id)

    def act(self, act: Act, at_hand: Upload | None = None) -> None:
        """A client acts, if there is an upload to act on. at_hand: the upload that the function requests."""
        if act.what == "start" or not self.live:
            self.start(HELD[act.pick % 2], Seed(self.now, self.now, f"raw/new-{act.pick % 3}", part_numbers=()))
            return
        upload = self.picked(act.pick)
        if act.at_hand and at_hand is not None and self.held(at_hand):
            upload = at_hand
        bucket = self.account.bucket(upload.bucket.name)
        held = bucket.upload(upload.key, upload.upload_id)
        numbers = sorted(held.parts.by_number)
        if act.what in ("feed", "resend"):
            again = act.what == "resend" and numbers
            number = numbers[act.pick % len(numbers)] if again else (numbers or [0])[-1] + 1
            etag = f"{number:032x}"
            bucket.upload_part(upload.key, upload.upload_id, number, size=11 + act.pick % 7, etag=etag, now=self.now)
        else:
            if act.what == "complete":
                listed = [(number, held.parts.by_number[number].etag) for number in numbers[-1:]]
                bucket.complete(upload.key, upload.upload_id, listed, now=self.now)
            else:
                bucket.abort(upload.key, upload.upload_id)
            self.leave(upload, held)
        self.changes.append((upload.upload_id, None))

    def picked(self, pick: int) -> Upload:
        """One of the uploads there are."""
        return self.live[list(self.live)[pick % len(self.live)]]

    def held(self, upload: Upload) -> cos.Upload | None:
        """The upload as COS holds it."""
        known = self.live.get(upload.upload_id)
        return self.account.bucket(upload.bucket.name).upload(upload.key, upload.upload_id) if known == upload else None

    def leave(self, upload: Upload, held: cos.Upload, by: object = None) -> None:
        """The upload is gone, by whatever cause."""
        del self.live[upload.upload_id]
        self.gone[upload.upload_id] = upload, held
        self.changes.append((upload.upload_id, by))
        if self.conditions.lists_gone:
            self.ghosts.add(upload.upload_id)

    def changed(self, since: int, by_others_than: object = None) -> set[str]:
        """The ids of uploads that others changed."""
        return {name for name, who in self.changes[since:] if who is None or who is not by_others_than}

    def seen(self, upload: Upload) -> Seen | None:
        """What COS shows of an upload, or showed before it was gone; None if there never was one."""
        held = self.held(upload)
        if held is None:
            was, held = self.gone.get(upload.upload_id, (None, None))
            if was != upload or held is None:
                return None
        quirk = self.quirks.get(upload.upload_id, PLAIN)
        parts = sorted(held.parts.by_number.values(), key=lambda part: part.number)
        times = tuple(reported(part.last_modified, quirk.parts if part.number % 2 else timedelta(0)) for part in parts)
        return Seen(upload.key, upload.upload_id, reported(held.initiated, quirk.initiated), times)

    def strike(self, on: str, bucket: Bucket | None, key: str) -> Fault | None:
        """The fault that strikes this request, if any."""
        return next((fault for fault in self.conditions.faults if fault.strikes(on, bucket, key)), None)

    def clear(self) -> None:
        """End all faults."""
        self.conditions = Weather()
        self.ghosts.clear()
        self.hidden.clear()


def reported(moment: datetime, quirk: timedelta | None) -> datetime | None:
    """A time as COS shows it."""
    return None if quirk is None else moment.replace(microsecond=0) + quirk


def parts_upto(numbers: int) -> Sequence[int]:
    """The numbers of so many parts."""
    return range(1, numbers + 1)
