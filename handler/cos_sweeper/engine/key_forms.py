"""
How COS writes keys with '%' or '+' in a listing, found out for each bucket.

The text of such a key can mean several keys. Before their order decides something, a marker above all, List Parts
proves for an upload of the page which reading is right; that holds for the bucket from then on. Without a proof a key
is read as the likeliest of its readings, and every reading of it counts where a doubt matters.
"""

from collections.abc import Sequence
from dataclasses import replace

from cos_sweeper.core import key_readings
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, Stopped, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Bucket, Cursor, ListedUpload, Page
from cos_sweeper.core.plan import ListingTarget
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.lookup import is_known

# Uploads of a page that are requested to find out how COS writes keys.
MAX_PROOFS = 3

# A bucket, and whether a key's text has a '%' and a '+'.
_Form = tuple[Bucket, bool, bool]


class KeyForms:
    """What is proven so far about the keys of each bucket."""

    def __init__(self, store: Store, deadline: Deadline) -> None:
        self._store = store
        self._deadline = deadline
        # None: as the response says, else an entry of key_readings.LISTING.
        self._proven: dict[_Form, int | None] = {}
        # Such keys stood in markers although nothing proved how they are written.
        self._unproven: set[_Form] = set()

    @property
    def has_doubt(self) -> bool:
        """Whether a marker was used whose key may have been read wrongly."""
        return any(self._proven.get(form, 0) is not None for form in self._unproven)

    def keys_of(self, listed: ListedUpload) -> Sequence[str]:
        """What its key can be: one key where it is proven how COS writes such keys."""
        form = _form(listed)
        if form not in self._proven:
            return key_readings.of(listed)
        way = self._proven[form]
        return (listed.upload.key if way is None else key_readings.LISTING[way](listed.raw_key),)

    async def read(self, page: Page, listing: ListingTarget) -> Page:
        """
        The page with its keys and its marker as COS means them. Raises Unavailable.

        First by the encoding that the response declares, then by the prefix that was requested.
        """
        if page.next is not None or listing.start.upload_id or listing.end is not None:
            await self._prove_page(page)
        mine = tuple(self._as_proven(listed, listing) for listed in page.listed)
        last = mine[-1].upload if mine else None
        following = page.next
        if following is not None and last is not None and following.upload_id == last.upload_id:
            following = Cursor(last.key, last.upload_id)
        return replace(page, listed=mine, next=following)

    async def _prove_page(self, page: Page) -> None:
        """
        Find out how COS writes the ambiguous keys of this page, with a few requests at most. Raises Unavailable.

        An upload that COS does not know under any key may be gone by now, so that the next one is tried; so it is when
        COS does not answer for one.
        """
        tried: dict[_Form, int] = {}
        failures: dict[_Form, Unavailable] = {}
        for listed in reversed(page.listed):
            form = _form(listed)
            if form in self._proven or tried.get(form, 0) >= MAX_PROOFS or not _is_ambiguous(listed):
                continue
            tried[form] = tried.get(form, 0) + 1
            try:
                await self._prove(listed)
            except Unavailable as exc:
                if isinstance(exc, Stopped) or self._deadline.passed:
                    raise
                failures[form] = exc
        # The last one stands in the marker.
        last = _form(page.listed[-1]) if page.next is not None and page.listed else None
        if last in tried and last not in self._proven:
            if last in failures:
                raise failures[last]
            self._unproven.add(last)

    async def _prove(self, listed: ListedUpload) -> None:
        """Find out how COS writes such a key. Raises Unavailable."""
        for key in key_readings.of(listed):
            try:
                is_right = await is_known(self._store, replace(listed.upload, key=key))
            except CosRejected:
                continue
            if is_right:
                way = None if key == listed.upload.key else key_readings.reading_index(listed.raw_key, key)
                self._proven[_form(listed)] = way
                return

    def _as_proven(self, listed: ListedUpload, listing: ListingTarget) -> ListedUpload:
        """As COS means it where that is proven, else as what was asked for, if it can mean that."""
        form = _form(listed)
        if form in self._proven:
            way = self._proven[form]
            return listed if way is None else listed.with_key(key_readings.LISTING[way](listed.raw_key))
        if listed.upload.key.startswith(listing.prefix):
            return listed
        asked_for = [key for key in key_readings.of(listed) if key.startswith(listing.prefix)]
        return listed.with_key(asked_for[0]) if asked_for else listed


def _form(listed: ListedUpload) -> _Form:
    """Where a key stands, and which characters of its text have several meanings."""
    text = listed.raw_key
    return listed.upload.bucket, "%" in text, "+" in text


def _is_ambiguous(listed: ListedUpload) -> bool:
    """Whether it has several meanings, and the likeliest of them can be requested."""
    return len(key_readings.of(listed)) > 1 and validate_key(listed.upload.key, listed.upload.upload_id) is None
