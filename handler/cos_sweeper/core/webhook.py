"""
The URL of a webhook: which service it belongs to, and which parts of it are secret.

Values in, values out. No error quotes the URL.
"""

import re
from collections.abc import Iterator
from enum import Enum
from urllib.parse import unquote_plus

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = r"(?::[0-9]{1,5})?"
# A path or a query with something in it, of the characters that RFC 3986 allows; without a fragment.
_PATH = r"/[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+"
# Compiled where they are used: that takes longer than importing the rest of this package.
WEBHOOK = rf"(?i:https)://({_HOST}){_PORT}{_PATH}"
LOCAL_WEBHOOK = rf"http://127\.0\.0\.1:[0-9]{{1,5}}{_PATH}"
# A shorter value is no secret, and hiding it would hide ordinary words.
MIN_QUERY_VALUE = 8
# Segments such as `services` or `incoming-hook` say nothing and can be part of a key.
MIN_SEGMENT = 16


class Service(Enum):
    """Whose webhook it is. The value is its name in the log."""

    WECOM = "wecom"
    FEISHU = "feishu"
    DINGTALK = "dingtalk"
    SLACK = "slack"
    PLAIN = "plain"


HOSTS = {
    "qyapi.weixin.qq.com": Service.WECOM,
    "open.feishu.cn": Service.FEISHU,
    "open.larksuite.com": Service.FEISHU,
    "oapi.dingtalk.com": Service.DINGTALK,
    "hooks.slack.com": Service.SLACK,
}
# These services take no signature: a secret for them would be of no use.
UNSIGNED = (Service.WECOM, Service.SLACK)


def webhook_url(text: str) -> str:
    """Check the URL of a webhook. Raises ValueError, which does not quote it."""
    if not re.fullmatch(WEBHOOK, text) and not re.fullmatch(LOCAL_WEBHOOK, text):
        raise ValueError("is not an https URL with a host and a path, as the service shows it (the value is not shown)")
    port = text.partition("://")[2].partition("/")[0].rpartition(":")[2]
    if port.isdigit() and not 0 < int(port) < 65536:
        raise ValueError("has a port that does not exist (the value is not shown)")
    return text


def is_local(url: str) -> bool:
    """Whether the receiver is on this machine, without TLS."""
    return not url.lower().startswith("https:")


def service_of(url: str) -> Service:
    """The service that a checked URL belongs to, by its host."""
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return HOSTS.get(host.lower(), Service.PLAIN)


def targets(url: str) -> Iterator[str]:
    """What follows the host: all of it, its path and its query, with and without the first slash."""
    _, slash, target = url.partition("://")[2].partition("/")
    path, _, query = target.partition("?")
    yield from (part for part in (slash + target, target, query) if len(part) >= MIN_SEGMENT)
    yield from (part for part in (slash + path, path) if "/" in path and len(part) >= MIN_SEGMENT)


def secret_parts(url: str) -> Iterator[str]:
    """The parts that let others send to a URL: long segments of its path, and the values of its query."""
    path, _, query = url.partition("://")[2].partition("/")[2].partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    long = [*path.split("/"), *(name for name, _, _ in pairs), *query.split("&")]
    values = [value or name for name, _, value in pairs]
    for text, minimum in (*((one, MIN_SEGMENT) for one in long), *((one, MIN_QUERY_VALUE) for one in values)):
        yield from (one for one in (text, unquote_plus(text)) if len(one) >= minimum)
