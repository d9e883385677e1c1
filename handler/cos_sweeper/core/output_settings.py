"""
The settings about who is notified and what outputs show: how each is read, and what they need of each other.

No error quotes a secret.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cos_sweeper.core.webhook import UNSIGNED, is_local, service_of, webhook_url

SECRET = re.compile(r"[\x21-\x7e]{16,}")


def secret(text: str) -> str:
    """A secret. Raises ValueError for one that could be guessed."""
    if not SECRET.fullmatch(text):
        raise ValueError(
            "must be at least 16 printable ASCII characters without a space, such as the output of "
            "`openssl rand -hex 32`"
        )
    return text


def notify_url(text: str) -> str:
    """The URL of a webhook."""
    return webhook_url(text)


def notify(text: str) -> str:
    """When a message is sent."""
    if text.lower() not in ("problems", "always"):
        raise ValueError(f"{text!r} is neither `problems` nor `always`")
    return text.lower()


def record_keys(text: str) -> str:
    """How outputs show keys."""
    if text.lower() not in ("plain", "hash"):
        raise ValueError(f"{text!r} is neither `plain` nor `hash`")
    return text.lower()


def key_secret(environ: Mapping[str, str]) -> str | None:
    """The secret of the hashes that stand for keys; None where keys are shown."""
    is_on = _given(environ, "RECORD_KEYS").lower() == "hash"
    return (_given(environ, "RECORD_KEYS_SECRET") or None) if is_on else None


def contradictions(values: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """
    The problems of settings that are right one by one and of no use, or unsafe, together.

    values: those that could be read, by field.
    """
    url, secret_of_keys = values.get("notify_url"), values.get("record_keys_secret")
    if url and not _given(environ, "REPORT"):
        yield "NOTIFY_URL: needs REPORT, because the message is made from the stored report"
    if url and is_local(url) and not _given(environ, "COS_ENDPOINT"):
        yield "NOTIFY_URL: must begin with `https://`; `http://127.0.0.1:PORT` needs a local COS_ENDPOINT"
    if url and values.get("notify_secret") and service_of(url) in UNSIGNED:
        yield "NOTIFY_SECRET: the service of NOTIFY_URL takes no signature; remove it"
    if values.get("record_keys") == "hash" and not _given(environ, "RECORD_KEYS_SECRET"):
        yield "RECORD_KEYS_SECRET: not set; RECORD_KEYS=hash needs it, at least 16 characters"
    if secret_of_keys and not _given(environ, "RECORD_KEYS"):
        yield "RECORD_KEYS: not set, so RECORD_KEYS_SECRET hides nothing; set it to `hash` or `plain`"


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
