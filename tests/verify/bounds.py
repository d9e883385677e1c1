"""
Which requests may leave: those to one bucket, about keys below one prefix that nobody else uses, and a few reads.

Values in, values out. `sender` asks here before each request.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cos_sweeper.core.model import Bucket

ROOT = "cos-sweeper-verify/"
PREFIX = re.compile(re.escape(ROOT) + "[0-9a-f]{16}/")
SERVICE_HOST = "service.cos.myqcloud.com"
CONFIGURATIONS = {"lifecycle", "object-lock", "versioning"}
HEADERS = {"x-cos-security-token", "x-cos-storage-class"}


def new_prefix() -> str:
    """A prefix that nobody else uses."""
    return f"{ROOT}{secrets.token_hex(8)}/"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may touch. prefix: made by `new_prefix`; whatever is below it, this run or its like made."""

    bucket: Bucket
    prefix: str

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.prefix):
            raise ValueError(f"a prefix is {ROOT}<16 hex digits>/")

    @property
    def prefixes(self) -> tuple[str, ...]:
        r"""The prefix, and the same after the characters with which no key should begin."""
        return self.prefix, f"/{self.prefix}", f"\\{self.prefix}"

    @property
    def host(self) -> str:
        """The bucket's."""
        return f"{self.bucket.name}.cos.{self.bucket.region}.myqcloud.com"

    def why_not(self, method: str, url: str, headers: Mapping[str, object]) -> str:
        """Why this request may not leave, or ''."""
        host, _, rest = url.partition("://")[2].partition("/")
        raw_path, _, query = rest.partition("?")
        params = dict(_pairs(query))
        unknown = [name for name in headers if name.lower().startswith("x-cos-") and name.lower() not in HEADERS]
        if unknown:
            return f"the header {unknown[0]}"
        if host == SERVICE_HOST:
            return "" if method == "GET" and not raw_path else "only the list of buckets may be read there"
        if host != self.host:
            return "another host"
        if not raw_path:
            return self._why_not_bucket(method, params)
        return "" if self.is_ours(unquote(raw_path)) else "a key that is not below the prefix"

    def _why_not_bucket(self, method: str, params: Mapping[str, str]) -> str:
        if method != "GET":
            return "a request that changes the bucket"
        if set(params) & CONFIGURATIONS:
            return "" if len(params) == 1 else "another reading of a configuration"
        return "" if params.get("prefix", "").startswith(self.prefixes) else "a listing beyond the prefix"

    def is_ours(self, key: str) -> bool:
        """Whether the key is below the prefix, also where somebody on the way resolves `.`, `..` and `//`."""
        return key.startswith(self.prefixes) and _resolved(key.lstrip("\\")).startswith(self.prefix)


def _resolved(key: str) -> str:
    left: list[str] = []
    for segment in key.split("/"):
        if segment == "..":
            del left[-1:]
        elif segment not in ("", "."):
            left.append(segment)
    return "/".join([*left, ""])


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        yield unquote(name), unquote(value)
