"""
report.json → the message about it, in the form of each service.

Names no key. Values in, values out; `notifier` sends it.
"""

import base64
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cos_sweeper.core.version import VERSION
from cos_sweeper.core.webhook import Service, service_of

# WeCom takes 2,048 bytes of text, the others more.
MAX_TEXT_BYTES = 2000
MAX_BUCKETS_SHOWN = 5
MAX_CODES_SHOWN = 5
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
# Of COS's error codes and of ours. Anything else is not repeated.
CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One request to a receiver. service: whose form it has."""

    service: Service
    url: str
    headers: dict[str, str]
    body: bytes


def is_due(report: Report, mode: str) -> bool:
    """Whether a message is sent. mode: 'always', or 'problems' for a report that is not complete or has problems."""
    return mode == "always" or report["status"] != "complete" or any(_problems(report))


def message(report: Report, object_name: str, url: str, secret: str | None, seconds: float) -> Message:
    """
    The message about a report, signed where there is a secret.

    object_name: the name of the report's object. seconds: the time, Unix, for the signature.
    """
    service, content = service_of(url), text(report, object_name)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"cos-sweeper/{VERSION}"}
    body = _body(service, content, report, object_name)
    match service:
        case Service.FEISHU if secret:
            body |= _feishu_signature(secret, int(seconds))
        case Service.DINGTALK if secret:
            url += ("&" if "?" in url else "?") + _dingtalk_signature(secret, int(seconds * 1000))
    data = json.dumps(body).encode()
    if service is Service.PLAIN and secret:
        headers |= _plain_signature(secret, int(seconds), data)
    return Message(service, url, headers, data)


def text(report: Report, object_name: str) -> str:
    """What a person reads: a headline, the problems, the run, its buckets, and where the report is."""
    problems = "; ".join(_problems(report))
    lines = [
        _headline(report),
        *([f"Problems: {problems}."] if problems else []),
        f"Status: {report['status']}. Run: {report['run_id']}.",
        f"Buckets: {_buckets(report)}.",
    ]
    last = f"\nReport: {_cut(object_name, MAX_TEXT_BYTES // 2)}"
    return _cut("\n".join(lines), MAX_TEXT_BYTES - len(last.encode())) + last


# The text


def _headline(report: Report) -> str:
    totals = report["totals"]
    is_inventory, measure = report["kind"] == "inventory", totals["found"]
    found = f"{_count(measure['uploads'], 'abandoned upload')}{_size(measure, report)}" if measure["uploads"] else ""
    if is_inventory:
        counted = _count(totals["open"]["uploads"], "open upload") + _size(totals["open"], report)
        return f"COS Sweeper counted {counted}, with {found or 'no abandoned upload'} among them."
    if not found:
        return "COS Sweeper found no abandoned upload."
    if report["dry_run"]:
        return f"COS Sweeper found {found}. It was a dry run: nothing was aborted."
    parts = [
        f"{totals[name]['uploads']:,} {name}{_size(totals[name])}"
        for name in ("freed", "left", "failed")
        if totals[name]["uploads"]
    ]
    return f"COS Sweeper found {found}: {', '.join(parts)}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(measure: dict[str, Any], report: Report | None = None) -> str:
    """The bytes in brackets and, with the report, what they cost per month where that is known."""
    at_least = "at least " if measure["size_unknown"] else ""
    price, cost = (report["price"], measure["per_month"]) if report else (None, None)
    costs = f", {_words(price['currency'], 10)} {cost:,.2f} per month" if price and cost is not None else ""
    return f" ({at_least}{_bytes(measure['bytes'])}{costs})"


def _bytes(number: int) -> str:
    size, unit = float(number), 0
    # What would be rounded to 1024 of a unit is 1 of the next.
    while round(size, 1) >= 1024 and unit + 1 < len(UNITS):
        size, unit = size / 1024, unit + 1
    return f"{size:,.1f} {UNITS[unit]}" if unit else f"{number} B"


def _problems(report: Report) -> Iterator[str]:
    """What an operator did not expect. A dry run and an inventory leave every abandoned upload: that is no problem."""
    totals, shards = report["totals"], report["shards"]
    failed, left = totals["failed"]["uploads"], totals["left"]["uploads"]
    if failed or report["failures"]:
        codes = ", ".join(_codes(report))
        yield (_count(failed, "failed upload") if failed else "failures") + (f" ({codes})" if codes else "")
    if left and report["kind"] == "sweep" and not report["dry_run"]:
        yield f"{_count(left, 'abandoned upload')} left"
    if shards["missing"]:
        yield f"{len(shards['missing'])} of {_count(shards['count'], 'shard')} missing"
    if report["stopped_because"]:
        yield f"stopped: {_words(report['stopped_because'], 200)}"
    if report["not_swept"]:
        yield f"{_count(len(report['not_swept']), 'listing')} not swept"
    if report["warnings"]:
        yield _count(len(report["warnings"]), "warning")


def _codes(report: Report) -> Iterator[str]:
    for failure in report["failures"][:MAX_CODES_SHOWN]:
        if CODE.fullmatch(str(failure["code"])):
            yield f"{failure['code']} ×{failure['uploads']:,}"


def _buckets(report: Report) -> str:
    names = [_words(str(row["bucket"]), 100) for row in report["buckets"]]
    more = len(names) - MAX_BUCKETS_SHOWN
    return ", ".join(names[:MAX_BUCKETS_SHOWN]) + (f" and {more:,} more" if more > 0 else "") or "none"


def _words(words: str, length: int) -> str:
    """One line of text, bounded."""
    return "".join(character for character in words if character.isprintable())[:length]


def _cut(words: str, length: int) -> str:
    """The text with at most so many bytes in UTF-8."""
    data = words.encode("utf-8", "replace")
    return words if len(data) <= length else data[: max(0, length - 3)].decode("utf-8", "ignore") + "…"


# The form of each service


def _body(service: Service, content: str, report: Report, object_name: str) -> dict[str, Any]:
    match service:
        case Service.WECOM | Service.DINGTALK:
            return {"msgtype": "text", "text": {"content": content}}
        case Service.FEISHU:
            return {"msg_type": "text", "content": {"text": content}}
        case Service.SLACK:
            # These three start links and mentions in Slack's own markup.
            escaped = content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return {"text": escaped, "mrkdwn": False}
        case Service.PLAIN:
            return _plain(content, report, object_name)


def _plain(content: str, report: Report, object_name: str) -> dict[str, Any]:
    facts = ("kind", "status", "run_id", "dry_run", "as_of", "ended")
    price = report["price"]
    return {
        "schema": 1,
        "text": content,
        **{name: report[name] for name in facts},
        "totals": {name: report["totals"][name] for name in ("found", "freed", "left", "failed")},
        "currency": price["currency"] if price else None,
        "buckets": [row["bucket"] for row in report["buckets"][:100]],
        "report": object_name,
    }


def _feishu_signature(secret: str, seconds: int) -> dict[str, str]:
    """Feishu and Lark: the time and the secret are the key of an HMAC over nothing."""
    sign = hmac.digest(f"{seconds}\n{secret}".encode(), b"", "sha256")
    return {"timestamp": str(seconds), "sign": base64.b64encode(sign).decode()}


def _dingtalk_signature(secret: str, milliseconds: int) -> str:
    """DingTalk: the secret is the key of an HMAC over the time and the secret; both go into the query."""
    sign = base64.b64encode(hmac.digest(secret.encode(), f"{milliseconds}\n{secret}".encode(), "sha256")).decode()
    return f"timestamp={milliseconds}&sign={quote(sign, safe='')}"


def _plain_signature(secret: str, seconds: int, body: bytes) -> dict[str, str]:
    """Of our own: an HMAC over the time and the body, so that it cannot be sent with another body or much later."""
    sign = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return {"X-Cos-Sweeper-Timestamp": str(seconds), "X-Cos-Sweeper-Signature": f"sha256={sign}"}


# The answer


def error_code(service: Service, content: bytes) -> str:
    """The error code in the answer of a service that answers 200 for everything; '' where there is no error."""
    names = {Service.WECOM: ("errcode",), Service.DINGTALK: ("errcode",), Service.FEISHU: ("code", "StatusCode")}
    if service not in names:
        return ""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    found = answer if isinstance(answer, dict) else {}
    codes = [found[name] for name in names[service] if type(found.get(name)) is int]
    if not codes:
        return "Unreadable"
    return str(codes[0]) if codes[0] else ""
