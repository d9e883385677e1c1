"""
Finds environment variables that look like a misspelled setting.

Ignoring such a name could abort what the operator wanted to keep. Variables of other programs are ignored.
"""

import re
from functools import lru_cache

# Variables that SCF and the system set: SCF's documented environment, and what a shell on Linux adds.
PLATFORM_PREFIXES = ("SCF_", "_SCF_", "QCLOUD_", "TENCENTCLOUD_")
PLATFORM_NAMES = frozenset(
    {
        *("_", "PATH", "PWD", "HOME", "USER", "LOGNAME", "SHELL", "SHLVL", "HOSTNAME", "LANG", "LC_ALL", "LC_CTYPE"),
        *("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CLASSPATH", "NODE_PATH", "PHP_INI_SCAN_DIR"),
        *("TZ", "USER_CODE_ROOT", "TRIGGER_SRC"),
    }
)
# Variables of programs that a developer may have on the same machine.
# systemd sets NOTIFY_SOCKET.
OTHER_PROGRAMS = frozenset(
    {"NOTIFY_SOCKET", "OSS_ENDPOINT", "SQS_ENDPOINT", "AWS_ENDPOINT", "GCS_ENDPOINT", "S3_ENDPOINT"}
)

MAX_DISTANCE = 2
OWN_PREFIX = re.compile(r"(?:COS_)?SWEEPER_")

# Names that clearly mean a setting but differ from it by many letters. The first match counts.
_SPARE = r"(?:EXCLUDED?|EXCLUDES|EXCLUDING|EXCLUSIONS?|SPARED?)"
_KEEP = r"(?:SKIP(?:PED)?|IGNORED?|PROTECT(?:ED)?|KEEP|DENY|DENIED)"
SYNONYMS = tuple(
    (re.compile(pattern), setting)
    for pattern, setting in (
        (r"(?:IS_|DO_|NO_|ENABLE_|DISABLE_)?DRY_?RUN(?:_\w+)?", "DRY_RUN"),
        (r"(?:EXCLUDE|INCLUDE|SWEEP|ABORT)_COMMIT\w+", "INCLUDE_COMMITTERS"),
        (rf"(?:{_SPARE}|{_KEEP})_BUCKETS?(?:_\w+)?|BUCKETS?_{_SPARE}", "EXCLUDE_BUCKETS"),
        (rf"{_SPARE}(?:_\w+)?|{_KEEP}_(?:PREFIX(?:ES)?|KEYS?|PATHS?|OBJECTS?|FOLDERS?|DIRS?)", "EXCLUDE_PREFIXES"),
        (rf"(?:PREFIX(?:ES)?|KEYS?|PATHS?)_{_SPARE}", "EXCLUDE_PREFIXES"),
        (r"(?:INCLUDED?|ONLY|ALLOW(?:ED)?|SWEEP)_(?:PREFIX(?:ES)?|KEYS?)", "PREFIXES"),
        (r"(?:INCLUDED?|ONLY|ALLOW(?:ED)?|SWEEP)_BUCKETS?", "BUCKETS"),
        (r"EVENTS?_(?:MIN_?)?(?:IDLE|AGE)(?:_\w+)?|MIN_EVENT_(?:IDLE|AGE)(?:_\w+)?", "EVENT_MIN_IDLE_MINUTES"),
        (r"(?:MIN|MINIMUM)_?(?:UPLOAD_)?AGE(?:_\w+)?|(?:MAX_|UPLOAD_)?AGE_(?:HOURS|DAYS|MINUTES)", "MIN_AGE_HOURS"),
        (r"(?:MIN|MINIMUM)_?(?:UPLOAD_)?IDLE(?:_\w+)?|(?:MAX_)?IDLE_(?:HOURS|DAYS|MINUTES)", "MIN_IDLE_HOURS"),
        (r"MAX(?:IMUM)?_?(?:ABORT(?:S|ED)?|DELET(?:E|ES|IONS))(?:_\w+)?|ABORTS?_(?:LIMIT|MAX)", "MAX_ABORTS"),
        (r"VERIFY_(?:ABORT|UPLOAD|DELETE)S?|VERIFY_(?:ALL|MODE)", "VERIFY"),
        (r"(?:MAX_?)?CHAIN_(?:MAX|HOURS|DAYS|AGE)(?:_\w+)?|MAX_CHAIN(?:_\w+)?", "CHAIN_MAX_HOURS"),
        (
            r"(?:READ|CHECK|SHOW|ENABLE)_(?:LIFECYCLE|COVERAGE)(?:_\w+)?|LIFECYCLE_(?:RULES?|CHECK)",
            "LIFECYCLE_COVERAGE",
        ),
        (r"REPORTS?_(?:BUCKET|PREFIX|PATH)", "REPORT"),
        (r"(?:NOTIF(?:Y|ICATIONS?)|ALERTS?)_?(?:WEBHOOK_?)?URL|NOTIF(?:Y|ICATIONS?)_WEBHOOK", "NOTIFY_URL"),
        (r"(?:HASH|MASK|HIDE)_(?:RECORD_)?KEYS|RECORDS?_KEYS?_(?:HASH(?:ED)?|MODE)|RECORDS?_HASH\w*", "RECORD_KEYS"),
        (r"RECORDS?_(?:KEYS?_)?(?:SALT|HMAC_KEY)", "RECORD_KEYS_SECRET"),
    )
)


@lru_cache(maxsize=1024)
def intended(name: str, settings: frozenset[str]) -> str | None:
    """
    The setting that an environment variable probably means; None for another program's variable.

    settings: all current and former names. A name that is one of them is returned as it is.
    """
    if name in settings:
        return name
    if name in PLATFORM_NAMES or name in OTHER_PROGRAMS or name.startswith(PLATFORM_PREFIXES):
        return None
    folded = OWN_PREFIX.sub("", name.upper(), count=1)
    return _closest(folded, settings) or next((setting for form, setting in SYNONYMS if form.fullmatch(folded)), None)


def _closest(name: str, settings: frozenset[str]) -> str | None:
    if name in settings:
        return name
    # Short names must match better: PORT is another program's, although it is only two letters away from REPORT.
    maximum = min(len(name) - 4, MAX_DISTANCE)
    near = [(_distance(name, one), one) for one in settings if maximum > 0 and _may_be_near(name, one)]
    distance, setting = min(near, default=(MAX_DISTANCE + 1, ""))
    return setting if distance <= maximum else None


def _may_be_near(name: str, setting: str) -> bool:
    """A fast check: one edit changes the length by at most one and the set of letters by at most two."""
    return abs(len(name) - len(setting)) <= MAX_DISTANCE and len(set(name) ^ set(setting)) <= 2 * MAX_DISTANCE


def _distance(one: str, other: str) -> int:
    """How many letters must be added, removed or replaced (Levenshtein)."""
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != against)))
        above = line
    return above[-1]
