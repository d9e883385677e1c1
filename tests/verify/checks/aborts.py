"""
What an abort does and answers.
"""

import asyncio

from cos_sweeper.core.model import Upload
from cos_sweeper.cos import xml
from tests.verify.client import NOT_IMPLEMENTED, Reply
from tests.verify.outcome import CannotTell, Check, Outcome, judge
from tests.verify.world import World

# The year 1970: no upload has this id.
NO_ID = "0" * 74
HALF_SECONDS = 1.0
LARGE_PART = b"\0" * (1 << 20)


def is_gone(reply: Reply) -> bool:
    return (reply.status, reply.code) == (404, "NoSuchUpload")


async def answers_204(world: World) -> Outcome:
    upload = await world.start("abort-204/a")
    await world.part(upload)
    reply = await world.abort(upload)
    request_id = "x-cos-request-id" if reply.headers.get("x-cos-request-id") else "no x-cos-request-id"
    is_empty = reply.status == 204 and not reply.body and request_id[:2] != "no"
    return judge(is_empty, f"{reply}, {len(reply.body)} bytes, {request_id}")


async def second_is_no_such_upload(world: World) -> Outcome:
    upload = await world.start("abort-twice/a")
    await world.part(upload)
    first, second, parts = await world.abort(upload), await world.abort(upload), await world.parts(upload)
    seen = f"{first}, then {second}; List Parts: {parts}"
    return judge(first.status == 204 and is_gone(second) and is_gone(parts), seen)


async def after_complete_is_no_such_upload(world: World) -> Outcome:
    await require_objects(world)
    upload = await world.start("abort-completed/a")
    await world.complete(upload, await world.part(upload))
    reply, kept = await world.abort(upload), await world.client.send("GET", upload.key)
    seen = f"{reply}; the object: {kept.status}, {len(kept.body)} bytes"
    return judge(is_gone(reply) and kept.status == 200 and kept.body, seen)


async def of_unknown_id_is_no_such_upload(world: World) -> Outcome:
    nothing = Upload(world.bucket, f"{world.folder}abort-unknown/a", NO_ID)
    reply, parts = await world.abort(nothing), await world.parts(nothing)
    return judge(is_gone(reply) and is_gone(parts), f"{reply}; List Parts: {parts}")


async def of_other_key_is_no_such_upload(world: World) -> Outcome:
    """The id alone does not address an upload: with another key nothing may be aborted."""
    upload = await world.start("abort-other-key/a")
    reply = await world.abort(Upload(world.bucket, f"{world.folder}abort-other-key/b", upload.upload_id))
    parts = await world.parts(upload)
    return judge(is_gone(reply) and parts.status == 200, f"{reply}; the upload of the right key: {parts}")


async def during_a_part(world: World) -> Outcome:
    """A part stops halfway, the upload is aborted, the rest of the part arrives."""
    upload = await world.start("abort-during-part/a")
    await world.part(upload)
    aborted: list[Reply] = []

    async def abort() -> None:
        await world.options.sleep(HALF_SECONDS)
        aborted.append(await world.abort(upload))

    params = {"partNumber": "2", "uploadId": upload.upload_id}
    part = await world.client.send_in_two(upload.key, params, LARGE_PART, abort)
    parts, again = await world.parts(upload), await world.abort(upload)
    seen = f"abort: {aborted[0]}; the part: {part}; List Parts then: {parts}; another abort: {again}"
    return judge(aborted[0].status == 204 and part.status == 404 and is_gone(parts) and is_gone(again), seen)


async def at_once_twice(world: World) -> Outcome:
    """Two aborts of one upload at the same time: an overlap of two chains."""
    upload = await world.start("abort-at-once/a")
    replies = await asyncio.gather(world.abort(upload), world.abort(upload))
    allowed = [reply.status in (204, 409) or is_gone(reply) for reply in replies]
    has_one = any(reply.status == 204 for reply in replies)
    return judge(all(allowed) and has_one, " and ".join(sorted(str(one) for one in replies)))


async def require_objects(world: World) -> None:
    """Raise CannotTell where an object that is made here could perhaps not be deleted, or would leave a version."""
    for name, word, missing, root, element in (
        ("object-lock", "Object Lock", (404,), "ObjectLockConfiguration", "ObjectLockEnabled"),
        ("versioning", "versions", (404, NOT_IMPLEMENTED), "VersioningConfiguration", "Status"),
    ):
        reply = await world.client.send("GET", "", {name: ""}, may_be_denied=True)
        if reply.status in missing or (reply.status == 200 and _is_empty(reply.body, root, element)):
            continue
        why = f"has, or had, {word}" if reply.status == 200 else f"may have {word} ({reply})"
        raise CannotTell(f"the bucket {why}: an object made here could stay")


def _is_empty(body: bytes, root: str, element: str) -> bool:
    """Whether a configuration says nothing. Suspended versions leave a marker for each delete."""
    try:
        return not xml.parse(body, root).findtext(element, "")
    except xml.Unreadable:
        return False


CHECKS = (
    Check("abort-204", "An abort answers 204 with an empty body and a request id.", answers_204),
    Check(
        "abort-twice",
        "After an abort, both another abort and List Parts answer 404 NoSuchUpload.",
        second_is_no_such_upload,
    ),
    Check(
        "abort-completed",
        "An abort after Complete answers 404 NoSuchUpload, and the object stays.",
        after_complete_is_no_such_upload,
        8,
    ),
    Check(
        "abort-unknown",
        "An abort of an id that never was answers 404 NoSuchUpload: so `check` can try the permission.",
        of_unknown_id_is_no_such_upload,
        2,
    ),
    Check(
        "abort-other-key",
        "An abort that names another key answers 404 NoSuchUpload and aborts nothing.",
        of_other_key_is_no_such_upload,
    ),
    Check(
        "abort-during-part",
        "A part that is on its way during an abort fails with 404, and no part is left.",
        during_a_part,
        6,
    ),
    Check(
        "abort-at-once", "Of two aborts at the same time one gets 204, and the other 204, 404 or 409.", at_once_twice
    ),
)
