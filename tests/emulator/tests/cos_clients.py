"""
Clients of the emulated COS: the official SDK, and a bare socket where every byte counts.
"""

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from qcloud_cos import CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.client import Cloud

BUCKET = "photos-1250000000"
REGION = "ap-guangzhou"
HOST = f"{BUCKET}.cos.{REGION}.myqcloud.com"
Connect = Callable[..., CosS3Client]


def rejected(error: pytest.ExceptionInfo[CosServiceError]) -> tuple[int, str]:
    return error.value.get_status_code(), error.value.get_error_code()


def receive(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = bytearray()
    while data := connection.recv(65536):
        received += data
    return bytes(received)


def call(cloud: Cloud, head: str, body: bytes = b"") -> bytes:
    """Send these bytes and return what comes back; the connection is closed after one answer."""
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"Connection: close\r\n\r\n" + body)
        return receive(connection)


def signed_head(client: CosS3Client, method: str, target: str, host: str = HOST) -> str:
    """The head of a request that the SDK signed for exactly this target; nothing but the host is signed with it."""
    path = target.partition("?")[0]
    auth = client.get_auth(method, BUCKET, unquote(path), Headers={"host": host.partition(":")[0]})
    return f"{method} {target} HTTP/1.1\nHost: {host}\nAuthorization: {auth}\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code in its error document; empty without one."""
        found = re.search(rb"<Code>(\w+)</Code>", self.body)
        return found[1].decode() if found else ""

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that name."""
        return [each.text or "" for each in ElementTree.fromstring(self.body).iter(name)]


def ask(
    cloud: Cloud, client: CosS3Client, method: str, target: str, body: bytes | None = None, /, **headers: str
) -> Answer:
    """Send a signed request with these headers (`_` stands for `-`), and a length if there is a body."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [] if body is None or "transfer_encoding" in headers else [f"Content-Length: {len(body)}"]
    head = signed_head(client, method, target) + "".join(f"{line}\n" for line in lines)
    return read_answer(call(cloud, head, body or b""))


def read_answer(received: bytes) -> Answer:
    """Take a response apart. Its body is whatever came after the head."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split(" ")[1]), headers, body)
