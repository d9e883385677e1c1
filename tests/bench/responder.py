"""
A server that only answers: no signatures, no state but what was aborted, one thread over epoll, every answer late by
the same time.

It runs as a process of its own, so that its processor time is its own, and is no model of COS: `tests/emulator` is. It
prints its port, stops when its standard input ends, and then prints what it did.
"""

import argparse
import json
import select
import signal
import socket
import ssl
import sys
import time
from collections import deque
from email.utils import formatdate
from urllib.parse import parse_qs, unquote

from tests.bench import documents, load

END = b"\r\n\r\n"
READ_BYTES = 1 << 16
# How much of what is allowed may come at once.
BURST_SECONDS = 0.1
NO_SUCH_UPLOAD = b"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>NoSuchUpload</Code>\n</Error>\n"
SLOW_DOWN = b"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>SlowDown</Code>\n</Error>\n"


class Connection:
    """One client. unread: the beginning of a request whose end has not come; unsent: what its socket did not take."""

    __slots__ = ("sock", "unread", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = b""
        self.unsent = b""


class Responder:
    """
    Answers requests until it is told to stop.

    delay: seconds between a request's arrival and its answer. uploads: how many a listing shows. allowed: requests a
    second, to those beyond it says SlowDown; 0 for all. context: for TLS. parts: of each upload.
    """

    def __init__(
        self, delay: float, uploads: int, allowed: float = 0, context: ssl.SSLContext | None = None, parts: int = 1
    ) -> None:
        self._delay = delay
        self._parts = parts
        self._uploads = uploads
        self._allowed = allowed
        self._left = self._most_left = allowed * BURST_SECONDS
        self._left_at = time.monotonic()
        self._listener = _listener(context)
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._due: deque[tuple[float, Connection, bytes]] = deque()
        self._tail = b""
        self._tail_second = 0
        self.port: int = self._listener.getsockname()[1]
        self.requests = 0
        self.aborts = 0
        self.rejected = 0
        # Of the uploads that a listing shows, by number: what is aborted is gone when somebody looks.
        self._gone: set[int] = set()

    def run(self, stop_fd: int) -> None:
        """Serve until `stop_fd` can be read, which it can when it has ended."""
        self._epoll.register(stop_fd, select.EPOLLIN)
        self._epoll.register(self._listener, select.EPOLLIN)
        while True:
            for fd, _ in self._ready():
                if fd == stop_fd:
                    return
                if fd == self._listener.fileno():
                    self._accept()
                else:
                    self._serve(self._connections[fd])
            self._answer_what_is_due()

    def _ready(self) -> list[tuple[int, int]]:
        """
        Wait for something to read, or for an answer to be due.

        epoll waits whole milliseconds, select to the microsecond, and epoll itself is something that select can watch.
        """
        if not self._due:
            return self._epoll.poll()
        select.select([self._epoll], [], [], max(0.0, self._due[0][0] - time.monotonic()))
        return self._epoll.poll(0)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[sock.fileno()] = Connection(sock)
        self._epoll.register(sock, select.EPOLLIN)

    def _serve(self, connection: Connection) -> None:
        """Answer every whole request that has come."""
        if connection.unsent:
            self._send(connection, b"")
        try:
            data = connection.sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        answers, connection.unread = self._answers(connection.unread + data)
        if not answers:
            return
        if self._delay:
            self._due.append((time.monotonic() + self._delay, connection, answers))
        else:
            self._send(connection, answers)

    def _answers(self, data: bytes) -> tuple[bytes, bytes]:
        """The answers to the whole requests in what has come, and the rest of it."""
        answers: list[bytes] = []
        begin = 0
        while (end := data.find(END, begin)) >= 0:
            after = end + len(END)
            if self._allowed and self._is_too_much():
                self.rejected += 1
                answers.append(
                    b"HTTP/1.1 503 Slow Down\r\nContent-Length: %d" % len(SLOW_DOWN) + self._headers() + SLOW_DOWN
                )
            elif data.startswith(b"DELETE", begin):
                self.aborts += 1
                if self._uploads:
                    path = data[begin + len(b"DELETE ") : data.find(b"?", begin)].decode("ascii")
                    self._gone.add(load.number_of(unquote(path)))
                answers.append(b"HTTP/1.1 204 No Content\r\nContent-Length: 0" + self._headers())
            else:
                head = data[begin:end].decode("latin-1")
                after += _body_size(head)
                if after > len(data):
                    break
                answers.append(self._other(*head.partition("\r\n")[0].split(" ")[:2]))
            self.requests += 1
            begin = after
        return b"".join(answers), data[begin:]

    def _is_too_much(self) -> bool:
        now = time.monotonic()
        self._left = min(self._most_left, self._left + (now - self._left_at) * self._allowed)
        self._left_at = now
        if self._left < 1:
            return True
        self._left -= 1
        return False

    def _other(self, method: str, target: str) -> bytes:
        path, _, query = target.partition("?")
        requested = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        body = b""
        if method == "GET" and "uploads" in requested:
            first = documents.first_after(requested.get("key-marker", ""))
            body = documents.uploads_page(first, self._uploads, requested.get("encoding-type", ""))
        elif method == "GET" and "uploadId" in requested:
            key = unquote(path).lstrip("/")
            if self._uploads and load.number_of(key) in self._gone:
                head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(NO_SUCH_UPLOAD)}"
                return head.encode() + self._headers() + NO_SUCH_UPLOAD
            after = int(requested.get("part-number-marker", 0))
            body = documents.parts(key, requested["uploadId"], after, self._parts)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}"
        return head.encode() + self._headers() + body

    def _headers(self) -> bytes:
        """What every answer carries; the time is written once a second."""
        second = int(time.time())
        if second != self._tail_second:
            date = formatdate(second, usegmt=True)
            self._tail_second = second
            self._tail = f"\r\nConnection: keep-alive\r\nDate: {date}\r\nServer: tencent-cos\r\n".encode()
        return b"%sx-cos-request-id: NjU1M2Y4MDBf%020d\r\n\r\n" % (self._tail, self.requests)

    def _answer_what_is_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, connection, answers = self._due.popleft()
            self._send(connection, answers)

    def _send(self, connection: Connection, answers: bytes) -> None:
        """Send what the socket takes now; the rest goes out when it takes more."""
        waiting = bool(connection.unsent)
        connection.unsent += answers
        try:
            sent = connection.sock.send(connection.unsent)
        except (BlockingIOError, ssl.SSLWantWriteError):
            sent = 0
        except OSError:
            self._close(connection)
            return
        connection.unsent = connection.unsent[sent:]
        if waiting != bool(connection.unsent):
            events = select.EPOLLIN | (select.EPOLLOUT if connection.unsent else 0)
            self._epoll.modify(connection.sock, events)

    def _close(self, connection: Connection) -> None:
        fd = connection.sock.fileno()
        if fd >= 0:
            del self._connections[fd]
            connection.sock.close()


def _listener(context: ssl.SSLContext | None) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    if context is None:
        return listener
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)


def _body_size(head: str) -> int:
    _, found, after = head.lower().partition("\r\ncontent-length:")
    return int(after.partition("\r\n")[0]) if found else 0


def main() -> None:
    """Say the port, serve, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--uploads", type=int, default=0, help="how many the bucket's listing shows")
    parser.add_argument("--allowed", type=float, default=0, help="requests a second; more are told to slow down")
    parser.add_argument("--certificate", help="file with key and certificate: answer over TLS")
    parser.add_argument("--parts", type=int, default=1, help="of each upload")
    given = parser.parse_args()
    context = None
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.certificate)
    # Ctrl-C is for who started this; our end is that of the standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    responder = Responder(given.delay_ms / 1000, given.uploads, given.allowed, context, given.parts)
    print(responder.port, flush=True)
    began = time.process_time()
    responder.run(sys.stdin.fileno())
    reported = {
        "requests": responder.requests,
        "aborts": responder.aborts,
        "refused": responder.rejected,
        "cpu_seconds": time.process_time() - began,
    }
    print(json.dumps(reported), flush=True)


if __name__ == "__main__":
    main()
