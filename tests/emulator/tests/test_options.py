"""
What the emulator is started with, and what its process leaves behind.
"""

import socket
import ssl
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, REGION, rejected, signed_head

ROOT = Path(__file__).parents[3]
NAMED = f"{BUCKET}@{REGION}"


def client(cloud: Cloud, secret_id: str, secret_key: str, token: str | None = None) -> CosS3Client:
    config = CosConfig(
        Region=REGION,
        SecretId=secret_id,
        SecretKey=secret_key,
        Token=token,
        Scheme="http",
        IP="127.0.0.1",
        Port=cloud.port,
    )
    return CosS3Client(config, retry=0)


def test_given_credentials_may_do_everything_and_the_first_permanent_ones_are_the_owners() -> None:
    given = ["AKIDtemporary:k1:the:token", "AKIDowner:k2", "AKIDother:k3"]

    with Cloud.start(NAMED, credentials=given) as cloud:
        for each in given:
            client(cloud, *each.split(":", 2)).put_object(BUCKET, b"", each)
        with pytest.raises(CosServiceError) as error:
            client(cloud, "AKIDtemporary", "k1").put_object(BUCKET, b"", "3")
        cloud.reset()
        client(cloud, "AKIDother", "k3").put_object(BUCKET, b"", "after a reset")

        assert (cloud.owner.secret_id, cloud.owner.secret_key) == ("AKIDowner", "k2")
        assert rejected(error) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("wrong", ["AKID", "AKID:", ":key", ""])
def test_credentials_without_id_or_key_stop_the_start(wrong: str) -> None:
    command = [sys.executable, "-m", "tests.emulator", "--cos-port=0", "--control-port=0", f"--credentials={wrong}"]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    assert "ID:KEY" in ended.stderr


def test_cos_speaks_https_under_every_name_with_the_ca_that_it_wrote_down(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"

    with Cloud.start(NAMED, tls=authority) as cloud:
        assert cloud.endpoint.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(authority))
        for name in (HOST, "service.cos.myqcloud.com", "localhost"):
            with (
                closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection,
                context.wrap_socket(connection, server_hostname=name) as secured,
            ):
                secured.sendall(f"GET /a HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                assert secured.recv(12) == b"HTTP/1.1 403"
        answer = requests.get(f"{cloud.endpoint}/{BUCKET}/a", verify=str(authority), timeout=20)
        assert answer.status_code == 403
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{cloud.endpoint}/{BUCKET}/a", timeout=20)


def test_client_that_leaves_in_the_middle_of_a_download_prints_nothing() -> None:
    size = 64 << 20
    with Cloud.start(NAMED, credentials=["AKIDowner:key"]) as cloud:
        owner = client(cloud, "AKIDowner", "key")
        owner.put_object(BUCKET, bytes(size), "a")
        for reset in (True, False):
            with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
                connection.sendall(signed_head(owner, "GET", "/a").replace("\n", "\r\n").encode() + b"\r\n")
                assert len(connection.recv(1 << 16)) > 0
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert owner.head_object(BUCKET, "a")["Content-Length"] == str(size)

        assert cloud.stop() == ""
