"""
cos-nodejs-sdk-v5, one process for each call, as its documentation shows it.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.foreign.checks import (
    BUCKET,
    KEY,
    MIB,
    NODE,
    REGION,
    Client,
    NotInstalled,
    World,
    content,
    expect,
    version_of,
)

SCRIPT = Path(__file__).with_suffix(".mjs")
PACKAGE = NODE / "node_modules" / "cos-nodejs-sdk-v5" / "package.json"
SLICES: dict[str, Any] = {"SliceSize": MIB, "ChunkSize": 4 * MIB, "AsyncLimit": 1}


def _version() -> str:
    version_of(["node", "--version"])
    try:
        version: str = json.loads(PACKAGE.read_text("utf-8"))["version"]
    except OSError as exc:
        raise NotInstalled("npm could not install it") from exc
    return version


def _call(
    world: World, method: str, *, key: str | None = KEY, options: dict[str, Any] | None = None, **more: Any
) -> Any:
    given = {"Bucket": BUCKET, "Region": REGION, **({} if key is None else {"Key": key}), **more}
    world.variables["NODE_PACKAGES"] = str(NODE)
    printed = world.run("node", SCRIPT, method, json.dumps(given), json.dumps(options or {}))
    return json.loads(printed.splitlines()[-1])


def _right(world: World, method: str, **more: Any) -> Any:
    answer = _call(world, method, **more)
    expect(method, answer.get("error"), None)
    return answer


def put_get_head_list_copy_and_delete_objects(world: World) -> None:
    _right(world, "putObject", Body={"file": str(world.file(size=3 * MIB))}, ContentLength=3 * MIB)
    expect("what comes back", _right(world, "getObject")["Body"], sha256(content(3 * MIB)).hexdigest())
    expect("length", _right(world, "headObject")["headers"]["content-length"], str(3 * MIB))
    listed = _right(world, "getBucket", key=None, Prefix="videos/")
    expect("listed", [each["Key"] for each in listed["Contents"]], [KEY])
    source = f"{BUCKET}.cos.{REGION}.myqcloud.com/videos/a%20b%2B%E4%B8%AD%E6%96%87.mov"
    _right(world, "putObjectCopy", key="copy", CopySource=source)
    _right(world, "sliceCopyFile", key="copy in parts", CopySource=source, CopySliceSize=MIB, CopyChunkSize=MIB)
    world.expect_object("copy", content(3 * MIB), in_parts=False)
    world.expect_object("copy in parts", content(3 * MIB), in_parts=True)
    _right(world, "deleteObject", key="copy")
    _right(world, "deleteMultipleObject", key=None, Objects=[{"Key": KEY}, {"Key": "copy in parts"}])
    expect("keys", world.object_keys(), [])
    expect("status of what is gone", _call(world, "headObject")["error"]["status"], 404)


def upload_in_parts_by_hand(world: World) -> None:
    file, upload_id = str(world.file()), _right(world, "multipartInit")["UploadId"]
    for number, start in ((2, 8 * MIB), (1, 0)):
        end = min(start + 8 * MIB, 12 * MIB + 1) - 1
        part = {"file": file, "start": start, "end": end}
        more = {"UploadId": upload_id, "PartNumber": number, "ContentLength": end - start + 1}
        _right(world, "multipartUpload", Body=part, **more)
    listed = _right(world, "multipartList", key=None)["Upload"]
    expect("uploads", [(each["Key"], each["UploadId"]) for each in listed], [(KEY, upload_id)])
    parts = _right(world, "multipartListPart", UploadId=upload_id)["Part"]
    expect("parts", [each["PartNumber"] for each in parts], ["1", "2"])
    named = [{"PartNumber": each["PartNumber"], "ETag": each["ETag"]} for each in parts]
    _right(world, "multipartComplete", UploadId=upload_id, Parts=named)
    world.expect_object(KEY, content(), in_parts=True)


def multipartAbort_aborts_one_upload_and_then_it_is_unknown(world: World) -> None:
    one, other = world.cloud.seed(BUCKET, KEY, count=2)
    _right(world, "multipartAbort", UploadId=one.upload_id)
    expect("left", [each.upload_id for each in world.uploads()], [other.upload_id])
    again = _call(world, "multipartAbort", UploadId=one.upload_id)["error"]
    expect("second abort", (again["status"], again["code"]), (404, "NoSuchUpload"))


def sliceUploadFile_uploads_in_slices(world: World) -> None:
    _right(world, "sliceUploadFile", FilePath=str(world.file()), **SLICES)
    world.expect_object(KEY, content(), in_parts=True)
    expect("unfinished uploads", world.uploads(), [])


def sliceUploadFile_resumes_after_a_failing_part(world: World) -> None:
    file = str(world.file())
    world.cloud.fault("UploadPart", status=403, code="AccessDenied", skip=2)
    expect("failing part", _call(world, "sliceUploadFile", FilePath=file, **SLICES)["error"]["status"], 403)
    world.cloud.heal()
    [left] = world.uploads()
    mark = world.cloud.mark()
    _right(world, "sliceUploadFile", FilePath=file, **SLICES)
    sent = [each.upload_id for each in world.cloud.requests(mark) if each.operation == "UploadPart"]
    expect("parts before and after", (left.parts, sent), (2, [left.upload_id] * 2))
    world.expect_object(KEY, content(), in_parts=True)


def abortUploadTask_aborts_an_upload_a_key_or_a_bucket(world: World) -> None:
    one, *_ = world.cloud.seed(BUCKET, KEY, count=3)
    world.cloud.seed(BUCKET, "other-{n}", count=2)
    left = []
    for more in ({"Level": "task", "UploadId": one.upload_id}, {"Level": "file"}, {"Level": "bucket", "key": None}):
        _right(world, "abortUploadTask", **more)
        left.append([each.key for each in world.uploads()])
    expect("left", left, [["other-0", "other-1", KEY, KEY], ["other-0", "other-1"], []])


CLIENT = Client(
    "Node SDK",
    _version,
    (
        put_get_head_list_copy_and_delete_objects,
        upload_in_parts_by_hand,
        multipartAbort_aborts_one_upload_and_then_it_is_unknown,
        sliceUploadFile_uploads_in_slices,
        sliceUploadFile_resumes_after_a_failing_part,
        abortUploadTask_aborts_an_upload_a_key_or_a_bucket,
    ),
)
