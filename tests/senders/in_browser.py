"""
The browser sender: cos-js-sdk-v5 in a real Chromium, with temporary keys, and the backend that it reports to.

Stand-ins: the names lead to this machine, without TLS; a front adds the bucket's CORS rule; the site's login is a
cookie that it gives to everybody; the temporary keys are the emulator's, as STS would make them.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from tests.fixtures import TOKEN
from tests.page.browser import Page, browser, program
from tests.senders.clients import BUCKET, EXAMPLES, NEEDS_NODE, NODE_MODULES, REGION, World
from tests.senders.stand_ins import cos_with_cors, serving

pytestmark = [
    NEEDS_NODE,
    pytest.mark.skipif(program() is None, reason="!!! NOT TESTED: the browser sender, because there is no Chromium"),
]
KEY = "users/li/a b+中文.mov"
# How often the SDK itself sends a Complete that is rejected, within one attempt.
CALLS = 4
SITE = "http://site.example"
HTML = b"<!doctype html><script src=/cos.js></script>"
FILES = {
    "/cos.js": NODE_MODULES / "cos-js-sdk-v5" / "dist" / "cos-js-sdk-v5.js",
    "/upload.js": EXAMPLES / "browser" / "upload.js",
}
ARN = f"qcs::cos:{REGION}:uid/1250000000:{BUCKET}/"
UPLOADS = ("InitiateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload")
POLICY = {
    "version": "2.0",
    "statement": [
        {"effect": "allow", "action": [f"name/cos:{each}" for each in UPLOADS], "resource": f"{ARN}users/li/*"},
        # The SDK lists the uploads of the bucket before each upload. It cannot do without.
        {"effect": "allow", "action": "name/cos:ListMultipartUploads", "resource": ARN},
    ],
}
PRELUDE = f"""
var getAuthorization = (_, done) => fetch("/keys").then((response) => response.json()).then(done);
var Body = new File([new Uint8Array(3 * 1048576 + 1)], "file.mov");
var params = {{ Bucket: "{BUCKET}", Region: "{REGION}", Key: "{KEY}", Body }};
var cos = new COS({{ getAuthorization }});
"""
UPLOAD = """
import("/upload.js").then(({ upload }) => upload(cos, params))
  .then(() => "uploaded", (failure) => `failed: ${failure.message}`)
"""


def test_upload_that_is_given_up_is_aborted_and_others_stay(world: World, backend: Any) -> None:
    others = world.cloud.seed(BUCKET, KEY, count=2, part_size=777)
    world.cloud.fault("UploadPart", key=KEY, status=403, code="AccessDenied", skip=1)

    (said,), page = visit(world, backend, UPLOAD)

    assert said.startswith("failed"), page.complaints
    assert world.aborts() == [(KEY, upload_id) for upload_id in world.started()]
    assert len(world.aborts()) == 1
    assert [each.upload_id for each in world.cloud.uploads(BUCKET, KEY)] == sorted(each.upload_id for each in others)
    assert TOKEN not in str(page.requests)


def test_attempt_that_is_repeated_is_not_reported(world: World, backend: Any) -> None:
    world.cloud.fault("CompleteMultipartUpload", key=KEY, status=403, code="AccessDenied", count=CALLS)

    (said,), page = visit(world, backend, UPLOAD)

    assert said == "uploaded", page.complaints
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]
    assert world.cloud.invocations() == []
    assert len(world.started()) == 1
    assert [each.operation for each in world.cloud.requests()].count("ListMultipartUploads") == 2


def visit(world: World, backend: Any, *scripts: str) -> tuple[list[str], Page]:
    """Load the site's page once for each script in one browser; what each script comes to, and the page."""
    keys = world.cloud.add_credentials(policy=POLICY, expires_in_seconds=3600, token="temporary")
    given = {"TmpSecretId": keys.secret_id, "TmpSecretKey": keys.secret_key, "SecurityToken": keys.token}
    pages = {"/": HTML, **{path: file.read_bytes() for path, file in FILES.items()}}
    pages["/keys"] = json.dumps({**given, "StartTime": 0, "ExpiredTime": 1 << 31}).encode()
    with serving(_site(backend, pages)) as site, cos_with_cors(world.cloud) as cos:
        rules = f"--host-resolver-rules=MAP site.example 127.0.0.1:{site}, MAP *.myqcloud.com 127.0.0.1:{cos}"
        said, page = asyncio.run(_run(rules, scripts))
    assert world.cloud.wait_idle()
    return said, page


async def _run(rules: str, scripts: tuple[str, ...]) -> tuple[list[str], Page]:
    executable = program()
    assert executable is not None
    async with browser(executable, rules, "--disable-features=HttpsUpgrades") as connection, connection.page() as page:
        said = []
        for script in scripts:
            await page.open(f"{SITE}/")
            said.append(str(await page.evaluate(PRELUDE + script)))
        return said, page


def _site(backend: Any, pages: dict[str, bytes]) -> WSGIServer:
    """A site with these pages and the backend. Everybody who has loaded its page is Li."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        path, user = environ["PATH_INFO"], environ.get("HTTP_COOKIE", "").removeprefix("user=")
        if path == "/abandoned-uploads":
            answer: Iterable[bytes] = backend({**environ, "REMOTE_USER": user}, start_response)
            return answer
        if path not in pages:
            start_response("404 Not Found", [])
            return []
        kind = "text/html" if path == "/" else "text/javascript"
        start_response("200 OK", [("Content-Type", kind), ("Set-Cookie", "user=li; HttpOnly; SameSite=Strict")])
        return [pages[path]]

    return make_server("127.0.0.1", 0, application, _ThreadingServer, _Quiet)


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""
