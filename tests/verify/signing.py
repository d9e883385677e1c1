"""
COS's signature, written from its description: not the SDK's, so that each of its parts can be wrong on purpose.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from cos_sweeper.core.settings import Credentials


@dataclass(frozen=True, slots=True)
class Request:
    """What is signed. path: decoded, with its first slash. params, headers: all of them are signed."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


def authorization(request: Request, credentials: Credentials, start: int, end: int) -> str:
    """The header's value. start, end: Unix seconds between which the signature is valid."""
    params, headers = _encoded(request.params), _encoded(request.headers)
    key_time = f"{start};{end}"
    http_string = f"{request.method.lower()}\n{request.path}\n{_joined(params)}\n{_joined(headers)}\n"
    to_sign = f"sha1\n{key_time}\n{hashlib.sha1(http_string.encode(), usedforsecurity=False).hexdigest()}\n"
    signature = _hmac(_hmac(credentials.secret_key, key_time), to_sign)
    fields = {
        "q-sign-algorithm": "sha1",
        "q-ak": credentials.secret_id,
        "q-sign-time": key_time,
        "q-key-time": key_time,
        "q-header-list": ";".join(headers),
        "q-url-param-list": ";".join(params),
        "q-signature": signature,
    }
    return "&".join(f"{name}={value}" for name, value in fields.items())


def _encoded(given: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted((quote(name, safe="-_.~").lower(), quote(value, safe="-_.~")) for name, value in given.items()))


def _joined(pairs: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs.items())


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()
