"""
What stands between a sender and the function where the emulator has no door for it.

The Function URL turns an HTTP request into an event, and the function's response into HTTP. It is as narrow as what
these senders use: SCF's limits and CAM are not in it. COS is the emulator's own, behind TLS.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer

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

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Door)) as port:
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def tls_front(cloud: Cloud, host: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """COS over TLS under a name of its own: its port on 127.0.0.1, and the file of who signed its certificate."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    signer = folder / "authority.pem"
    authority.cert_pem.write_to_path(signer)

    class Front(StreamRequestHandler):
        def handle(self) -> None:
            address = ("127.0.0.1", cloud.port)
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(address) as cos,
            ):
                back = threading.Thread(target=_pump, args=(cos, client))
                back.start()
                _pump(client, cos)
                back.join()

    with _serving(ThreadingTCPServer(("127.0.0.1", 0), Front)) as port:
        yield port, signer


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def _serving(server: TCPServer) -> Iterator[int]:
    """Serve in the background, until the end of the block; the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
