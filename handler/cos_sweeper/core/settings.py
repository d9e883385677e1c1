"""
The environment → settings. All problems are reported together.

Takes a mapping and returns values; it never reads `os.environ` itself. No repr shows a secret.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from cos_sweeper.core import output_settings
from cos_sweeper.core.errors import BadSettings, MissingCredentials
from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.keys import validate_prefix
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.price import parse_currency, parse_prices

# COS: at most 60 characters with the appid; lower-case letters, digits and hyphens, no hyphen at either end.
BUCKET_NAME = re.compile(r"(?=.{3,60}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]{5,}")
REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)+")
LOCAL_ENDPOINT = re.compile(r"http://127\.0\.0\.1:([0-9]{1,5})")
# Signs that an operator wrote a pattern, a list of another form or a URL instead of a plain prefix.
PATTERNS = tuple(
    (re.compile(form), problem)
    for form, problem in (
        (r"[*?\[\]{}|]", "contains a wildcard"),
        (r"%$", "ends with a wildcard, `%`"),
        (r"^[\^!]|\$$|\\", "looks like a pattern"),
        (r"%[0-9A-Fa-f]{2}", "is percent-encoded; keys are compared decoded"),
        (r"^[\"'`]|[\"'`]$", "has quotes around it, which would count as part of the key"),
        (r"[;\x00-\x1f\x7f]", "contains a semicolon or a control character; separate prefixes with commas"),
        (r"://", "is a URL"),
    )
)
# All of them are secret.
CREDENTIALS = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
# The flag of a secret setting: its value is in no repr, log, response, report or stored event.
SECRET = {"secret": True}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The temporary credentials of the function's role, valid for at most six hours."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReportLocation:
    """Where reports are stored: objects under `prefix` (ends in '/') in `bucket`."""

    bucket: Bucket
    prefix: str


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What the function may do and how.

    buckets: the allow-list, None for every bucket that the role can list. exclude_buckets: names; they win over
    `buckets`. prefixes: () for all keys. max_aborts: None without a limit. verify: which aborts are verified: 'all',
    'recent' or 'none'. chain_max: the maximum age of a chain of runs. http_token: None while unset; the function then
    rejects every HTTP request. notify_url: None without notifications; notify: 'problems' or 'always';
    notify_secret: signs messages. record_keys: 'plain' or 'hash'; key_mask: does that for every output.
    price_per_gb_month: by storage class, as in `Price`; None without prices. cos_port, invoke_port: of the local
    endpoints of COS and SCF, None for the cloud.
    """

    buckets: tuple[Bucket, ...] | None
    min_age: timedelta = timedelta(hours=168)
    min_idle: timedelta = timedelta(hours=72)
    event_min_idle: timedelta = timedelta(0)
    exclude_buckets: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    exclude_prefixes: tuple[str, ...] = ()
    dry_run: bool = True
    include_committers: bool = False
    max_aborts: int | None = 10_000
    verify: str = "recent"
    chain_max: timedelta = timedelta(hours=23)
    workers: int = 32
    fan_out: int = 1
    report: ReportLocation | None = None
    price_per_gb_month: tuple[tuple[str, float], ...] | None = None
    currency: str = ""
    lifecycle_coverage: bool | None = None
    http_platform_auth: bool = False
    http_token: str | None = field(default=None, repr=False, metadata=SECRET)
    notify_url: str | None = field(default=None, repr=False, metadata=SECRET)
    notify: str = "problems"
    notify_secret: str | None = field(default=None, repr=False, metadata=SECRET)
    record_keys: str = "plain"
    record_keys_secret: str | None = field(default=None, repr=False, metadata=SECRET)
    key_mask: KeyMask = field(default=PLAIN, repr=False, compare=False)
    cos_port: int | None = None
    invoke_port: int | None = None

    @property
    def reads_coverage(self) -> bool:
        """Whether lifecycle rules are read: only for a report, and unless it is switched off."""
        return self.report is not None and self.lifecycle_coverage is not False


def load(environ: Mapping[str, str]) -> Settings:
    """Read every setting. Raises BadSettings with all problems."""
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
        problems.insert(0, "BUCKETS: not set; give `name-appid@region`, comma-separated, or `*`")
    if "price_per_gb_month" in values and not environ.get("CURRENCY", "").strip():
        problems.append("CURRENCY: not set; give the currency of PRICE_PER_GB_MONTH, such as `CNY` or `USD`")
    problems += output_settings.contradictions(values, environ)
    problems += _misspelt(environ)
    if problems:
        raise BadSettings(tuple(problems))
    return Settings(**values, key_mask=key_mask(environ))


