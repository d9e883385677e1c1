"""
COS's rules for a lifecycle configuration. It is kept as it was written; only what COS rejects is rejected.
"""

import re
from datetime import datetime
from xml.etree import ElementTree

from tests.emulator.errors import CosError, invalid_argument, malformed_xml
from tests.emulator.job import STORAGE_CLASSES
from tests.emulator.read_documents import local_name, read_root

DAYS = re.compile(r"-?[0-9]{1,9}")
MAX_RULES = 1000
MAX_ID_BYTES = 255
STATUSES = ("Enabled", "Disabled")
ACTIONS = {
    "Transition": ("Days", "Date"),
    "Expiration": ("Days", "Date", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionTransition": ("NoncurrentDays",),
    "NoncurrentVersionExpiration": ("NoncurrentDays",),
    "AbortIncompleteMultipartUpload": ("DaysAfterInitiation",),
}
"""What a rule does, and the elements of which exactly one says when."""
NO_ACTIONS = ("ID", "Filter", "Prefix", "Status")
"""All else in a rule is an action, those among it that are newer than this."""
MOVES = ("Transition", "NoncurrentVersionTransition")
ABORT = "AbortIncompleteMultipartUpload"


def checked(body: bytes, *, whole: bool = True) -> bytes:
    """A lifecycle configuration as it came, if it is one that COS takes. whole: what its rules say is checked, too."""
    rules = [_children(rule) for rule in read_root(body, "LifecycleConfiguration") if local_name(rule) == "Rule"]
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml()
    if not whole:
        return body
    for rule in rules:
        _check_rule(rule)
    ids = [_text(element) for rule in rules for name, element in rule if name == "ID" and _text(element)]
    if len(ids) != len(set(ids)):
        raise invalid_argument("Rule ID must be unique. Found same ID for more than one rule.")
    return body


Children = list[tuple[str, ElementTree.Element]]


def _check_rule(rule: Children) -> None:
    names = [name for name, _ in rule]
    single = [name for name in names if name not in MOVES]
    if len(single) != len(set(single)) or set(names) <= set(NO_ACTIONS):
        raise malformed_xml()
    if [_text(element) for name, element in rule if name == "Status"] not in [[each] for each in STATUSES]:
        raise malformed_xml()
    if any(len(_text(element).encode()) > MAX_ID_BYTES for name, element in rule if name == "ID"):
        raise invalid_argument(f"The rule ID must not be longer than {MAX_ID_BYTES} bytes.")
    for name, element in rule:
        if name == "Filter":
            _check_filter(_children(element), aborts=ABORT in names)
        elif name in ACTIONS:
            _check_action(name, _children(element))


def _check_filter(conditions: Children, *, aborts: bool) -> None:
    """Nothing, a prefix, a tag, or several of them in an `And`."""
    if len(conditions) > 1:
        raise malformed_xml()
    inner = [each for name, element in conditions for each in (_children(element) if name == "And" else [])]
    every = inner or conditions
    if not {name for name, _ in every} <= {"Prefix", "Tag"} or sum(name == "Prefix" for name, _ in every) > 1:
        raise malformed_xml()
    tags = [dict(_children(element)) for name, element in every if name == "Tag"]
    if any(set(tag) != {"Key", "Value"} for tag in tags):
        raise malformed_xml()
    if tags and aborts:
        raise CosError(400, "InvalidRequest", f"{ABORT} cannot be specified with Tags.")


def _check_action(name: str, fields: Children) -> None:
    when = [(field, _text(element)) for field, element in fields if field in ACTIONS[name]]
    classes = [_text(element) for field, element in fields if field == "StorageClass"]
    if len(when) != 1 or len(classes) != (name in MOVES) or len(when) + len(classes) != len(fields):
        raise malformed_xml()
    for field, value in when:
        _check_when(name, field, value)
    if any(each.upper() not in STORAGE_CLASSES - {"STANDARD"} for each in classes):
        raise invalid_argument(f"The StorageClass of {name} is not valid.")


def _check_when(name: str, field: str, value: str) -> None:
    if field == "ExpiredObjectDeleteMarker":
        if value not in ("true", "false"):
            raise malformed_xml()
    elif field == "Date":
        _check_date(value)
    elif not DAYS.fullmatch(value):
        raise malformed_xml()
    elif int(value) < (0 if name in MOVES else 1):
        raise invalid_argument(f"{field!r} of {name} must be a positive integer.")


def _check_date(value: str) -> None:
    try:
        datetime.fromisoformat(value.removesuffix("Z").partition(".")[0])
    except ValueError:
        raise malformed_xml() from None


def _children(element: ElementTree.Element) -> Children:
    return [(local_name(child), child) for child in element]


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()
