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
# An asynchronous event has 128 KB at most; only what somebody waits for the answer of can be larger.
MAX_EVENT_LENGTH = 1 << 20
MAX_REASONS = 1000


def digest(event: object) -> str:
    """Hexadecimal, of the event as JSON with its names sorted; '' for one that is nested too deeply to be written."""
    try:
        text = json.dumps(event, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def document(event: Any, refused: Sequence[Refused], scrubber: Scrubber) -> bytes:
    """
    The first reasons, and under `event` what can be sent again, without secrets.

    In place of an event that is too large or nested too deeply for the function's memory stands what it was.
    """
    told = [facts(each) for each in refused[:MAX_REASONS]]
    return json.dumps({"reasons": len(refused), "refused": told, "event": _kept(event, scrubber)}, default=str).encode()


def _kept(event: Any, scrubber: Scrubber) -> Any:
    try:
        size = len(json.dumps(event, default=str))
        if size > MAX_EVENT_LENGTH:
            return f"not kept: {size} characters of JSON"
        cleaned = scrubber.clean_all(event)
        json.dumps(cleaned, default=str)
    except (RecursionError, ValueError, TypeError):
        return "not kept: nested too deeply"
    return cleaned
