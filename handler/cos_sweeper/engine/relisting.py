"""
Uploads that a listing showed and COS did not know: whether the listing still shows them at the end of the run.

An upload that it still shows was not simply gone. Only the first of many are listed again, and none without time: the
others are counted separately.
"""

from collections.abc import Sequence

from cos_sweeper.core.errors import StoreError
from cos_sweeper.core.model import BEGINNING, Bucket, ListedUpload
from cos_sweeper.core.outcomes import AT_LIMIT, AlreadyGone, ListedButNotFound, fields
from cos_sweeper.engine.key_forms import KeyForms
from cos_sweeper.engine.listing import up_to_other_keys
from cos_sweeper.engine.paginator import Paginator
from cos_sweeper.engine.result import Uncounted
from cos_sweeper.engine.run_state import RunState

# Listings of single keys at the end of a run, and how many uploads are remembered for them.
MAX_RELISTINGS = 200
MAX_REMEMBERED = 5000


class GoneUploads:
    """The uploads that were gone, by bucket and the keys that theirs can be."""

    def __init__(self, state: RunState, key_forms: KeyForms) -> None:
        self._state = state
        self._key_forms = key_forms
        # With each upload: whether the next run lists it again in any case.
        self._by_keys: dict[tuple[Bucket, Sequence[str]], list[tuple[ListedUpload, bool]]] = {}
        self._remembered = 0
        self._relistings = 0

    def remember(self, listed: ListedUpload, *, is_listed_again: bool = False) -> None:
        """Only the first of many keys are listed once more, so the others need not be remembered."""
        where = listed.upload.bucket, self._key_forms.keys_of(listed)
        if self._remembered < MAX_REMEMBERED and (where in self._by_keys or len(self._by_keys) < MAX_RELISTINGS):
            self._by_keys.setdefault(where, []).append((listed, is_listed_again))
            self._remembered += 1
        else:
            self._state.count(AlreadyGone(listed.upload, is_checked=False), listed)

    async def list_again(self) -> list[Uncounted]:
        """List the keys once more and count what was gone. Returns what the next run counts."""
        uncounted: list[Uncounted] = []
        for (bucket, keys), uploads in self._by_keys.items():
            ids = await self._ids_of(bucket, keys)
            for listed, is_listed_again in uploads:
                upload = listed.upload
                if ids is None or upload.upload_id not in ids:
                    self._state.count(AlreadyGone(upload, is_checked=ids is not None), listed)
                elif is_listed_again:
                    uncounted.append(Uncounted(ListedButNotFound(upload), listed))
                else:
                    outcome = ListedButNotFound(upload)
                    self._state.log.warning("upload.listed_but_not_found", **fields(outcome))
                    self._state.count(outcome, listed)
        return uncounted

    async def _ids_of(self, bucket: Bucket, keys: Sequence[str]) -> set[str] | None:
        """The ids of the uploads that the listing has under any of these keys; None when that is unknown."""
        ids: set[str] = set()
        try:
            for key in keys:
                walk = Paginator(BEGINNING)
                while walk.next is not None:
                    if self._relistings >= MAX_RELISTINGS or self._state.why_stop(bucket) not in ("", AT_LIMIT):
                        return None
                    self._relistings += 1
                    page = up_to_other_keys(await self._state.store.page(bucket, walk.next, key), keys)
                    ids.update(one.upload.upload_id for one in page.listed)
                    walk.advance(page)
        except StoreError:
            return None
        return ids
