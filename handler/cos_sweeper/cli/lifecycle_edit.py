"""
One more rule in a bucket's lifecycle document: bytes in, bytes out. Nothing here sends or writes anything.

COS replaces the whole document at each write, so a rule that is not sent again is gone. Therefore the document is
never taken apart and put together: the new rule goes as text before the closing tag of the root, and every other byte
stays. A parse then proves that the old document and the new rule are all that there is. What cannot be proven is
refused.
"""

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import escape

from cos_sweeper.cli.words import t
from cos_sweeper.core.coverage import LifecycleRule
from cos_sweeper.core.keys import MAX_KEY_BYTES, validate_prefix
from cos_sweeper.cos import lifecycle_xml
from cos_sweeper.cos.xml import Unreadable

ROOT = "LifecycleConfiguration"
MAX_RULES = 1000
MAX_DAYS = 3650
# A rule needs five levels.
MAX_DEPTH = 50
DEFAULT_ID = "abort-incomplete-uploads"
RULE_ID = re.compile(r"[A-Za-z0-9._-]{1,255}")
DECLARED_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']")
ODD_STARTS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00")
# Not between the two tags of an empty element.
BETWEEN_ELEMENTS = re.compile(r"(?<=>)(?<!<Filter>)\s*(?=<)|(?<=<Filter>)\s*(?=<[^/])")

Canonical = tuple[Any, ...]


class Refused(ValueError):
    """The rule cannot be added so that all that the bucket has is certain to stay. The message says why."""


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule that aborts uploads whose key begins with `prefix`, so many whole days after their start."""

    rule_id: str
    prefix: str
    days: int

    @property
    def xml(self) -> str:
        """The rule as COS's documents write it. Raises Refused for what COS could take for another rule."""
        _check(self)
        inside = f"<Prefix>{escape(self.prefix)}</Prefix>" if self.prefix else ""
        return (
            f"<Rule><ID>{self.rule_id}</ID><Filter>{inside}</Filter><Status>Enabled</Status>"
            f"<{lifecycle_xml.ABORT}><DaysAfterInitiation>{self.days}</DaysAfterInitiation></{lifecycle_xml.ABORT}></Rule>"
        )


def add(document: bytes | None, rule: NewRule) -> bytes:
    """
    The document with one more rule, the last one. document: as COS sent it, None if the bucket has none.

    Raises Refused.
    """
    if document is None or _is_empty(document):
        edited = f"<{ROOT}>{rule.xml}</{ROOT}>".encode()
        _prove_rules((), edited, rule)
        return edited
    _check_encoding(document)
    there = rules(document)
    _check_rules(there, rule)
    end = _closing_tag(document)
    edited = document[:end] + rule.xml.encode() + document[end:]
    _prove_rules(there, edited, rule)
    _prove_rest(document, edited)
    return edited


def rules(document: bytes) -> tuple[LifecycleRule, ...]:
    """The rules of a document. Raises Refused."""
    try:
        return lifecycle_xml.lifecycle_rules(document)
    except Unreadable as exc:
        raise Refused(t("the bucket's lifecycle document cannot be read: {why}", why=exc)) from exc


def free_id(document: bytes | None) -> str:
    """An id for the new rule that no rule of the document has. Raises Refused."""
    taken = set() if document is None else {rule.rule_id for rule in rules(document)}
    numbered = (f"{DEFAULT_ID}-{number}" for number in range(2, MAX_RULES + 2))
    return next(one for one in (DEFAULT_ID, *numbered) if one not in taken)


def is_same(document: bytes | None, other: bytes | None) -> bool:
    """Whether two documents have the same rules with the same elements, in any order and layout."""
    try:
        return _canonical_children(document) == _canonical_children(other)
    except ElementTree.ParseError:
        return document == other


def lost(document: bytes | None, stored: bytes | None) -> int:
    """How many rules or other elements of one document are not in the other. Raises Refused."""
    missing = list(_children_or_refused(document))
    for one in _children_or_refused(stored):
        if one in missing:
            missing.remove(one)
    return len(missing)


def lines(document: bytes | None) -> list[str]:
    """The document for a person to read, one element in a line. Not what is written."""
    text = (document or b"").decode("utf-8", "replace")
    shown, depth = [], 0
    for line in BETWEEN_ELEMENTS.sub("\n", text).splitlines():
        piece = line.strip()
        is_end, is_start = piece.startswith("</"), piece.startswith("<") and not piece.startswith(("</", "<?", "<!"))
        depth -= is_end
        shown.append("  " * max(depth, 0) + piece)
        depth += is_start and "</" not in piece and not piece.endswith("/>")
    return shown


# What is refused


def _check(rule: NewRule) -> None:
    why = validate_prefix(rule.prefix)
    if why:
        raise Refused(t("no key can begin with this prefix: {why}", why=why))
    if len(rule.prefix.encode("utf-8", "replace")) > MAX_KEY_BYTES:
        raise Refused(t("no key can begin with this prefix: keys have at most {n} bytes", n=MAX_KEY_BYTES))
    # Without them another prefix would be left, or none: a rule for the whole bucket.
    if rule.prefix != rule.prefix.strip() or not all(map(str.isprintable, rule.prefix)):
        raise Refused(t("the prefix begins or ends with a space, or has a character that COS could drop from the rule"))
    if not RULE_ID.fullmatch(rule.rule_id):
        raise Refused(t("the id of the rule may have letters, digits and `._-` only, 255 at most"))
    if not 1 <= rule.days <= MAX_DAYS:
        raise Refused(t("the number of days is not between 1 and {n}", n=MAX_DAYS))


