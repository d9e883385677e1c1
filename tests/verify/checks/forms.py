"""
The forms of what COS writes: times, ids, initiators, elements, the parts of an upload.
"""

import re
from datetime import datetime, timedelta, timezone

from cos_sweeper.core import initiator, storage_class
from cos_sweeper.cos import xml
from tests.verify.outcome import CannotTell, Check, Outcome, judge
from tests.verify.world import World

UPLOAD_ID = re.compile(r"[0-9]{10}[0-9a-f]{64}")


async def forms_of_times(world: World) -> Outcome:
    upload = await world.start("times/a")
    await world.part(upload)
    (one,) = await _only(world, "times/")
    initiated = one.get("Initiated", "")
    reply = world.expect(await world.parts(upload), "List Parts")
    modified = xml.parse(reply.body, "ListPartsResult").findtext("Part/LastModified", "")
    seen = f"Initiated {_form(initiated)}; LastModified {_form(modified)}"
    return judge(xml.ISO.fullmatch(initiated) and xml.ISO.fullmatch(modified), seen)


async def form_of_ids(world: World) -> Outcome:
    upload = await world.start("ids/a")
    (one,) = await _only(world, "ids/")
    is_formed = bool(UPLOAD_ID.fullmatch(upload.upload_id)) and one["UploadId"] == upload.upload_id
    return judge(is_formed, f"{_form(upload.upload_id)} ({len(upload.upload_id)} characters)")


async def time_in_id(world: World) -> Outcome:
    upload = await world.start("id-times/a")
    (one,) = await _only(world, "id-times/")
    times = xml.start_times(one.get("Initiated", ""))
    if not upload.upload_id[:10].isdigit() or not times:
        raise CannotTell("the id or Initiated has another form")
    inside = datetime.fromtimestamp(int(upload.upload_id[:10]), timezone.utc)
    apart = inside - times[0]
    return judge(abs(apart) <= timedelta(seconds=1), f"the id is {apart.total_seconds():+.0f} s from Initiated")


async def form_of_initiators(world: World) -> Outcome:
    await world.start("initiators/a")
    (one,) = await _only(world, "initiators/")
    account, user = initiator.account_and_user(one["Initiator"])
    world.hide(account, "<account>")
    world.hide(user, "<user>")
    return judge(account, one["Initiator"] or "none")


async def forms_of_elements(world: World) -> Outcome:
    await world.start("elements/a")
    page = await world.listing("elements/", max_uploads="1")
    (one,) = page.uploads
    found = {"IsTruncated": page.fields.get("IsTruncated", ""), "StorageClass": one.get("StorageClass", "")}
    namespace = "a namespace" if "xmlns" in page.text else "no namespace"
    seen = ", ".join(f"{name} {value or 'missing'}" for name, value in found.items()) + f", {namespace}"
    return judge(
        found["IsTruncated"].lower() in ("true", "false") and found["StorageClass"].upper() in storage_class.CLASSES,
        seen,
    )


async def pages_of_parts(world: World) -> Outcome:
    upload = await world.start("parts/a")
    for number in (3, 1, 2):
        await world.part(upload, number)
    first = world.expect(await world.parts(upload, max_parts="2"), "List Parts")
    page = xml.parts_page(first.body, upload, 0)
    rest = world.expect(await world.parts(upload, part_number_marker=str(page.next or 0)), "List Parts")
    numbers = [one.number for one in (*page.parts, *xml.parts_page(rest.body, upload, page.next or 0).parts)]
    return judge(numbers == [1, 2, 3] and page.next == 2, f"of 3, 1, 2, two a page: {numbers}, marker {page.next}")


async def _only(world: World, name: str) -> tuple[dict[str, str]]:
    """The one upload that is listed there."""
    page = await world.listing(name)
    if len(page.uploads) != 1:
        raise CannotTell(f"{len(page.uploads)} uploads are listed in place of 1")
    return (dict(page.uploads[0]),)


def _form(text: str) -> str:
    """A text with its digits replaced: fit for a bug report."""
    if re.fullmatch("[0-9]{10}[0-9a-f]+", text):
        return f"10 digits + {len(text) - 10} hex"
    return re.sub("[0-9]", "9", text)[:60] or "missing"


CHECKS = (
    Check("time-forms", "Initiated and LastModified have the form 2026-03-04T10:01:33.000Z.", forms_of_times, 4),
    Check("id-form", "An upload id is 10 digits and 64 hex characters.", form_of_ids, 2),
    Check("id-time", "The digits of an id are the second of Initiated.", time_in_id, 2),
    Check("initiator-form", "An initiator is qcs::cam::uin/<account>:uin/<user>.", form_of_initiators, 2),
    Check("element-forms", "IsTruncated is true or false, StorageClass is one that is known.", forms_of_elements, 2),
    Check("parts-pages", "Parts are listed by number, in pages, whatever order they came in.", pages_of_parts, 6),
)