def key_mask(environ: Mapping[str, str]) -> KeyMask:
    """What stands for keys in every output. Plain with wrong settings: `load` then stops the run."""
    return KeyMask(output_settings.key_secret(environ))


def credentials(environ: Mapping[str, str]) -> Credentials:
    """The role's credentials, as SCF sets them in the environment. Raises MissingCredentials."""
    missing = tuple(name for name in CREDENTIALS if not environ.get(name, "").strip())
    if missing:
        raise MissingCredentials(missing)
    return Credentials(*(environ[name].strip() for name in CREDENTIALS))


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """
    The problems of variables that look like a misspelled setting. The values are never shown.

    An empty variable is no problem, as an empty setting is none.
    """
    problems = []
    for name in sorted(environ):
        meant = None if name in READERS else intended(name, NAMES)
        if meant is None or not environ[name].strip():
            continue
        if meant in FORMER_NAMES:
            problems.append(f"{name[:80]}: the setting {meant} is now called {FORMER_NAMES[meant]}: rename it")
        else:
            problems.append(f"{name[:80]}: no setting has this name. Did you mean {meant}? Rename or remove it")
    return problems


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
        raise ValueError(f"{', '.join(twice)} is given with two regions; a bucket has only one")
    if not found:
        raise ValueError("names no bucket; give `name-appid@region`, comma-separated, or `*`")
    return found


def _exclude_buckets(text: str) -> tuple[str, ...]:
    """The names. A bucket's name is unique in all regions, so a region is only checked for its form."""
    found = []
    for item in (item.strip() for item in text.split(",")):
        name, at, region = item.partition("@")
        if item and (not BUCKET_NAME.fullmatch(name) or (at and not REGION.fullmatch(region))):
            raise ValueError(
                f"{item!r} is not the full name of a bucket, `name-appid` or `name-appid@region`, without wildcards"
            )
        found += [name] if item else []
    if not found:
        raise ValueError("names no bucket; give `name-appid`, comma-separated")
    return tuple(dict.fromkeys(found))


def _number(text: str, minimum: float, maximum: float = math.inf) -> float:
    value = float(text) if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) else -1.0
    if not minimum <= value <= maximum:
        to = "" if maximum == math.inf else f" and at most {maximum:g}"
        raise ValueError(f"{text!r} is not a number of at least {minimum:g}{to}")
    return value


def _hours(text: str) -> timedelta:
    return timedelta(hours=_number(text, 1))


def _chain_hours(text: str) -> timedelta:
    return timedelta(hours=_number(text, 1, 24 * 7))


def _minutes(text: str) -> timedelta:
    return timedelta(minutes=_number(text, 0))


def _whole(text: str, maximum: int) -> int:
    value = int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0
    if not 1 <= value <= maximum:
        raise ValueError(f"{text!r} is not a whole number from 1 to {maximum}")
    return value


def _max_aborts(text: str) -> int | None:
    if text.lower() == "none":
        return None
    try:
        return _whole(text, 10**12)
    except ValueError as exc:
        raise ValueError(f"{exc}, and not `none`") from None


def _verify(text: str) -> str:
    if text.lower() not in ("all", "recent", "none"):
        raise ValueError(f"{text!r} is not `all`, `recent` or `none`")
    return text.lower()


def _workers(text: str) -> int:
    return _whole(text, 256)


def _fan_out(text: str) -> int:
    return _whole(text, 100)


def _flag(text: str) -> bool:
    # An unknown word must not turn a dry run into a real one.
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither `true` nor `false`")
    return words[text.lower()]


def _prefixes(text: str) -> tuple[str, ...]:
    """
    Comma-separated prefixes, or a JSON list of them.

    A comma-separated prefix must not look like a pattern; in a JSON list every character counts as it is.
    """
    if text.startswith("["):
        items = _json_list(text)
    else:
        items = [item.strip() for item in text.split(",") if item.strip()]
        for item in items:
            _check_no_pattern(item)
    for item in items:
        if not item:
            raise ValueError("an empty prefix matches every key; for that, remove the setting")
        if validate_prefix(item):
            raise ValueError(f"{item!r} matches nothing: {validate_prefix(item)}")
    if not items:
        raise ValueError("names no prefix; give prefixes, comma-separated, or remove the setting")
    return tuple(dict.fromkeys(items))


