"""
boto3, with COS's host in place of S3's.
"""

import json
from pathlib import Path
from typing import Any

from tests.foreign.checks import BUCKET, COMMANDS, HOST, KEY, Client, World, content, expect, version_of

PYTHON = COMMANDS / "python"
CALLS = Path(__file__).with_name("boto_calls.py")


def _boto(world: World, operation: str) -> Any:
    return json.loads(world.run(PYTHON, CALLS, BUCKET, HOST, KEY, operation).splitlines()[-1])


def upload_download_and_copy_in_parts(world: World) -> None:
    world.file()
    _boto(world, "transfer")
    expect("what comes back", world.got(), content())
    world.expect_object(KEY, content(), in_parts=True)
    world.expect_object("copy", content(), in_parts=True)


def upload_in_parts_by_hand(world: World) -> None:
    world.file()
    expect("parts", _boto(world, "upload_by_hand"), [8 << 20, (4 << 20) + 1])
    world.expect_object(KEY, content(), in_parts=True)


def list_uploads_objects_and_buckets_page_by_page(world: World) -> None:
    names = [f"{folder}/{number:02}" for folder in "ab" for number in range(20)]
    for name in names:
        [object_, _] = world.cloud.seed(BUCKET, name, count=2)
        world.cloud.complete(BUCKET, name, object_.upload_id)
    world.cloud.seed(BUCKET, "a/00", count=20)
    uploads, wanted = ["a/00"] * 20 + names, ["a/", "b/"]
    listed = _boto(world, "listings")
    expect("uploads", listed["uploads"], uploads)
    expect("uploads under a prefix", listed["under a prefix"], [each for each in uploads if each < "b"])
    expect("folders", (listed["folders of uploads"], listed["folders of objects"]), (wanted, wanted))
    expect("objects", (listed["objects"], listed["objects, second version"]), (names, names))
    expect("buckets", listed["buckets"], [BUCKET])


def list_and_abort_1200_uploads(world: World) -> None:
    world.cloud.seed(BUCKET, "a/{n}", count=1200)
    world.cloud.seed(BUCKET, "b")
    expect("aborted", _boto(world, "abort_all"), 1200)
    expect("left", [each.key for each in world.uploads()], ["b"])


def metadata_delete_and_errors(world: World) -> None:
    codes = ["NoSuchKey", "404", "NoSuchUpload", "NoSuchUpload", "NotImplemented"]
    expect("what it says", _boto(world, "delete_and_errors"), {"mine": {"mine": "1"}, "codes": codes})
    expect("keys", world.object_keys(), [])


CLIENT = Client(
    "boto3",
    lambda: version_of([PYTHON, "-c", "import boto3; print(boto3.__version__)"]),
    (
        upload_download_and_copy_in_parts,
        upload_in_parts_by_hand,
        list_uploads_objects_and_buckets_page_by_page,
        list_and_abort_1200_uploads,
        metadata_delete_and_errors,
    ),
)
