"""
Commands that print the lines of the records from which a number of the page is summed up.

A line begins with its bucket and its key, so one text finds a prefix of a bucket. A text can end no quote of a shell;
one that a terminal could show as something else gets no command.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cos_sweeper.report.page_parts import numbers
from cos_sweeper.report.page_parts.printable import JOINER, is_hidden

Span = tuple[float | None, float | None]

RECORDS = "uploads/*outcomes-*.jsonl.gz"
SELECT = "SELECT outcome, count(*), sum(bytes) FROM"
TOTALS = f"""duckdb -c "{SELECT} '{RECORDS}' GROUP BY outcome\""""
# The outcomes of each group of the account.
OUTCOMES = {
    "freed": ("aborted",),
    "left": ("would_abort", "deferred"),
    "failed": ("failed",),
    "kept": ("kept", "still_receiving"),
}
# Another policy could abort what one of these keeps, and nothing else that is kept.
BY_POLICY = ("started recently", "a part arrived recently", "a part arrived during the check")


def field(name: str, value: str) -> str:
    """How a line has a field with this value."""
    return f'"{name}":{_json(value)}'


def start(bucket: str, prefix: str) -> str:
    """How the lines of a prefix begin."""
    return f'{{"bucket":{_json(bucket)},"key":{_json(prefix)[:-1]}'


def in_region(region: str) -> str:
    """What the lines of a region have."""
    return f'@{_json(region)[1:]},"key":"'


def lines(outcomes: Sequence[str], *texts: str) -> str:
    """Print the lines that have one of the outcomes and each of the texts; '' where a text is not safe to paste."""
    if not _is_safe(texts):
        return ""
    finders = [f"F {shell(text)}" for text in texts]
    if outcomes:
        finders.append(f"E {shell(_any_of(outcomes))}")
    if not finders:
        return f"zcat {RECORDS}"
    first, *rest = finders
    return " | ".join((f"zgrep -h{first} {RECORDS}", *(f"grep -{one}" for one in rest)))


def lines_with_any(texts: Iterable[str]) -> str:
    """Print the lines that have one of the texts."""
    every = tuple(texts)
    words = " ".join(f"-e {shell(text)}" for text in every)
    return f"zgrep -hF {words} {RECORDS}" if _is_safe(every) else ""


def between(as_of: str, age: Span, idle: Span, *, by_policy: bool = False) -> str:
    """
    Print the records of uploads of these ages and idle times, in days at that moment.

    A span is (more than, at most); None for no limit. by_policy: only what a policy could abort. '' where the moment
    cannot be read.
    """
    moment = numbers.moment(as_of)
    if moment is None:
        return ""
    wanted = [
        "parts IS NOT NULL",
        *_span("initiated", moment, age, as_of),
        *_span("greatest(initiated, coalesce(last_part, initiated))", moment, idle, as_of),
    ]
    if by_policy:
        wanted.append(f"(outcome <> 'kept' OR reason IN ({', '.join(map(repr, BY_POLICY))}))")
    what = "SELECT bucket, key, upload_id, bytes, outcome FROM"
    return f"""duckdb -c "{what} '{RECORDS}' WHERE {" AND ".join(wanted)}\""""


def shell(text: str) -> str:
    """One word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _any_of(outcomes: Sequence[str]) -> str:
    return f'"outcome":"{outcomes[0]}"' if len(outcomes) == 1 else f'"outcome":"({"|".join(outcomes)})"'


def _span(what: str, moment: datetime, span: Span, as_of: str) -> Iterator[str]:
    more_than, at_most = span
    for sign, days in (("<", more_than), (">=", at_most)):
        if days is not None:
            text = (moment - timedelta(days=days)).isoformat(timespec="seconds")
            yield f"{what} {sign} '{text.replace('+00:00', 'Z') if as_of.endswith('Z') else text}'"


def _is_safe(texts: Iterable[str]) -> bool:
    return not any(is_hidden(letter) or letter == JOINER for text in texts for letter in text)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
