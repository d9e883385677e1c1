"""
How COS lists unfinished uploads: order, markers, freshness, keys.
"""

from collections.abc import Callable
from urllib.parse import unquote

from cos_sweeper.core.model import Upload
from tests.verify.outcome import CannotTell, Check, Contradicted, Different, Outcome, judge
from tests.verify.world import Listing, World

POLL_SECONDS = 0.5
FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
# U+FF5A sorts before U+1F600 as UTF-8 and after it as UTF-16.
ORDERED = ("a", "A", "a-", "a/", "a0", "á", "中", "\uff5a", "\U0001f600", "~", "_", "aa", "a b", "a+b")
AWKWARD = (
    "a b",
    "a+b",
    "a%2Fb",
    "100%",
    "a&b=c",
    "a<b>",
    "a\"'b",
    "中文",
    "\U0001f600",
    "a//b",
    "a\\b",
    "a;b,c",
    "a?b#c",
    "[a]{b}",
    "a~b",
    "a|b^c`",
    " a ",
    "é",
    "e\u0301",
)
CONTROLS = ("a\x01b", "a\tb", "a\nb", "a\rb", "a\x7fb", "a\x1fb", "a\ufffeb")


async def markers_within_a_key(world: World) -> Outcome:
    """1,001 uploads of one key: a full page and one more. Fewer in a test, with smaller pages."""
    many = world.options.many
    uploads = await world.start_many(["markers/same"] * many)
    pages: list[Listing] = []
    marker: dict[str, str] = {}
    for _ in range(4):
        pages.append(await world.listing("markers/", max_uploads=str(many - 1), **marker))
        if pages[-1].fields.get("IsTruncated", "").lower() != "true":
            break
        marker = following(pages[-1])
    listed = [one for page in pages for one in page.ids]
    missing = {one.upload_id for one in uploads} - set(listed)
    sizes = " + ".join(str(len(page.ids)) for page in pages)
    seen = f"pages of {sizes}; {len(missing)} missing, {len(listed) - len(set(listed))} twice"
    last = pages[0].uploads[-1] if pages[0].uploads else {}
    is_last = following(pages[0]) == {
        "key_marker": unquote(last.get("Key", "")),
        "upload_id_marker": last.get("UploadId", ""),
    }
    seen += "; the markers are the page's last upload" if is_last else "; the markers are not the page's last upload"
    is_full = len(pages[0].ids) == many - 1 and len(pages) > 1
    await world.abort_many(uploads)
    return judge(not missing and len(listed) == len(set(listed)) and is_full and is_last, seen)


def following(page: Listing) -> dict[str, str]:
    """The markers of the next page. COS encodes the key; whether also the id does not matter to an id of digits."""
    return {
        "key_marker": unquote(page.fields.get("NextKeyMarker", "")),
        "upload_id_marker": page.fields.get("NextUploadIdMarker", ""),
    }


async def key_marker_alone(world: World) -> Outcome:
    uploads = [await world.start(f"key-marker/{name}") for name in ("a", "b", "b", "c")]
    middle = uploads[1].key
    alone = await world.listing("key-marker/", key_marker=middle)
    ignored = await world.listing("key-marker/", upload_id_marker=uploads[1].upload_id)
    seen = f"of a, b, b, c: after b: {_names(alone)}; with the id marker alone: {_names(ignored)}"
    return judge(alone.keys == [uploads[3].key] and ignored.keys == [one.key for one in uploads], seen)


def _names(page: Listing) -> str:
    return ", ".join(key.rpartition("/")[2] for key in page.keys)


async def marker_that_is_gone(world: World) -> Outcome:
    """A sweep aborts the last upload of a page, and asks for the next page after it."""
    for name in ("a", "a", "a", "b"):
        await world.start(f"marker-gone/{name}")
    before = await world.listing("marker-gone/")
    if len(before.ids) != 4:
        raise Contradicted(f"4 uploads, {len(before.ids)} listed")
    reply = await world.abort(Upload(world.bucket, before.keys[1], before.ids[1]))
    after = await world.listing("marker-gone/", key_marker=before.keys[1], upload_id_marker=before.ids[1])
    alone = await world.abort(Upload(world.bucket, before.keys[3], before.ids[3]))
    last = await world.listing("marker-gone/", key_marker=before.keys[3], upload_id_marker=before.ids[3])
    seen = f"aborts: {reply.status}, {alone.status}; it goes on with {len(after.ids)} of 2, and {len(last.ids)} of 0"
    return judge(after.ids == before.ids[2:] and not last.ids, seen)


async def order_of_keys(world: World) -> Outcome:
    await world.start_many([f"order/{name}" for name in ORDERED])
    # A key whose first start was answered too late is there twice.
    listed = list(dict.fromkeys((await world.listing("order/")).keys))
    wanted = sorted((f"{world.folder}order/{name}" for name in ORDERED), key=str.encode)
    if sorted(listed) != sorted(wanted):
        raise CannotTell(f"{len(listed)} of {len(wanted)} keys are listed")
    wrong = next((key for key, right in zip(listed, wanted, strict=True) if key != right), "")
    seen = f"the first out of order is {wrong.rpartition('/')[2]!a}" if wrong else f"{len(wanted)} keys in byte order"
    return judge(not wrong, seen)


