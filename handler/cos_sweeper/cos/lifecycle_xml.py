"""
COS's lifecycle rules and Object Lock configuration → our values.

Takes bytes, returns values, raises Unreadable. A rule in an undocumented form is kept with a doubt: nothing in it is
guessed. Loaded only where coverage is read.
"""

from xml.etree import ElementTree

from cos_sweeper.core.coverage import LifecycleRule
from cos_sweeper.cos.xml import REPLACEMENT, Unreadable, parse

ABORT = "AbortIncompleteMultipartUpload"
# Other elements of a rule could narrow it.
ELEMENTS = frozenset(
    {"ID", "Status", "Filter", "Prefix", "Transition", "Expiration", "NoncurrentVersionTransition"}
    | {"NoncurrentVersionExpiration", ABORT}
)


def lifecycle_rules(body: bytes) -> tuple[LifecycleRule, ...]:
    """Read a LifecycleConfiguration."""
    root = parse(body, "LifecycleConfiguration")
    rules = root.findall("Rule")
    if len(root) and not rules:
        raise Unreadable("the lifecycle configuration has elements, and none of them is a rule")
    return tuple(_rule(element) for element in rules)


def object_lock(body: bytes) -> bool:
    """Read an ObjectLockConfiguration: whether Object Lock is enabled."""
    texts = {
        (one.text or "").strip().lower() for one in parse(body, "ObjectLockConfiguration").iter("ObjectLockEnabled")
    }
    if "enabled" in texts:
        return True
    if texts - {"", "disabled"}:
        raise Unreadable("ObjectLockEnabled has an unknown value")
    return False


def _rule(element: ElementTree.Element) -> LifecycleRule:
    rule_id, status = _only(element, "ID") or "", (_only(element, "Status") or "").strip()
    actions = element.findall(ABORT)
    if not actions:
        return LifecycleRule(rule_id, status)
    days, doubt = _days(actions)
    prefix, why_scope = _scope(element)
    unknown = next((child.tag for child in element if child.tag not in ELEMENTS), "")
    doubt = doubt or why_scope or (f"it has an unknown element, {_shown(unknown)}" if unknown else "")
    if any(one.attrib for one in element.iter()):
        doubt = doubt or "it has attributes"
    has_tags = any(True for scope in element.iterfind("Filter") for _ in scope.iter("Tag"))
    return LifecycleRule(rule_id, status, days=days, prefix=prefix, aborts=True, has_tags=has_tags, doubt=doubt)


def _days(actions: list[ElementTree.Element]) -> tuple[int, str]:
    """Whole days since the start of an upload, or 0 and why they are not known."""
    given = list(actions[0])
    text = (_text(given[0]) or "").strip() if len(given) == 1 and given[0].tag == "DaysAfterInitiation" else ""
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if len(actions) > 1 or days < 1:
        return 0, "its action is not one number of days after the start of an upload"
    return days, ""


def _scope(rule: ElementTree.Element) -> tuple[str, str]:
    """The prefix that a rule is for, '' for the whole bucket, and why that is not certain."""
    filters, prefixes = rule.findall("Filter"), rule.findall("Prefix")
    if len(filters) + len(prefixes) != 1:
        return "", "it has more than one filter" if filters or prefixes else "it has no filter"
    conditions = prefixes or _conditions(filters[0])
    if filters and _has_stray_text(filters[0]):
        return "", "its filter has a text"
    unknown = next((one.tag for one in conditions if one.tag not in ("Prefix", "Tag")), "")
    if unknown:
        return "", f"its filter has {_shown(unknown)}"
    of_prefix = [one for one in conditions if one.tag == "Prefix"]
    texts = [_text(one) for one in of_prefix] or [""]
    if len(texts) > 1 or texts[0] is None or REPLACEMENT in texts[0]:
        return "", "its prefix cannot be read"
    return texts[0], ""


def _conditions(element: ElementTree.Element) -> list[ElementTree.Element]:
    """The conditions of a filter, all of which must hold. An empty And, which is not documented, stays as it is."""
    inside = list(element)
    return list(inside[0]) or inside if len(inside) == 1 and inside[0].tag == "And" else inside


def _has_stray_text(scope: ElementTree.Element) -> bool:
    """Whether there is a text that belongs to no condition."""
    inside = [scope, *scope.findall("And")]
    return any((one.text or "").strip() or any((each.tail or "").strip() for each in one) for one in inside)


def _only(element: ElementTree.Element, name: str) -> str | None:
    """The text of the only child with that name; None if there is none, or another one, or if it is no text."""
    found = element.findall(name)
    return _text(found[0]) if len(found) == 1 else None


def _text(element: ElementTree.Element) -> str | None:
    """The text of an element; None if it has elements."""
    return None if len(element) else element.text or ""


def _shown(name: str) -> str:
    return f"<{''.join(one if one.isprintable() else '?' for one in name[:40])}>"
