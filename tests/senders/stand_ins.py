"""
What stands between a client and the emulator, so that the client runs unchanged, with the cloud's own names and TLS.

`proxy` is where HTTPS_PROXY leads: it answers CONNECT as the host that was asked for. `function_url` is a Function URL:
it turns a request into an event, and the function's response into HTTP. SCF's limits and CAM are not in it.
"""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer
from urllib.parse import urlsplit

import trustme

from tests.emulator.public import Cloud


@contextmanager
def function_url(cloud: Cloud) -> Iterator[str]:
    """The address of a Function URL of the emulated function."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            event = {"body": body, "headers": headers, "httpMethod": "POST", "path": self.path, "queryString": {}}
            answer = cloud.invoke(event, sync=True).answer
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Door)) as port:
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def answers(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a Function URL that only answers, one status after the other, and the bodies that it gets."""
    bodies: list[bytes] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(statuses[len(bodies) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Door)) as port:
        yield f"http://127.0.0.1:{port}/", bodies


@contextmanager
def proxy(cloud: Cloud, authority_file: Path) -> Iterator[str]:
    """The address of a proxy behind which COS and SCF are. authority_file: is written, for clients to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(authority_file)

    @cache
    def identity(host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        return context

    class Front(StreamRequestHandler):
        def handle(self) -> None:
            host = self.rfile.readline().split()[1].decode().partition(":")[0]
            while self.rfile.readline().strip():
                pass
            endpoint = cloud.invoke_endpoint if host.endswith(".tencentcloudapi.com") else cloud.endpoint
            if not re.fullmatch(r"scf\.tencentcloudapi\.com|.+\.myqcloud\.com", host):
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            address = ("127.0.0.1", urlsplit(endpoint).port or 0)
            with (
                suppress(OSError),
                identity(host).wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(address) as server,
            ):
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Front)) as port:
        yield f"http://127.0.0.1:{port}"


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(server: TCPServer) -> Iterator[int]:
    """Serve in the background until the end of the block; the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def cos_with_cors(cloud: Cloud) -> Iterator[int]:
    """The port of COS with a CORS rule for every site, which the emulator's COS does not have."""
    rule = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
        "Access-Control-Allow-Headers": "*, Authorization",
        "Access-Control-Expose-Headers": "ETag, x-cos-request-id, Date",
    }

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            with closing(http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)) as cos:
                cos.request(self.command, self.path, body, headers)
                response = cos.getresponse()
                self.reply(response.status, dict(response.getheaders()), response.read())

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 - http.server's names

        def do_OPTIONS(self) -> None:
            self.reply(204, {}, b"")

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in {**headers, **rule}.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Front)) as port:
        yield port
