"""
COS's hosts and forms in front of moto, which speaks S3's: the bucket in the host name, the region of a bucket, request
ids, and times. moto says of every upload that it began in 2010 and of every part that it came now, so both are told it.
Its list of parts has a root that neither S3 nor COS has.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

from tests.foreign.checks import REGION

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PASSED_ON = ("Content-Type", "ETag", "Last-Modified")
ElementTree.register_namespace("", NAMESPACE)


@dataclass(frozen=True, slots=True)
class Ages:
    """Hours since an upload of this key began, and since this part of it came."""

    upload: Callable[[str], float]
    part: Callable[[str, int], float]


@contextmanager
def adapter(port: int, ages: Ages) -> Iterator[str]:
    """The address of a COS that is moto's port in truth."""

    class Handler(_Handler):
        moto, told = port, ages

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    moto: int
    told: Ages

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        label = self.headers["Host"].partition(".")[0]
        target = self.path if label in {"service", "cos"} else f"/{label}{self.path}"
        connection = http.client.HTTPConnection("127.0.0.1", self.moto, timeout=60)
        # Neither the signature nor any other header of COS's is S3's.
        connection.request(self.command, target, body)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        kept = {name: response.headers[name] for name in PASSED_ON if name in response.headers}
        self._answer(response.status, kept, self._as_cos(answer))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - the names that it looks for

    def _as_cos(self, answer: bytes) -> bytes:
        if not answer.startswith(b"<?xml"):
            return answer
        root = ElementTree.fromstring(answer)
        root.tag = root.tag.replace("ListPartsResponse", "ListPartsResult")
        for bucket in root.iter(_name("Bucket")):
            if len(bucket):
                ElementTree.SubElement(bucket, _name("Location")).text = REGION
        for upload in root.iter(_name("Upload")):
            _tell(upload, "Initiated", self.told.upload(_text(upload, "Key")))
        for part in root.iter(_name("Part")):
            _tell(part, "LastModified", self.told.part(_text(root, "Key"), int(_text(part, "PartNumber"))))
        return ElementTree.tostring(root)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-cos-request-id", f"{id(self):x}")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing: the table is what is printed."""


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _text(parent: ElementTree.Element, name: str) -> str:
    return parent.findtext(_name(name)) or ""


def _tell(parent: ElementTree.Element, name: str, hours: float) -> None:
    [element] = parent.findall(_name(name))
    time = datetime.now(timezone.utc) - timedelta(hours=hours)
    element.text = time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