async def order_within_a_key(world: World) -> Outcome:
    made = []
    for number in range(3):
        if number:
            await world.options.sleep(1.1)
        made.append(await world.start("order-of-ids/a"))
    ids = (await world.listing("order-of-ids/")).ids
    is_by_id, is_by_start = ids == sorted(ids), ids == [one.upload_id for one in made]
    seen = f"{len(ids)} uploads, {'by' if is_by_id else 'not by'} id, {'by' if is_by_start else 'not by'} start"
    return judge(len(ids) == 3 and is_by_id and is_by_start, seen)


async def appears_at_once(world: World) -> Outcome:
    upload = await world.start("fresh/a")
    seconds = await _until(world, "fresh/", lambda ids: upload.upload_id in ids)
    return _fresh(seconds, "a new upload is listed")


async def vanishes_at_once(world: World) -> Outcome:
    upload = await world.start("stale/a")
    await _until(world, "stale/", lambda ids: upload.upload_id in ids)
    await world.abort(upload)
    return _fresh(
        await _until(world, "stale/", lambda ids: upload.upload_id not in ids), "an aborted one is not listed"
    )


async def _until(world: World, name: str, is_reached: Callable[[list[str]], bool]) -> float | None:
    """Seconds until a listing shows it; None if none did."""
    clock, began = world.options.clock, world.options.clock()
    while clock() - began < PATIENCE_SECONDS:
        asked = clock()
        if is_reached((await world.listing(name)).ids):
            return asked - began
        await world.options.sleep(POLL_SECONDS)
    return None


def _fresh(seconds: float | None, what: str) -> Outcome:
    if seconds is None:
        return Different(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
    return judge(seconds < FRESH_SECONDS, f"{what} after {seconds:.1f} s")


async def encoding_of_keys(world: World) -> Outcome:
    """Every key that COS accepts is listed as it was sent."""
    return await _round_trip(world, "encoding", AWKWARD, must_start=True)


async def encoding_of_control_characters(world: World) -> Outcome:
    return await _round_trip(world, "controls", CONTROLS, must_start=False)


async def _round_trip(world: World, name: str, names: tuple[str, ...], *, must_start: bool) -> Outcome:
    refused, keys = [], []
    for one in names:
        key = f"{world.folder}{name}/{one}"
        try:
            keys.append((await world.start_at(key)).key)
        except Contradicted as exc:
            refused.append(f"{one!a}: {str(exc).rpartition(': ')[2]}")
    page = await world.listing(f"{name}/")
    encoded = page.fields.get("Encoding-Type") or page.fields.get("EncodingType") or "not announced"
    wrong = sorted(set(keys) ^ set(page.keys))
    shown = ", ".join(f"{one.removeprefix(world.folder + name)!a}" for one in wrong[:4])
    seen = f"{len(keys)} keys, encoding {encoded}" + (f"; listed otherwise: {shown}" if wrong else "")
    seen += f"; refused: {', '.join(refused)}" if refused else ""
    return judge(not wrong and encoded == "url" and not (must_start and refused), seen)


async def prefixes_are_literal(world: World) -> Outcome:
    names = ("a b/1", "a+b/1", "a%20b/1", "a_b/1", "A b/1")
    await world.start_many([f"prefixes/{name}" for name in names])
    found = {name: (await world.listing(f"prefixes/{name[:-1]}")).keys for name in names}
    wrong = [name for name, keys in found.items() if set(keys) != {f"{world.folder}prefixes/{name}"}]
    return judge(
        not wrong, f"not exactly its own key: {wrong}" if wrong else f"{len(names)} prefixes, each its own key"
    )


CHECKS = (
    Check("list-fresh", "A new upload is in the next listing.", appears_at_once, 3),
    Check("list-gone", "An aborted upload is not in the next listing.", vanishes_at_once, 4),
    Check("marker-gone", "A listing goes on after a marker whose upload was just aborted.", marker_that_is_gone, 10),
    Check(
        "key-marker",
        "A key marker alone skips all uploads of its key; an id marker alone is ignored.",
        key_marker_alone,
        6,
    ),
    Check("order-keys", "Keys are listed in the order of their UTF-8 bytes.", order_of_keys, 16),
    Check("order-ids", "Uploads of one key are listed by id, which is the order of their starts.", order_within_a_key),
    Check(
        "encoding-keys",
        "With encoding-type=url every key is listed as it was sent, and the encoding is announced.",
        encoding_of_keys,
        20,
    ),
    Check(
        "encoding-controls",
        "So is a key with control characters, where COS accepts one.",
        encoding_of_control_characters,
        8,
    ),
    Check("prefix-literal", "A prefix is compared byte for byte.", prefixes_are_literal, 10),
)
# The one that takes most requests: the start and the abort of 1,001 uploads.
LARGE = (
    Check(
        "markers-same-key",
        "With both markers, a listing shows each of 1,001 uploads of one key once.",
        markers_within_a_key,
        2005,
    ),
)
