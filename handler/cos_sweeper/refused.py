"""
What an event asked for and what was not done, put down so that somebody can look at it and send it again.

The digest stands in the log and in the name of what is kept; the same event, delivered again, has the same one.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cos_sweeper.log import Scrubber
from cos_sweeper.model import Refused
from cos_sweeper.report import facts

DIGEST_LENGTH = 32


def digest(event: object) -> str:
    """Hexadecimal, of the event as JSON with its names sorted; '' for one that is nested too deeply to be written."""
    try:
        text = json.dumps(event, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def document(event: Any, refused: Sequence[Refused], scrubber: Scrubber) -> bytes:
    """The reasons, and under `event` what can be sent again, without secrets."""
    reasons = [facts(each) for each in refused]
    try:
        return _written({"refused": reasons, "event": scrubber.clean_all(event)})
    except (RecursionError, ValueError, TypeError):
        return _written({"refused": reasons, "event": "nested too deeply to be kept"})


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, default=str).encode()
