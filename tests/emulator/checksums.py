"""
CRC-64 as COS computes it (ECMA polynomial, reflected; the catalogues call it CRC-64/XZ), over content and over parts.
"""

from collections.abc import Iterable

import anycrc

_MODEL = anycrc.Model("CRC64-XZ")


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
