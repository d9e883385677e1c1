"""
The XML documents that COS gets with a request.
"""

from dataclasses import dataclass
from xml.etree import ElementTree

from tests.emulator.errors import CosError, malformed_xml, not_implemented
from tests.emulator.wire import whole_number


def read_complete(body: bytes) -> list[tuple[int, str]]:
    """The part numbers and ETags, without quotes, that a Complete Multipart Upload lists; MalformedXML without any."""
    root = read_root(body, "CompleteMultipartUpload")
    listed = [{local_name(field): field.text or "" for field in part} for part in root if local_name(part) == "Part"]
    try:
        parts = [(_number(part["PartNumber"]), part["ETag"].strip().strip('"')) for part in listed]
    except (KeyError, ValueError):
        raise malformed_xml() from None
    if not parts:
        raise malformed_xml()
    return parts


def _number(text: str) -> int:
    number = whole_number(text.strip())
    if number is None:
        raise malformed_xml()
    return number


def read_delete(body: bytes) -> "Deletion":
    """What a multi-object delete lists; MalformedXML without any key."""
    root = read_root(body, "Delete")
    objects = [one for one in root if local_name(one) == "Object"]
    listed = [{local_name(field): field.text or "" for field in one} for one in objects]
    if not (listed and all(one.get("Key") for one in listed)) or list(map(len, listed)) != list(map(len, objects)):
        raise malformed_xml()
    if any(one.get("VersionId") for one in listed):
        raise not_implemented("The emulator's COS does not implement versions of objects.")
    known = {"Object", "Quiet"}, {"Key", "VersionId"}
    unknown = {local_name(one) for one in root} - known[0] | {name for one in listed for name in one} - known[1]
    if unknown:
        raise not_implemented(f"The emulator's COS does not implement {', '.join(sorted(unknown))} of a delete.")
    quiet = [(one.text or "").strip().lower() for one in root if local_name(one) == "Quiet"]
    if quiet not in ([], [""], ["true"], ["false"]):
        raise malformed_xml()
    return Deletion([one["Key"] for one in listed], quiet=quiet == ["true"])


@dataclass(frozen=True, slots=True)
class Deletion:
    """The keys that a multi-object delete lists, and whether only those are shown that were not deleted."""

    keys: list[str]
    quiet: bool


def check_object_lock(body: bytes) -> bytes:
    """An Object Lock configuration as it came, if it is one. It can only be enabled."""
    root = read_root(body, "ObjectLockConfiguration")
    names = [local_name(one) for one in root]
    if [(one.text or "").strip() for one in root if local_name(one) == "ObjectLockEnabled"] != ["Enabled"]:
        raise malformed_xml()
    if names != ["ObjectLockEnabled"]:
        raise not_implemented(f"The emulator's COS does not implement {', '.join(names)} together: it locks no object.")
    return body


def check_bucket_configuration(body: bytes, region: str) -> None:
    """Take what a new bucket is to be like, if it says nothing but the region that it has anyway."""
    for one in read_root(body, "CreateBucketConfiguration"):
        if local_name(one) != "LocationConstraint":
            raise not_implemented(f"The emulator's COS does not implement {local_name(one)} of a bucket.")
        if (one.text or "").strip() not in ("", region):
            raise CosError(400, "InvalidLocationConstraint", f"This bucket would be in {region}.")


def read_root(body: bytes, name: str) -> ElementTree.Element:
    """The root element of a document, if it has that name; MalformedXML otherwise."""
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed_xml() from None
    if local_name(root) != name:
        raise malformed_xml()
    return root


def local_name(element: ElementTree.Element) -> str:
    """An element's name without its namespace: clients send several, and none."""
    return element.tag.rpartition("}")[2]
