"""
A request and its response as people see them with `--trace`: as on the wire, without what must not leave.

Secrets go: in every header, in the query, in bodies. Keys go where RECORD_KEYS=hash: in the path, in the query, and in
bodies, of which only what is known to hold no key is shown. What is not printable is escaped, so that a server cannot
write to the terminal. Values in, values out.
"""

import re
from collections import deque
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from cos_sweeper.cli.words import t
from cos_sweeper.core.redaction import HIDDEN, SECRET_NAME, Redactor

MAX_SHOWN = 2000
# The ends of a SecretId, which tell which key signed. A short one would be given away by them.
SHOWN_OF_ID, MIN_ID = 4, 16
SIGNATURE = re.compile(rb"(?:q-signature|Signature)=([0-9A-Za-z%]+)")
TOKEN = re.compile(rb"(?im)^[\w-]*token: *(\S+)")
# The parts of COS's Authorization that say how it was signed.
OF_SIGNATURE = frozenset({"q-sign-algorithm", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list"})
TC3 = re.compile(r"(TC3-HMAC-SHA256 Credential=)([^/,\s]+)(/[\w/-]+, ?SignedHeaders=[\w;-]+, ?Signature=)[0-9a-f]+")
SECRET_WORDS = SECRET_NAME.pattern
# Values in JSON, in JSON that is a text in JSON, and of the variables of a deployed function.
IN_JSON = (
    re.compile(rf'("[^"\\]*(?:{SECRET_WORDS})[^"\\]*"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE | re.DOTALL),
    re.compile(
        rf'(\\+"[^"\\]*(?:{SECRET_WORDS})[^"\\]*\\+"\s*:\s*\\+")(?:(?!\\+"\s*[,}}\]]).)+', re.IGNORECASE | re.DOTALL
    ),
    re.compile(r'("Key"\s*:\s*"[^"]*"\s*,\s*"Value"\s*:\s*")(?:[^"\\]|\\.)+', re.DOTALL),
    re.compile(r'("Value"\s*:\s*")(?:[^"\\]|\\.)+(?="\s*,\s*"Key"\s*:)', re.DOTALL),
)
IN_XML = re.compile(rf"(<[\w:-]*(?:{SECRET_WORDS})[\w:-]*>)[^<]+", re.IGNORECASE)
TAG = re.compile(r"(<[^<>]*>)")
PLAIN_TAG = re.compile(r"</?([\w:.-]+) ?/?>|<\?xml[^<>]*\?>")
KEY_PARAMETERS = frozenset({"prefix", "key-marker", "marker", "delimiter"})
KEY_ELEMENTS = frozenset({"Key", "Prefix", "KeyMarker", "NextKeyMarker", "Marker", "NextMarker"})
KEYLESS_ELEMENTS = frozenset(
    {
        *("Bucket", "Name", "Location", "CreationDate", "UploadId", "UploadIdMarker", "NextUploadIdMarker"),
        *(
            "Initiated",
            "StorageClass",
            "ID",
            "DisplayName",
            "EncodingType",
            "Encoding-Type",
            "Encoding-type",
            "MaxUploads",
            "MaxKeys",
        ),
        *("MaxParts", "IsTruncated", "PartNumber", "PartNumberMarker", "NextPartNumberMarker", "Size", "ETag"),
        *("LastModified", "Code", "RequestId", "TraceId", "Status", "Days", "DaysAfterInitiation", "Date"),
    }
)


class Masks(NamedTuple):
    """What is taken out of one exchange. redactor: of the command. own: of the signatures and tokens of requests."""

    redactor: Redactor
    own: Redactor

    @property
    def hides_keys(self) -> bool:
        """Whether keys are hashed."""
        return self.redactor.mask.is_on

    def text(self, text: str) -> str:
        """The text without a secret."""
        return self.own.redact(self.redactor.redact(text))

    def key(self, text: str) -> str:
        """The mask of a key that is percent-encoded."""
        return self.redactor.mask.key(unquote(text))


def masks_of(request: bytes, redactor: Redactor, earlier: deque[str] | None = None) -> Masks:
    """
    What to take out of a request and its response. earlier: what the requests before had, which a server can repeat;
    what this one has is added.
    """
    head = request.partition(b"\r\n\r\n")[0]
    known = deque[str]() if earlier is None else earlier
    for one in (*SIGNATURE.findall(head), *TOKEN.findall(head)):
        text = one.decode("latin-1")
        if text not in known:
            known.append(text)
    return Masks(redactor, Redactor(known))


def request_lines(request: bytes, masks: Masks) -> list[str]:
    """A request."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = _text(head).split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    lines = [f"{method} {target_of(target, masks)} {version}", *(_header(line, masks) for line in headers), ""]
    return [*map(escaped, lines), *body_lines(body, masks)]


def target_of(target: str, masks: Masks) -> str:
    """Path and query."""
    path, mark, query = target.partition("?")
    if masks.hides_keys and len(path) > 1:
        path = "/" + masks.key(path[1:])
    return escaped(masks.text(path) + mark + "&".join(_parameter(one, masks) for one in query.split("&")))


def head_lines(head: bytes, masks: Masks) -> list[str]:
    """Status line and headers of a response."""
    first, *headers = _text(head).split("\r\n")
    return [escaped(masks.text(first)), *(escaped(_header(line, masks)) for line in headers)]


def body_lines(body: bytes, masks: Masks) -> list[str]:
    """A body up to MAX_SHOWN characters, and how long the rest is. It is cut last, so no half of a secret stays."""
    if not body:
        return []
    text = _text(body)
    if masks.hides_keys:
        if not text.lstrip().startswith("<"):
            return [t("({n} bytes, not shown: RECORD_KEYS=hash)", n=len(body))]
        text = _without_keys(text, masks)
    text = masks.text(text)
    for pattern in (IN_XML, *IN_JSON):
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    rest = len(text[MAX_SHOWN:].encode("utf-8", "backslashreplace"))
    lines = [escaped(line) for line in text[:MAX_SHOWN].split("\n")]
    return [*lines, *([t("… {n} more bytes", n=rest)] if rest else [])]


def escaped(text: str) -> str:
    """The text with everything that is not printable as its code."""
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape", "backslashreplace").decode("ascii")
        for one in text
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _header(line: str, masks: Masks) -> str:
    name, colon, value = line.partition(":")
    if name.strip().lower() == "authorization":
        return f"{name}{colon} {_authorization(value.strip())}"
    if value.strip() and SECRET_NAME.search(name):
        return f"{name}{colon} {HIDDEN}"
    return masks.text(line)


def _authorization(value: str) -> str:
    if found := TC3.fullmatch(value):
        return f"{found[1]}{_ends(found[2])}{found[3]}{HIDDEN}"
    parts = [one.partition("=") for one in value.split("&")]
    if any(not name.startswith("q-") for name, _, _ in parts):
        return HIDDEN
    return "&".join(f"{name}={_part(name, text)}" for name, _, text in parts)


def _part(name: str, text: str) -> str:
    if name == "q-ak":
        return _ends(text)
    return text if name in OF_SIGNATURE else HIDDEN


def _ends(secret_id: str) -> str:
    return f"{secret_id[:SHOWN_OF_ID]}{HIDDEN}{secret_id[-SHOWN_OF_ID:]}" if len(secret_id) >= MIN_ID else HIDDEN


def _parameter(pair: str, masks: Masks) -> str:
    name, _, value = pair.partition("=")
    if not value:
        return masks.text(pair)
    if name == "q-ak" or (SECRET_NAME.search(name) and name not in OF_SIGNATURE):
        return f"{name}={HIDDEN}"
    if masks.hides_keys and name in KEY_PARAMETERS:
        return f"{name}={masks.key(value)}"
    return masks.text(pair)


def _without_keys(text: str, masks: Masks) -> str:
    """An XML document. A text stays only where its element is known to hold no key."""
    shown, element = [], ""
    for one in TAG.split(text):
        tag = PLAIN_TAG.fullmatch(one)
        if tag:
            element = "" if one.startswith(("</", "<?")) else tag[1]
            shown.append(one)
        elif not one.strip() or element in KEYLESS_ELEMENTS:
            shown.append(one)
        else:
            shown.append(masks.key(unescape(one)) if element in KEY_ELEMENTS else HIDDEN)
    return "".join(shown)
