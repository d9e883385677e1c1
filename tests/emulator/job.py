"""
One request that is to be carried out, and what goes back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.emulator.account import Account
from tests.emulator.bucket import Bucket
from tests.emulator.contents import Content
from tests.emulator.errors import CosError, invalid_argument
from tests.emulator.routing import Target, matches
from tests.emulator.stored import DEFAULT_CONTENT_TYPE, STANDARD, Described, Received
from tests.emulator.table import STORED
from tests.emulator.wire import Call, as_bytes, whole_number

XML = (("Content-Type", "application/xml"),)
DEFAULT_REGION = "ap-guangzhou"
META = "x-cos-meta-"
MAX_META_BYTES = 2 << 10
CLASSES = ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE")
STORAGE_CLASSES = frozenset((*CLASSES, *(f"MAZ_{name}" for name in CLASSES), "DEEP_ARCHIVE"))


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body, and the whole of it as bytes if it is a document."""

    received: Received
    document: bytes = b""


@dataclass(frozen=True, slots=True)
class OperationResponse:
    """
    What goes back: a body, or a span of a content.

    length: what Content-Length says where no body follows, in the answer to a HEAD.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""
    content: Content | None = None
    span: range = range(0)
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One request, ready to be carried out. may: whether its signer may do something else, too."""

    account: Account
    call: Call
    target: Target
    body: Body
    now: datetime
    may: Callable[[str, str, str], bool]

    @property
    def bucket(self) -> Bucket:
        """The bucket it is about, or NoSuchBucket."""
        return self.account.bucket(self.target.bucket)

    def number(self, name: str, default: int, maximum: int, minimum: int = 1) -> int:
        """A parameter's value from the minimum up, cut down to the maximum as COS does it."""
        value = whole_number(self.call.param(name) or str(default))
        if value is None or value < minimum:
            raise invalid_argument(f"The argument {name} must be a number from {minimum} to {maximum}.")
        return min(value, maximum)

    def described(self, before: Described = Described()) -> Described:  # noqa: B008 - a value
        """What the request's headers say of an object, its storage class by default as before."""
        kept = {}
        for name, value in self.call.headers:
            stored_as = _stored_name(name)
            if stored_as and matches(stored_as.lower(), STORED):
                kept[stored_as] = value
        meta = {name: value for name, value in kept.items() if name.lower().startswith(META)}
        if sum(len(as_bytes(name.lower().removeprefix(META) + value)) for name, value in meta.items()) > MAX_META_BYTES:
            raise CosError(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")
        encodings = [each.strip() for each in kept.pop("Content-Encoding", "").split(",")]
        if left := ",".join(each for each in encodings if each and each != "aws-chunked"):
            kept["Content-Encoding"] = left
        content_type = kept.pop("Content-Type", "") or DEFAULT_CONTENT_TYPE
        return Described(content_type, self._storage_class(before.storage_class), tuple(kept.items()))

    def _storage_class(self, default: str) -> str:
        given = self.call.cos_header("x-cos-storage-class")
        if given and given.upper() not in STORAGE_CLASSES:
            raise CosError(400, "InvalidStorageClass", "The storage class you specified is not valid.")
        return given.upper() or default or STANDARD

    def refuse_overwriting(self) -> None:
        """409 where the request forbids to overwrite the object that is there."""
        forbids = self.call.cos_header("x-cos-forbid-overwrite").lower()
        if forbids not in ("", "true", "false"):
            raise invalid_argument("x-cos-forbid-overwrite must be true or false.")
        if forbids == "true" and self.bucket.has_object(self.target.key):
            raise CosError(409, "FileAlreadyExists", "The object already exists and must not be overwritten.")


def _stored_name(name: str) -> str:
    """How a header is written that comes back; empty for the storage class, which is no header of its own."""
    if name.startswith("x-amz-meta-"):
        return name.replace("x-amz-", "x-cos-", 1)
    return "" if name.startswith(("x-cos-storage", "x-amz-")) else name if name.startswith("x-cos-") else name.title()