def _check_no_pattern(prefix: str) -> None:
    """Reject what looks like a pattern: as a plain prefix it would match no key, and so exclude nothing."""
    for form, problem in PATTERNS:
        if form.search(prefix):
            raise ValueError(
                f"{prefix!r} {problem}. A plain prefix matches every key that begins with it. If your keys contain "
                f"exactly these characters, give a JSON list: {json.dumps([prefix], ensure_ascii=False)}"
            )


def _json_list(text: str) -> list[str]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("begins with '[' but is not a JSON list of strings; wildcards are not supported")
    return items


def _report(text: str) -> ReportLocation:
    bucket, _, prefix = text.partition("/")
    if not prefix:
        raise ValueError(
            f"{text!r} names no prefix; give `name-appid@region/prefix`. Reports need their own prefix: "
            "COS events about objects under it are ignored, so that a report does not start another run"
        )
    if validate_prefix(prefix):
        raise ValueError(f"{text!r}: {validate_prefix(prefix)}")
    if any(segment in ("", ".", "..") for segment in prefix.removesuffix("/").split("/")):
        raise ValueError(f"{text!r}: a prefix with `//`, `/./` or `/../` would address another object")
    return ReportLocation(_bucket(bucket), prefix.rstrip("/") + "/")


def _http_auth(text: str) -> bool:
    if text not in ("token", "platform"):
        raise ValueError(f"{text!r} is neither `token` nor `platform`")
    return text == "platform"


def _local_port(text: str) -> int:
    match = LOCAL_ENDPOINT.fullmatch(text)
    if not match or not 0 < int(match[1]) < 65536:
        raise ValueError(f"{text!r} is not `http://127.0.0.1:PORT`; remove the setting to use the cloud")
    return int(match[1])


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "BUCKETS": ("buckets", _buckets),
    "MIN_AGE_HOURS": ("min_age", _hours),
    "MIN_IDLE_HOURS": ("min_idle", _hours),
    "EVENT_MIN_IDLE_MINUTES": ("event_min_idle", _minutes),
    "EXCLUDE_BUCKETS": ("exclude_buckets", _exclude_buckets),
    "PREFIXES": ("prefixes", _prefixes),
    "EXCLUDE_PREFIXES": ("exclude_prefixes", _prefixes),
    "DRY_RUN": ("dry_run", _flag),
    "INCLUDE_COMMITTERS": ("include_committers", _flag),
    "MAX_ABORTS": ("max_aborts", _max_aborts),
    "VERIFY": ("verify", _verify),
    "CHAIN_MAX_HOURS": ("chain_max", _chain_hours),
    "WORKERS": ("workers", _workers),
    "FAN_OUT": ("fan_out", _fan_out),
    "REPORT": ("report", _report),
    "PRICE_PER_GB_MONTH": ("price_per_gb_month", parse_prices),
    "CURRENCY": ("currency", parse_currency),
    "LIFECYCLE_COVERAGE": ("lifecycle_coverage", _flag),
    "HTTP_AUTH": ("http_platform_auth", _http_auth),
    "HTTP_TOKEN": ("http_token", output_settings.secret),
    "NOTIFY_URL": ("notify_url", output_settings.notify_url),
    "NOTIFY": ("notify", output_settings.notify),
    "NOTIFY_SECRET": ("notify_secret", output_settings.secret),
    "RECORD_KEYS": ("record_keys", output_settings.record_keys),
    "RECORD_KEYS_SECRET": ("record_keys_secret", output_settings.secret),
    "COS_ENDPOINT": ("cos_port", _local_port),
    "INVOKE_ENDPOINT": ("invoke_port", _local_port),
}
_SECRET_FIELDS = {each.name for each in fields(Settings) if each.metadata.get("secret")}
# The variables whose values no log, response, report or stored event may show.
SECRETS = (*CREDENTIALS, *(name for name, (field_name, _) in READERS.items() if field_name in _SECRET_FIELDS))
# Former names of settings. A deployment that still uses one would run without the setting, so it is a problem.
FORMER_NAMES = {"SPARE_PREFIXES": "EXCLUDE_PREFIXES"}
NAMES = frozenset(READERS) | frozenset(FORMER_NAMES)