def _check_encoding(document: bytes) -> None:
    declared = DECLARED_ENCODING.match(document)
    name = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    if document.startswith(ODD_STARTS) or name not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise Refused(t("the bucket's lifecycle document is not in UTF-8"))
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(t("the bucket's lifecycle document is not in UTF-8")) from None
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise Refused(
            t("the bucket's lifecycle document has a DOCTYPE or entities, so its text is not all that it means")
        )


def _check_rules(there: tuple[LifecycleRule, ...], rule: NewRule) -> None:
    if len(there) >= MAX_RULES:
        raise Refused(t("the bucket has {n} lifecycle rules, and COS keeps {m} at most", n=len(there), m=MAX_RULES))
    if any(one.rule_id == rule.rule_id for one in there):
        raise Refused(t("the bucket has a rule with the id {id} already", id=rule.rule_id))


def _prove_rules(there: tuple[LifecycleRule, ...], edited: bytes, rule: NewRule) -> None:
    """The edited document must be read as the rules that were there, and then the new one."""
    expected = LifecycleRule(rule.rule_id, "Enabled", aborts=True, days=rule.days, prefix=rule.prefix)
    if rules(edited) != (*there, expected):
        raise Refused(t("the rule cannot be added so that it is certain to be read as it is meant"))


def _prove_rest(document: bytes, edited: bytes) -> None:
    """A strict parse of both must show the old document, unchanged, and then one more element."""
    try:
        before, after = _parse(document), _parse(edited)
    except ElementTree.ParseError as exc:
        raise Refused(t("the bucket's lifecycle document is not well-formed XML")) from exc
    if _exact(before) != _exact(_without_last(after)):
        raise Refused(t("the rule cannot be added to this lifecycle document without a change to the rest of it"))


def _without_last(root: ElementTree.Element) -> ElementTree.Element:
    """The root without its last element; what follows that element stays, as the text before it."""
    last = root[-1]
    root.remove(last)
    if last.tail and len(root):
        root[-1].tail = (root[-1].tail or "") + last.tail
    elif last.tail:
        root.text = (root.text or "") + last.tail
    return root


def _exact(element: ElementTree.Element) -> Canonical:
    """All that a parser sees of an element."""
    return element.tag, element.attrib, element.text or "", element.tail or "", [_exact(child) for child in element]


# Where the rule goes


def _closing_tag(document: bytes) -> int:
    """Where the root's closing tag begins."""
    ends: list[int] = []
    parser = expat.ParserCreate()
    depth = [0]

    def start(_name: str, _attributes: object) -> None:
        depth[0] += 1

    def end(name: str) -> None:
        depth[0] -= 1
        if not depth[0]:
            ends.append(parser.CurrentByteIndex)
            if name != ROOT:
                raise Refused(
                    t("the root of the bucket's lifecycle document is {name}, not {root}", name=name[:40], root=ROOT)
                )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(document, True)  # noqa: FBT003 - the parser takes no keyword
    except expat.ExpatError as exc:
        raise Refused(t("the bucket's lifecycle document is not well-formed XML")) from exc
    if not document[ends[0] :].startswith(b"</"):
        raise Refused(t("the bucket's lifecycle document is one empty tag with attributes"))
    return ends[0]


def _is_empty(document: bytes) -> bool:
    """Whether the document is one empty tag and nothing else, so that there is nothing to preserve."""
    return re.fullmatch(rb"\s*(<\?xml[^>]*\?>)?\s*<LifecycleConfiguration\s*/>\s*", document) is not None


# Comparing


def _parse(document: bytes) -> ElementTree.Element:
    """Parse strictly, as UTF-8 whatever is declared, without entities. Raises ParseError, too, where it is deep."""
    text = document.decode("utf-8", "replace")
    if "<!DOCTYPE" in text:
        raise ElementTree.ParseError("a DOCTYPE")
    root = ElementTree.fromstring(text)  # noqa: S314
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
    if level:
        raise ElementTree.ParseError("nested too deep")
    return root


def _children_or_refused(document: bytes | None) -> list[Canonical]:
    try:
        return _canonical_children(document)
    except ElementTree.ParseError as exc:
        raise Refused(t("the bucket's lifecycle document is not well-formed XML")) from exc


def _canonical_children(document: bytes | None) -> list[Canonical]:
    if document is None:
        return []
    return sorted((_canonical(child) for child in _parse(document)), key=repr)


def _canonical(element: ElementTree.Element) -> Canonical:
    """What an element says, without layout, namespace and order. An empty prefix says as much as none."""
    name = element.tag.rpartition("}")[2]
    inside = [_canonical(child) for child in element]
    text = element.text or ""
    if name in ("Filter", "And"):
        inside = [one for one in inside if one != ("Prefix", (), "", ())]
    # A prefix may begin or end with a space; around elements it is layout.
    if len(element) or name == "Filter":
        text = text.strip()
    tails = "".join((child.tail or "").strip() for child in element)
    return name, tuple(sorted(element.attrib.items())), text + tails, tuple(sorted(inside, key=repr))
