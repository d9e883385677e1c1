"""
The environment, read once, into settings; every problem at once.

Takes a mapping and returns values: it never looks at `os.environ` itself. Secrets never show in a repr.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cos_sweeper.errors import BadSettings, MissingCredentials
from cos_sweeper.model import Bucket

# COS: at most 60 characters with the appid; lower-case letters, digits and hyphens, no hyphen at either end.
BUCKET_NAME = re.compile(r"(?=.{3,60}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]{5,}")
REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)+")
LAPTOP = re.compile(r"http://127\.0\.0\.1:([0-9]{1,5})")
TOKEN = re.compile(r"[\x21-\x7e]{16,}")
CREDENTIALS = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The function's role, for at most six hours."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """Where reports are kept: objects under `prefix` (ends in '/', or is empty) in `bucket`."""

    bucket: Bucket
    prefix: str


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What the function may do and how.

    buckets: the allow-list, None for every bucket that the role can list. prefixes: () for all keys. http_token: None
    while unset, and then every HTTP request is turned away. cos_port, invoke_port: of a COS and an SCF on this machine,
    None for the cloud.
    """

    buckets: tuple[Bucket, ...] | None
    min_age: timedelta = timedelta(hours=168)
    min_idle: timedelta = timedelta(hours=72)
    event_min_idle: timedelta = timedelta(0)
    prefixes: tuple[str, ...] = ()
    spare_prefixes: tuple[str, ...] = ()
    dry_run: bool = True
    verify: str = "recent"
    max_aborts: int | None = None
    workers: int = 32
    fan_out: int = 1
    report: ReportPlace | None = None
    http_platform_auth: bool = False
    http_token: str | None = field(default=None, repr=False)
    cos_port: int | None = None
    invoke_port: int | None = None


def load(environ: Mapping[str, str]) -> Settings:
    """Read every setting. Raises BadSettings, with all that is wrong."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, (field_name, parse) in READERS.items():
        text = environ.get(name, "").strip()
        try:
            if text:
                values[field_name] = parse(text)
        except ValueError as exc:
            problems.append(f"{name}: {exc}")
    if not environ.get("BUCKETS", "").strip():
        problems.insert(0, "BUCKETS: not set. Give `name-appid@region`, comma-separated, or `*`")
    if problems:
        raise BadSettings(tuple(problems))
    return Settings(**values)


def credentials(environ: Mapping[str, str]) -> Credentials:
    """The role's credentials, as SCF keeps them in the environment. Raises MissingCredentials."""
    missing = tuple(name for name in CREDENTIALS if not environ.get(name, "").strip())
    if missing:
        raise MissingCredentials(missing)
    return Credentials(*(environ[name].strip() for name in CREDENTIALS))


def why_no_match(key: str) -> str:
    r"""Why no key can begin with this prefix, or ''. COS: keys do not start with '/' or '\\'."""
    if key.startswith(("/", "\\")):
        return "keys never start with '/' or '\\'"
    try:
        key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "it is not text"
    return ""


def _bucket(text: str) -> Bucket:
    """`name-appid@region` → Bucket. Raises ValueError."""
    name, at, region = text.partition("@")
    if not at or not BUCKET_NAME.fullmatch(name) or not REGION.fullmatch(region):
        raise ValueError(f"{text!r} is not `name-appid@region`, such as `photos-1250000000@ap-guangzhou`")
    return Bucket(name, region)


def _buckets(text: str) -> tuple[Bucket, ...] | None:
    if text == "*":
        return None
    found = tuple(dict.fromkeys(_bucket(item.strip()) for item in text.split(",") if item.strip()))
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands in two regions; a bucket has one")
    if not found:
        raise ValueError("names no bucket")
    return found


def _number(text: str, least: float) -> float:
    value = float(text) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) else -1.0
    if value < least:
        raise ValueError(f"{text!r} is not a number of at least {least:g}")
    return value


def _hours(text: str) -> timedelta:
    return timedelta(hours=_number(text, 1))


def _minutes(text: str) -> timedelta:
    return timedelta(minutes=_number(text, 0))


def _whole(text: str, most: int) -> int:
    value = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0
    if not 1 <= value <= most:
        raise ValueError(f"{text!r} is not a whole number from 1 to {most}")
    return value


def _count(text: str) -> int:
    return _whole(text, 10**12)


def _workers(text: str) -> int:
    return _whole(text, 256)


def _fan_out(text: str) -> int:
    return _whole(text, 100)


def _flag(text: str) -> bool:
    # A word we do not know must not turn a dry run into a real one.
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither `true` nor `false`")
    return words[text.lower()]


def _prefixes(text: str) -> tuple[str, ...]:
    """Comma-separated, or a JSON list where a prefix holds a comma or begins with a space."""
    items = _json_list(text) if text.startswith("[") else [item.strip() for item in text.split(",")]
    for item in items:
        if why_no_match(item):
            raise ValueError(f"{item!r} matches nothing: {why_no_match(item)}")
    return tuple(dict.fromkeys(item for item in items if item))


def _json_list(text: str) -> list[str]:
    try:
        items = json.loads(text)
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("begins with '[' but is no JSON list of strings")
    return items


def _report(text: str) -> ReportPlace:
    place, slash, prefix = text.partition("/")
    if slash and not prefix:
        raise ValueError(f"{text!r} names no prefix after the '/'; give `name-appid@region/prefix`")
    if why_no_match(prefix):
        raise ValueError(f"{text!r}: {why_no_match(prefix)}")
    return ReportPlace(_bucket(place), prefix.rstrip("/") + "/" if prefix else "")


def _http_auth(text: str) -> bool:
    if text not in ("token", "platform"):
        raise ValueError(f"{text!r} is neither `token` nor `platform`")
    return text == "platform"


def _token(text: str) -> str:
    if not TOKEN.fullmatch(text):
        raise ValueError(
            "must be at least 16 printable ASCII characters without a space, such as `openssl rand -hex 32`"
        )
    return text


def _laptop(text: str) -> int:
    match = LAPTOP.fullmatch(text)
    if not match or not 0 < int(match[1]) < 65536:
        raise ValueError(f"{text!r} is not `http://127.0.0.1:PORT`; leave it unset for the cloud")
    return int(match[1])


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "BUCKETS": ("buckets", _buckets),
    "MIN_AGE_HOURS": ("min_age", _hours),
    "MIN_IDLE_HOURS": ("min_idle", _hours),
    "EVENT_MIN_IDLE_MINUTES": ("event_min_idle", _minutes),
    "PREFIXES": ("prefixes", _prefixes),
    "SPARE_PREFIXES": ("spare_prefixes", _prefixes),
    "DRY_RUN": ("dry_run", _flag),
    "MAX_ABORTS": ("max_aborts", _count),
    "WORKERS": ("workers", _workers),
    "FAN_OUT": ("fan_out", _fan_out),
    "REPORT": ("report", _report),
    "HTTP_AUTH": ("http_platform_auth", _http_auth),
    "HTTP_TOKEN": ("http_token", _token),
    "COS_ENDPOINT": ("cos_port", _laptop),
    "INVOKE_ENDPOINT": ("invoke_port", _laptop),
}
