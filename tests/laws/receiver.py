"""
A local receiver of the messages that NOTIFY_URL gets.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import trustme

from cos_sweeper.net.client import Connections
from cos_sweeper.report import notifier

HOST = "hooks.example.com"
NOTIFY: dict[str, Any] = {"NOTIFY_URL": f"https://{HOST}/an-example-path", "NOTIFY": "always"}


@contextmanager
def receiving() -> Iterator[list[str]]:
    """Messages go to a list for as long as the context lasts."""
    messages: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with TemporaryDirectory() as directory, ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        roots = Path(directory, "roots.pem")
        authority.cert_pem.write_to_path(str(roots))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        connections = partial(Connections, server.server_port, str(roots))
        try:
            with mock.patch.object(notifier, "Connections", connections):
                yield messages
        finally:
            server.shutdown()
            thread.join()
