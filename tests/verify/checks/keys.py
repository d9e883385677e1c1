"""
Keys at the edges of what COS accepts.
"""

from tests.verify.outcome import Check, Contradicted, Outcome, judge
from tests.verify.world import World

MAX_BYTES = 850


async def longest_key(world: World) -> Outcome:
    start = f"{world.folder}long/"
    room = MAX_BYTES - len(start)
    fits = [start + "k" * room, start + "中" * (room // 3) + "k" * (room % 3)]
    replies = [await world.client.send("POST", key, {"uploads": ""}) for key in fits]
    longer = await world.client.send("POST", start + "k" * (room + 1), {"uploads": ""})
    listed = set((await world.listing("long/")).keys)
    seen = f"850 bytes: {replies[0]}, with CJK: {replies[1]}, listed {len(listed & set(fits))} of 2; 851: {longer}"
    is_right = all(one.status == 200 for one in replies) and set(fits) <= listed and longer.status == 400
    return judge(is_right, seen)


async def leading_slash(world: World) -> Outcome:
    return await _refused(world, f"/{world.folder}slash/a", f"{world.folder}slash/a")


async def leading_backslash(world: World) -> Outcome:
    return await _refused(world, f"\\{world.folder}backslash/a", f"{world.folder}backslash/a")


async def _refused(world: World, key: str, bare: str) -> Outcome:
    """Expected: no key begins so. Where COS accepts one, it matters under which key it lists the upload."""
    reply = await world.client.send("POST", key, {"uploads": ""})
    as_sent, without = (await world.listing_at(key)).keys, (await world.listing_at(bare)).keys
    where = "listed as sent" if as_sent else "listed without it" if without else "not listed"
    return judge(400 <= reply.status < 500 and not as_sent and not without, f"{reply}, {where}")


async def dot_segments(world: World) -> Outcome:
    """Below a folder of their own, so that they stay below the prefix wherever they are resolved."""
    names = ("x/y/.", "x/y/..", "x/./z", "x/../z")
    told = []
    for name in names:
        key = f"{world.folder}dots/{name}"
        try:
            await world.start_at(key)
        except Contradicted as exc:
            told.append(f"{name}: {str(exc).rpartition(': ')[2]}")
            continue
        told.append(f"{name}: {'as sent' if key in (await world.listing('dots/')).keys else 'another key'}")
    return judge(not any(one.endswith("another key") for one in told), "; ".join(told))


async def double_slash(world: World) -> Outcome:
    """`a//b` and `a/b` are two keys."""
    two = [await world.start(f"double/{name}") for name in ("a//b", "a/b")]
    keys = (await world.listing("double/")).keys
    reply = await world.abort(two[0])
    left = (await world.listing("double/")).keys
    seen = f"{len(set(keys))} of 2 keys; the abort of a//b: {reply}, left: {len(left)}"
    return judge(sorted(keys) == sorted(one.key for one in two) and left == [two[1].key], seen)


CHECKS = (
    Check("key-longest", "A key may have 850 bytes of UTF-8; one more is refused.", longest_key, 4),
    Check("key-slash", "No key begins with a slash.", leading_slash, 3),
    Check("key-backslash", "No key begins with a backslash.", leading_backslash, 3),
    Check(
        "key-dots",
        "COS does not resolve `.` and `..` in a key: it takes them as they are, or refuses.",
        dot_segments,
        8,
    ),
    Check("key-double-slash", "`a//b` and `a/b` are two keys.", double_slash),
)
