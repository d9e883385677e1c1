"""
Takes away what a run made: every upload and every object below its prefix, whoever knows of them.

It reads listings, so that also what a lost answer left is found; and lists again until nothing is there. What a listing
has beyond the prefix is not touched, and said.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote

from cos_sweeper.core.model import Upload
from cos_sweeper.cos import xml
from tests.verify.outcome import CannotTell, Contradicted, OutOfBounds, Unanswered
from tests.verify.sender import Sleep
from tests.verify.world import Listing, World

ROUNDS = 12
PAUSE_SECONDS = 1.0
PAGES = 100


@dataclass(slots=True)
class Cleaned:
    """left: what could not be taken away, and why; empty when the prefix is."""

    uploads: int = 0
    objects: int = 0
    left: list[str] = field(default_factory=list)


async def clean(world: World, *, objects: bool = True) -> Cleaned:
    """Abort and delete until nothing is listed. objects: whether there can be any. Raises nothing but cancellation."""
    done = Cleaned()
    sleep = world.options.sleep
    for prefix in world.bounds.prefixes:
        await _tried(done, f"uploads below {prefix}", partial(_abort_all, world, prefix, done), sleep)
    if objects:
        await _tried(done, f"objects below {world.prefix}", partial(_delete_all, world, done), sleep)
    return done


async def _tried(done: Cleaned, what: str, rounds: Callable[[], Awaitable[int]], sleep: Sleep) -> None:
    """Go round until nothing is left; a round that COS does not answer is followed by another one."""
    why = ""
    for turn in range(ROUNDS):
        if turn > 1:
            await sleep(PAUSE_SECONDS)
        try:
            left = await rounds()
        except Unanswered as exc:
            why = str(exc)
        except (CannotTell, Contradicted, OutOfBounds) as exc:
            why = str(exc)
            break
        else:
            if not left:
                return
            why = f"{left} are still listed"
    done.left.append(f"{what}: {why}")


async def _abort_all(world: World, prefix: str, done: Cleaned) -> int:
    """How many of ours were listed, before the abort."""
    markers: dict[str, str] = {}
    for _ in range(PAGES):
        listing = await world.persist(lambda: world.listing_at(prefix, **markers))  # noqa: B023
        ours = _uploads(world, listing)
        _note_foreign(done, len(listing.uploads) - len(ours))
        following = {
            "key_marker": unquote(listing.fields.get("NextKeyMarker", "")),
            "upload_id_marker": unquote(listing.fields.get("NextUploadIdMarker", "")),
        }
        if ours or listing.fields.get("IsTruncated", "").lower() != "true":
            replies = await world.abort_many(ours)
            done.uploads += sum(reply.status == 204 for reply in replies)
            return len(ours)
        if following == markers or not following["key_marker"]:
            break
        markers = following
    raise Contradicted("its pages say that more follow, and none comes")


def _uploads(world: World, listing: Listing) -> list[Upload]:
    return [
        Upload(world.bucket, key, upload_id)
        for key, upload_id in zip(listing.keys, listing.ids, strict=True)
        if upload_id and world.bounds.is_ours(key)
    ]


def _note_foreign(done: Cleaned, count: int) -> None:
    text = "COS listed what is not below the prefix; it was not touched"
    if count and text not in done.left:
        done.left.append(text)


async def _delete_all(world: World, done: Cleaned) -> int:
    """How many of ours were listed, before they were deleted."""
    listed, is_truncated = await world.persist(lambda: _objects(world))
    keys = [key for key in listed if world.bounds.is_ours(key)]
    _note_foreign(done, len(listed) - len(keys))
    if is_truncated and not keys:
        raise Contradicted("its pages say that more follow, and none comes")
    for key in keys:
        reply = await world.persist(partial(world.client.send, "DELETE", key))
        done.objects += reply.status == 204
    return len(keys)


async def _objects(world: World) -> tuple[list[str], bool]:
    """The keys of the first page, and whether more follow."""
    params = {"prefix": world.prefix, "encoding-type": "url"}
    reply = world.expect(await world.client.send("GET", "", params), "Get Bucket")
    try:
        root = xml.parse(reply.body, "ListBucketResult")
    except xml.Unreadable as exc:
        raise Contradicted(str(exc)) from exc
    keys = [unquote(one.findtext("Key", "")) for one in root.iterfind("Contents")]
    return keys, root.findtext("IsTruncated", "").lower() == "true"
