"""
Clients of the emulated COS: the official SDK, and a bare socket where every byte counts.
"""

import socket
from collections.abc import Callable
from contextlib import closing
from urllib.parse import unquote

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
