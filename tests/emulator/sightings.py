"""
What List Multipart Uploads shows: what is there, and where a test wants it something else.

Three things can differ, each for so many listings or for ever: an upload that is gone is still listed (a ghost), one
that is there is not listed (forgotten), and a listing is of an earlier moment (frozen). No other operation notices.
"""

from dataclasses import replace

from tests.emulator.errors import invalid_argument
from tests.emulator.listing import Both, Index, Page, Position, Query, order, page
from tests.emulator.stored import Ghost, Upload

GONE_MARKERS = ("accept", "refuse", "refuse_without_uploads", "restart_key")
"""What a listing can do with an upload-id-marker whose upload is not there any more."""
BEFORE_EVERY_ID = "\0"


class Sightings:
    """The listings of one bucket's uploads."""

    def __init__(self, uploads: Index[Upload]) -> None:
        self.ghosts: Index[Ghost] = Index()
        self._uploads = uploads
        self._forgotten: dict[Position, int | None] = {}
        self._frozen: Index[Upload] | None = None
        self._frozen_listings: int | None = None

    def make_ghost(self, upload: Upload, listings: int | None) -> None:
        """From now on an upload is gone, but so many listings (`None`: all) still show it."""
        self._uploads.drop(_position(upload))
        self.ghosts.put(_position(upload), Ghost(upload, listings))

    def forget(self, upload: Upload, listings: int | None) -> None:
        """So many listings (`None`: all) do not show an upload that is there."""
        self._forgotten[_position(upload)] = listings

    def freeze(self, listings: int | None) -> None:
        """So many listings (`None`: all) are of this moment, whatever happens to the uploads."""
        frozen: Index[Upload] = Index()
        shown = self._shown().after(("", ""))
        frozen.put_all((position, each.upload if isinstance(each, Ghost) else each) for position, each in shown)
        self._frozen, self._frozen_listings = frozen, listings

    def thaw(self) -> None:
        """Listings are of their own moment again."""
        self._frozen = None

    def list(self, query: Query, gone_markers: str = "accept") -> Page[Upload]:
        """List uploads by key and then by upload id, both in byte order."""
        if gone_markers != "accept":
            query = self._with_marker_checked(query, gone_markers)
        if self._frozen is not None:
            listed = page(self._frozen, query)
            self._frozen_listings = _one_less(self._frozen_listings)
            if self._frozen_listings == 0:
                self._frozen = None
            return listed
        if not len(self.ghosts) and not self._forgotten:
            return page(self._uploads, query)
        return self._list_what_differs(query)

    def _list_what_differs(self, query: Query) -> Page[Upload]:
        listed = page(self._shown(), query)
        for ghost in [each for each in listed.entries if isinstance(each, Ghost)]:
            self._count_ghost(ghost)
        self._count_forgotten(query, listed.next_marker)
        entries = tuple(each.upload if isinstance(each, Ghost) else each for each in listed.entries)
        return Page(entries, listed.common_prefixes, listed.next_marker)

    def _shown(self) -> Both[Upload | Ghost]:
        return Both(self._uploads, self.ghosts, without=self._forgotten)

    def _count_ghost(self, ghost: Ghost) -> None:
        """Count one listing that shows it."""
        if ghost.listings == 1:
            self.ghosts.drop(_position(ghost.upload))
        elif ghost.listings is not None:
            self.ghosts.put(_position(ghost.upload), Ghost(ghost.upload, ghost.listings - 1))

    def _count_forgotten(self, query: Query, next_marker: tuple[str, str] | None) -> None:
        """Count one listing for each upload that would stand on this page."""
        start, prefix = (order(query.key_marker), query.id_marker or "\U0010ffff"), order(query.prefix)
        end = (order(next_marker[0]), next_marker[1]) if next_marker else None
        for position, listings in list(self._forgotten.items()):
            after_start = not query.key_marker or position > start
            if after_start and position[0].startswith(prefix) and (end is None or position < end):
                left = _one_less(listings)
                if left == 0:
                    del self._forgotten[position]
                else:
                    self._forgotten[position] = left

    def _with_marker_checked(self, query: Query, gone_markers: str) -> Query:
        """What to list where an upload-id-marker may name an upload that is gone."""
        listed: Both[Upload | Ghost] = Both(self._uploads, self.ghosts)
        position = (order(query.key_marker), query.id_marker)
        if not (query.key_marker and query.id_marker) or listed.get(position) is not None:
            return query
        if gone_markers == "restart_key":
            return replace(query, id_marker=BEFORE_EVERY_ID)
        of_key = next(listed.after((position[0], "")), None)
        if gone_markers == "refuse_without_uploads" and of_key is not None and of_key[0][0] == position[0]:
            return query
        raise invalid_argument("The specified upload-id-marker is invalid.")


def _one_less(listings: int | None) -> int | None:
    return None if listings is None else listings - 1


def _position(upload: Upload) -> Position:
    return (order(upload.key), upload.upload_id)
