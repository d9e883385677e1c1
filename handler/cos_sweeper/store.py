"""
What the sweep needs of COS, in our words.

Nothing here knows how it is done: over the official SDK in `cos`, in memory in the tests.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from cos_sweeper.model import Bucket, BucketsPage, Cursor, Page, PartsPage, Upload

# Other shapes than the one seen are accepted, as long as nothing in them could change the meaning of a request.
UPLOAD_ID = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}")
MAX_KEY_BYTES = 850


def why_unaddressable(key: str, upload_id: str) -> str | None:
    """
    Why this upload must not reach the SDK, or None when it may.

    Without an upload id the SDK sends Delete Object, without a key Delete Bucket; other keys end up on another path
    than the one that was signed (run on cos-python-sdk-v5 1.9.44).
    """
    if not upload_id:
        return "the upload id is empty: the request would delete the object"
    if not UPLOAD_ID.fullmatch(upload_id):
        return "the upload id is malformed"
    if key in ("", "/"):
        return "the key is empty: the request would address the bucket"
    if key.startswith("/"):
        return "the key starts with '/', which the SDK drops: give the key as COS lists it"
    if key.rpartition("/")[2] in (".", ".."):
        return "the key's last segment is '.' or '..', which collapses on the way"
    return _why_not_text(key)


def _why_not_text(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key is not valid UTF-8"
    return None if size <= MAX_KEY_BYTES else f"the key has {size} bytes, COS allows {MAX_KEY_BYTES}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """COS's word, a 204, that an upload is aborted."""

    request_id: str


class Store(Protocol):
    """
    All that a sweep needs of COS.

    Every method raises `Unavailable` when COS failed for now and `Rejected` when it refused for good, after its own
    retries. Many tasks of one thread may be inside at once (`turns`).
    """

    def buckets(self, marker: str) -> BucketsPage:
        """List the account's buckets after `marker` ('' for the first page)."""
        ...

    def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """List at most 1000 unfinished uploads after `start` whose keys begin with `prefix`."""
        ...

    def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:
        """
        List at most 1000 parts with a number above `after`. Raises `NoSuchUpload`.

        for_abort: an abort may follow at once, so its turn under the rate limit is taken together with this one's.
        """
        ...

    def abort(self, upload: Upload, within: float | None = None) -> Receipt:
        """
        Abort one upload. Returns only on a 204. Raises `NoSuchUpload`.

        within: seconds in which the request must leave, once, in the turn that was taken with the look at the parts;
        None: when its turn comes, and again where that may help.

        Raises `Refusal`, sending nothing, for a key or an upload id that would address something else.
        """
        ...

    def give_back(self, bucket: Bucket) -> None:
        """The turn that was taken for an abort is not needed."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait, and let other tasks go on. False, at once, when no request could be sent afterwards."""
        ...

    def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Keep a run's report as an object."""
        ...
