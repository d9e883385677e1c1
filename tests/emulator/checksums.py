"""
CRC-64 as COS computes it (ECMA polynomial, reflected; the catalogues call it CRC-64/XZ), over content and over parts.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from typing import Protocol

import anycrc

_MODEL = anycrc.Model("CRC64-XZ")

_CRC32C = anycrc.Model("CRC32C")
_CRC64_NVME = anycrc.Model("CRC64-NVME")


class _Crc:
    """A checksum in the shape of hashlib's digests."""

    def __init__(self, size: int, continued: Callable[[bytes, int], int]) -> None:
        self._size, self._continued, self._crc = size, continued, 0

    def update(self, data: bytes) -> None:
        self._crc = self._continued(data, self._crc) if data else self._crc

    def digest(self) -> bytes:
        return self._crc.to_bytes(self._size, "big")


class Digest(Protocol):
    """A checksum that is being computed."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


AWS_CHECKSUMS: dict[str, Callable[[], Digest]] = {
    "x-amz-checksum-crc32": lambda: _Crc(4, zlib.crc32),
    "x-amz-checksum-crc32c": lambda: _Crc(4, _CRC32C.calc),
    "x-amz-checksum-crc64nvme": lambda: _Crc(8, _CRC64_NVME.calc),
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}
"""The headers in which AWS's clients say what a body's checksum is."""


def crc64(data: bytes, before: int = 0) -> int:
    """The checksum of what came before, of which the checksum is given, and of this after it."""
    return int(_MODEL.calc(data, before)) if data else before


def combined(parts: Iterable[tuple[int | None, int]]) -> int | None:
    """The checksum of parts in a row, each given as checksum and size; `None` if that of one is not known."""
    whole = 0
    for crc, size in parts:
        if crc is None:
            return None
        whole = int(_MODEL.combine(whole, crc, size)) if size else whole
    return whole
