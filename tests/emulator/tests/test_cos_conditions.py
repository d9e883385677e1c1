"""
Conditions and ranges of the emulated COS.
"""

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import md5

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import HOST, Connect, ask

CONTENT = b"abcd"
ETAG = f'"{md5(CONTENT).hexdigest()}"'


def shifted(last_modified: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers with times in place of the seconds from the object's own time."""
    stored = parsedate_to_datetime(last_modified)
    times = {name: format_datetime(stored + timedelta(seconds=s), usegmt=True) for name, s in SECONDS.items()}
    return {name: times.get(value, value) for name, value in headers.items()}


SECONDS = {"before": -1, "then": 0, "after": 1}
CONDITIONS = [
    pytest.param({"If_Match": ETAG}, 200, id="match"),
    pytest.param({"If_Match": ETAG.strip('"')}, 200, id="match without quotes"),
    pytest.param({"If_Match": f'"x", {ETAG}'}, 200, id="match one of several"),
    pytest.param({"If_Match": "*"}, 200, id="match anything"),
    pytest.param({"If_Match": '"x"'}, 412, id="match another"),
    pytest.param({"If_None_Match": ETAG}, 304, id="none match"),
    pytest.param({"If_None_Match": "*"}, 304, id="none match anything"),
    pytest.param({"If_None_Match": '"x"'}, 200, id="none match another"),
    pytest.param({"If_Modified_Since": "before"}, 200, id="modified since before"),
    pytest.param({"If_Modified_Since": "then"}, 304, id="modified since then"),
    pytest.param({"If_Modified_Since": "yesterday"}, 200, id="modified since no time"),
    pytest.param({"If_Unmodified_Since": "before"}, 412, id="unmodified since before"),
    pytest.param({"If_Unmodified_Since": "then"}, 200, id="unmodified since then"),
    pytest.param({"If_Match": ETAG, "If_Unmodified_Since": "before"}, 200, id="match outweighs unmodified"),
    pytest.param({"If_None_Match": '"x"', "If_Modified_Since": "after"}, 200, id="none match outweighs modified"),
    pytest.param({"If_None_Match": ETAG, "If_Modified_Since": "before"}, 304, id="none match outweighs, too"),
    pytest.param({"If_Match": '"x"', "If_None_Match": ETAG}, 412, id="412 before 304"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("headers", "status"), CONDITIONS)
def test_conditions_decide_what_a_get_and_a_head_are_answered(
    cloud: Cloud, connect: Connect, method: str, headers: dict[str, str], status: int
) -> None:
    client = connect()
    ask(cloud, client, "PUT", "/a", CONTENT)
    last_modified = ask(cloud, client, "HEAD", "/a").headers["last-modified"]

    answer = ask(cloud, client, method, "/a", **shifted(last_modified, headers))

    assert answer.status == status
    assert answer.body == (CONTENT if (method, status) == ("GET", 200) else answer.body)
    assert answer.code == ("PreconditionFailed" if (method, status) == ("GET", 412) else "")
    if status == 304:
        assert (answer.headers["etag"], answer.body) == (ETAG, b"")


@pytest.mark.parametrize(("headers", "status"), CONDITIONS)
def test_conditions_on_the_source_decide_whether_it_is_copied(
    cloud: Cloud, connect: Connect, headers: dict[str, str], status: int
) -> None:
    client = connect()
    ask(cloud, client, "PUT", "/a", CONTENT)
    last_modified = ask(cloud, client, "HEAD", "/a").headers["last-modified"]
    conditions = {f"x_cos_copy_source_{name}": value for name, value in shifted(last_modified, headers).items()}

    answer = ask(cloud, client, "PUT", "/b", b"", x_cos_copy_source=f"{HOST}/a", **conditions)

    assert answer.status == (200 if status == 200 else 412)
    assert ask(cloud, client, "HEAD", "/b").status == (200 if status == 200 else 404)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("wanted", "status", "got", "content_range"),
    [
        ("bytes=1-2", 206, b"bc", "bytes 1-2/4"),
        ("bytes=2-", 206, b"cd", "bytes 2-3/4"),
        ("bytes=-1", 206, b"d", "bytes 3-3/4"),
        ("bytes=-9", 206, b"abcd", "bytes 0-3/4"),
        ("bytes=0-99", 206, b"abcd", "bytes 0-3/4"),
        ("bytes=3-2", 200, b"abcd", None),
        ("bytes=0-0,2-2", 200, b"abcd", None),
        ("bytes=-", 200, b"abcd", None),
        ("lines=1-2", 200, b"abcd", None),
        ("bytes=4-", 416, None, None),
        ("bytes=-0", 416, None, None),
    ],
)
def test_range_is_answered_with_those_bytes_or_where_it_is_none_with_all(
    cloud: Cloud,
    connect: Connect,
    method: str,
    wanted: str,
    status: int,
    got: bytes | None,
    content_range: str | None,
) -> None:
    ask(cloud, connect(), "PUT", "/a", CONTENT)

    answer = ask(cloud, connect(), method, "/a", Range=wanted)

    assert (answer.status, answer.headers.get("content-range")) == (status, content_range)
    assert answer.code == ("InvalidRange" if got is None and method == "GET" else "")
    if got is not None:
        assert (answer.body, answer.headers["content-length"]) == (got if method == "GET" else b"", str(len(got)))


@pytest.mark.parametrize("way", ["put", "copy", "start", "complete"])
@pytest.mark.parametrize(("forbids", "status"), [("true", 409), ("false", 200), ("maybe", 400)])
def test_overwriting_can_be_forbidden(cloud: Cloud, connect: Connect, way: str, forbids: str, status: int) -> None:
    client = connect()
    ask(cloud, client, "PUT", "/source", b"new")
    [upload_id] = ask(cloud, client, "POST", "/a?uploads", b"").texts("UploadId")
    etag = ask(cloud, client, "PUT", f"/a?partNumber=1&uploadId={upload_id}", b"new").headers["etag"]
    ask(cloud, client, "PUT", "/a", b"old")
    part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    parts = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>"
    method, target, body, headers = {
        "put": ("PUT", "/a", b"new", {}),
        "copy": ("PUT", "/a", b"", {"x_cos_copy_source": f"{HOST}/source"}),
        "start": ("POST", "/a?uploads", b"", {}),
        "complete": ("POST", f"/a?uploadId={upload_id}", parts.encode(), {}),
    }[way]

    answer = ask(cloud, client, method, target, body, x_cos_forbid_overwrite=forbids, **headers)

    assert (answer.status, answer.code) == (status, {409: "FileAlreadyExists", 400: "InvalidArgument", 200: ""}[status])
    overwritten = status == 200 and way != "start"
    assert ask(cloud, client, "GET", "/a").body == (b"new" if overwritten else b"old")
    if status == 409:
        free = target.replace("/a", "/b")
        elsewhere = ask(cloud, client, method, free, body, x_cos_forbid_overwrite="true", **headers)
        assert elsewhere.status == (404 if way == "complete" else 200)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("named", "status"),
    [(ETAG, 206), ("then", 206), ('"x"', 200), (f"W/{ETAG}", 200), ("before", 200), ("after", 200), ("yesterday", 200)],
)
def test_range_of_another_object_than_the_one_named_is_the_whole(
    cloud: Cloud, connect: Connect, method: str, named: str, status: int
) -> None:
    ask(cloud, connect(), "PUT", "/a", CONTENT)
    last_modified = ask(cloud, connect(), "HEAD", "/a").headers["last-modified"]

    answer = ask(cloud, connect(), method, "/a", **shifted(last_modified, {"Range": "bytes=1-2", "If_Range": named}))

    span = slice(1, 3) if status == 206 else slice(None)
    assert answer.status == status
    assert answer.headers["content-length"] == str(len(CONTENT[span]))
    assert answer.body == (CONTENT[span] if method == "GET" else b"")
