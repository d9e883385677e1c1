"""
A request as it came over the wire, and what can be read from it without knowing COS's operations.

Texts that are not UTF-8 are escaped as `surrogateescape` does, so that every byte survives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

MAX_DIGITS = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One request without its body. The path is decoded once; query and header pairs keep order and repetitions."""

    method: str
    raw_path: str
    raw_query: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    """Header names are lower-case."""

    def header(self, name: str, default: str = "") -> str:
        """The first header of that lower-case name."""
        return next((value for given, value in self.headers if given == name), default)

    def cos_header(self, name: str, default: str = "") -> str:
        """The header of COS of that name, or S3's of the same meaning."""
        return self.header(name) or self.header(name.replace("x-cos-", "x-amz-", 1)) or default

    def param(self, name: str, default: str = "") -> str:
        """The first query parameter of that name, decoded."""
        return next((value for given, value in self.query if given == name), default)

    def has_param(self, name: str) -> bool:
        """Whether the query names it, with a value or without."""
        return any(given == name for given, _ in self.query)


def read_call(method: str, target: str, headers: Iterable[tuple[str, str]]) -> Call:
    """Take a request line's target apart, keeping the raw bytes of path and query."""
    raw_path, _, raw_query = _origin_form(target).partition("?")
    return Call(
        method=method,
        raw_path=raw_path,
        raw_query=raw_query,
        path=decode(raw_path),
        query=tuple(_query_pairs(raw_query)),
        headers=tuple((name.lower(), value) for name, value in headers),
    )


def whole_number(text: str) -> int | None:
    """A number of digits only, not too many of them; `None` for anything else."""
    return int(text) if 0 < len(text) <= MAX_DIGITS and text.isascii() and text.isdigit() else None


def decode(text: str) -> str:
    """Undo percent-encoding, once."""
    return as_text(unquote_to_bytes(as_bytes(text))) if "%" in text else text


def encode(text: str, safe: str = "-_.~") -> str:
    """Percent-encode every byte but letters, digits and the safe ones."""
    return quote_from_bytes(as_bytes(text), safe)


def as_bytes(text: str) -> bytes:
    """The bytes that a text stands for."""
    return text.encode("utf-8", "surrogateescape")


def as_text(data: bytes) -> str:
    """The text that stands for bytes."""
    return data.decode("utf-8", "surrogateescape")


def _origin_form(target: str) -> str:
    """The target without scheme and authority, which a proxy's client puts before the path."""
    if target.startswith("/") or "://" not in target:
        return target
    _, slash, rest = target.partition("://")[2].partition("/")
    return slash + rest


def _query_pairs(raw_query: str) -> Iterable[tuple[str, str]]:
    """Form-decode: `+` is a space, and a parameter without `=` has an empty value."""
    for pair in raw_query.split("&"):
        if pair:
            name, _, value = pair.replace("+", " ").partition("=")
            yield decode(name), decode(value)
