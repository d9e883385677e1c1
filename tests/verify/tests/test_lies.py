"""
Each fact is made false, one at a time: the run says "not as expected" for exactly that one, and cleans up all the same.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pytest

from cos_sweeper.net.response import Response
from tests.emulator.public import Cloud
from tests.function import PHOTOS
from tests.unit.cli.little_monitor import LittleMonitor
from tests.verify.checks.all import CHECKS
from tests.verify.tests.little_api import LittleApi
from tests.verify.tests.scene import Lie, Scene, different, honest, with_body

PHOTOS_NAME = PHOTOS.partition("@")[0]
ERROR = b"<Error><Code>%s</Code><Message>%s</Message><Resource/><RequestId>r</RequestId></Error>"
# What says only what it found, and cannot be wrong.
TOLD = {"monitor-count", "monitor-unit"}


@dataclass(frozen=True)
class Falsehood:
    """check: the one that is made false. fault: at the emulator; lie: on the way; api: in the other services."""

    check: str
    lie: Callable[[], Lie] = lambda: honest
    fault: Callable[[Cloud], object] = lambda _: None
    api: Callable[[LittleApi], object] = lambda _: None


def answering(method: str, folder: str, status: int, code: str = "", *, skip: int = 0) -> Lie:
    """Answer requests about a folder otherwise, but for the first ones."""
    seen: list[str] = []

    def lie(its_method: str, url: str, response: Response) -> Response:
        if its_method != method or folder not in url:
            return response
        seen.append(url)
        body = ERROR % (code.encode(), b"") if code else b""
        return response if len(seen) <= skip else with_body(response, body, status)

    return lie


def writing(
    folder: str, pattern: bytes, instead: bytes | Callable[[re.Match[bytes]], bytes], method: str = "GET"
) -> Lie:
    """Write something else in the answers about a folder."""

    def lie(its_method: str, url: str, response: Response) -> Response:
        if its_method != method or folder not in url:
            return response
        return with_body(response, re.sub(pattern, instead, response.content, flags=re.DOTALL))

    return lie


def reversing(folder: str, name: bytes) -> Lie:
    """List backwards."""

    def lie(method: str, url: str, response: Response) -> Response:
        elements = re.findall(b"<%s>.*?</%s>" % (name, name), response.content, re.DOTALL)
        if method != "GET" or folder not in url or not elements:
            return response
        first, last = response.content.index(elements[0]), response.content.rindex(elements[-1])
        body = response.content[:first] + b"".join(elements[::-1]) + response.content[last + len(elements[-1]) :]
        return with_body(response, body)

    return lie


def late(folder: str, listings: int) -> Lie:
    """Show what the first listing showed, so many times."""
    shown: list[Response] = []

    def lie(method: str, url: str, response: Response) -> Response:
        if method != "GET" or folder not in url or "uploads=" not in url:
            return response
        shown.append(response)
        return shown[0] if len(shown) <= listings else response

    return lie


def hiding(folder: str, listings: int) -> Lie:
    """Show no upload, so many times."""
    hidden, empty = [0], writing(folder, b"<Upload>.*</Upload>", b"")

    def lie(method: str, url: str, response: Response) -> Response:
        hidden[0] += method == "GET" and folder in url and "uploads=" in url
        return empty(method, url, response) if hidden[0] <= listings else response

    return lie


def fault(operation: str, folder: str = "", **fields: Any) -> Callable[[Cloud], object]:
    pattern = {"key_pattern": f".*/{folder}/.*"} if folder else {}
    return lambda cloud: cloud.fault(operation, **pattern, **fields)


def deaf_to(action: str) -> Callable[[LittleApi], object]:
    """An STS that does not deny this action."""

    def kept(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in statements if one["effect"] != "deny" or one["action"] != [action]]

    return lambda api: setattr(api, "kept", kept)


def without_list_parts(api: LittleApi) -> None:
    """An STS in whose understanding the documented policy does not allow List Parts."""

    def kept(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for one in statements if "name/cos:ListParts" not in one["action"] or one["effect"] == "deny"]

    api.kept = kept


def changed(**fields: Any) -> Callable[[LittleApi], object]:
    return lambda api: api.function.update(fields)


def refuse(action: str, code: str) -> Callable[[LittleApi], object]:
    return lambda api: api.errors.update({action: code})


def signed(code: bytes, instead: bytes) -> Lie:
    return writing("/signature/", code, instead)


FALSEHOODS = [
    Falsehood("lifecycle-none", fault=fault("GetBucketLifecycle", status=404, code="NoSuchConfiguration", count=1)),
    Falsehood(
        "object-lock-none", fault=fault("GetBucketObjectLockConfiguration", status=404, code="NoSuchLock", count=1)
    ),
    Falsehood("service", lambda: writing("service.cos", b"<Location>ap-guangzhou<", b"<Location>gz<")),
    Falsehood("report-objects", lambda: writing("/report/", b"b.json", b"c.json")),
    Falsehood("date", fault=fault("AbortMultipartUpload", "date", date="missing")),
    Falsehood("sign-own", lambda: answering("GET", "/signature/a b", 400, "No", skip=1)),
    Falsehood("sign-wrong", lambda: signed(b"SignatureDoesNotMatch", b"AccessDenied")),
    Falsehood("sign-unknown", lambda: signed(b"InvalidAccessKeyId", b"NoSuchUser")),
    Falsehood("sign-expired", lambda: signed(b"Request has expired", b"No")),
    Falsehood("sign-future", lambda: signed(b"RequestTimeTooSkewed", b"AccessDenied")),
    Falsehood("abort-204", lambda: answering("DELETE", "/abort-204/", 200)),
    Falsehood("abort-twice", lambda: answering("DELETE", "/abort-twice/", 204)),
    Falsehood("abort-completed", lambda: answering("DELETE", "/abort-completed/a?", 204)),
    Falsehood("abort-unknown", lambda: answering("DELETE", "/abort-unknown/", 204)),
    Falsehood("abort-other-key", lambda: answering("DELETE", "/abort-other-key/b", 204)),
    Falsehood("abort-during-part", lambda: answering("PUT", "/abort-during-part/", 200, skip=1)),
    Falsehood("abort-at-once", lambda: answering("DELETE", "/abort-at-once/", 400, "InvalidArgument")),
    Falsehood("list-fresh", lambda: hiding("/fresh/", 20)),
    Falsehood("list-gone", lambda: late("/stale/", 20)),
    Falsehood("marker-gone", fault=lambda cloud: cloud.gone_markers("refuse")),
    Falsehood("key-marker", lambda: hiding("/key-marker/", 1)),
    Falsehood("order-keys", lambda: reversing("/order/", b"Upload")),
    Falsehood("order-ids", lambda: reversing("/order-of-ids/", b"Upload")),
    Falsehood("encoding-keys", lambda: writing("/encoding/", b"%20", b"+")),
    Falsehood("encoding-controls", lambda: writing("/controls/", b"%01", b"%02")),
    Falsehood("prefix-literal", lambda: hiding("/prefixes/a_b/", 1)),
    Falsehood("time-forms", lambda: writing("/times/", rb"<Initiated>[^<]*", b"<Initiated>Wed Jan 18 16:04:17 2017")),
    Falsehood("id-form", lambda: writing("/ids/", rb"<UploadId>", b"<UploadId>x", "POST")),
    Falsehood("id-time", lambda: writing("/id-times/", rb"<Initiated>20..", b"<Initiated>2019")),
    Falsehood("initiator-form", lambda: writing("/initiators/", b"qcs::cam::uin/", b"uin/")),
    Falsehood("element-forms", lambda: writing("/elements/", b"<StorageClass>STANDARD", b"<StorageClass>")),
    Falsehood("parts-pages", lambda: reversing("/parts/", b"Part")),
    Falsehood("key-longest", lambda: answering("POST", "/long/" + "k" * 800, 200)),
    Falsehood("key-slash", lambda: answering("POST", "com//cos-sweeper-verify", 200)),
    Falsehood("key-backslash", lambda: answering("POST", "com/\\cos-sweeper-verify", 200)),
    Falsehood("key-dots", lambda: writing("/dots/", rb"x/\.\./z", b"z")),
    Falsehood("key-double-slash", lambda: writing("/double/", b"a//b", b"a/b")),
    Falsehood("engine-dry-run", lambda: hiding("/engine-dry/", 1)),
    Falsehood("engine-named", fault=fault("AbortMultipartUpload", "engine-named", ignore=True, count=8)),
    Falsehood("engine-sweep", fault=fault("AbortMultipartUpload", "engine-sweep", ignore=True, count=40)),
    Falsehood("permission-list", api=deaf_to("name/cos:ListMultipartUploads")),
    Falsehood("permission-parts", api=deaf_to("name/cos:ListParts")),
    Falsehood("permission-abort", api=deaf_to("name/cos:AbortMultipartUpload")),
    Falsehood("permission-lifecycle", api=deaf_to("name/cos:GetBucketLifecycle")),
    Falsehood("permission-object-lock", api=deaf_to("name/cos:GetBucketObjectLock")),
    Falsehood("permission-objects", api=deaf_to("name/cos:GetBucket")),
    Falsehood("permission-object", api=deaf_to("name/cos:GetObject")),
    Falsehood("permission-policy", api=without_list_parts),
    Falsehood("permission-token", api=lambda api: setattr(api, "token", "the-same-token-for-everybody")),
    Falsehood("function-limit", api=changed(Runtime="Python3.6")),
    Falsehood("function-itself", api=refuse("InvokeAlone", "UnauthorizedOperation")),
    Falsehood("function-invoke", api=refuse("InvokeSilent", "")),
    Falsehood("markers-same-key", lambda: writing("/markers/", rb"<NextUploadIdMarker>[^<]*", b"<NextUploadIdMarker>")),
]


@pytest.mark.sampled(14)
@pytest.mark.parametrize("falsehood", FALSEHOODS, ids=lambda one: one.check)
def test_fact_that_is_false_is_not_as_expected_and_no_other_is(falsehood: Falsehood, cloud: Cloud) -> None:
    falsehood.fault(cloud)
    api = LittleApi(cloud)
    falsehood.api(api)
    scene = Scene(cloud, lie=falsehood.lie(), api=api, monitor=LittleMonitor())

    run = scene.run()

    assert different(run) == [falsehood.check]
    assert run.cleaned.left == []
    assert cloud.uploads(PHOTOS_NAME) == []
    assert cloud.objects(PHOTOS_NAME) == []


def test_facts_that_are_false_together_are_all_found(cloud: Cloud) -> None:
    together = [one for one in FALSEHOODS if one.check.partition("-")[0] not in ("permission", "function")]
    for one in together:
        one.fault(cloud)

    lies = [one.lie() for one in together]

    def lie(method: str, url: str, response: Response) -> Response:
        return reduce(lambda told, one: one(method, url, told), lies, response)

    run = Scene(cloud, lie=lie).run()

    assert sorted(different(run)) == sorted(one.check for one in together)
    assert run.cleaned.left == []
    assert cloud.uploads(PHOTOS_NAME) == []


def test_every_check_can_fail() -> None:
    names = [one.name for one in CHECKS]

    assert len(set(names)) == len(names)
    assert {one.check for one in FALSEHOODS} | TOLD | {"sign-token"} == set(names)
