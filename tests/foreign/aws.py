"""
The command line of AWS, with COS's host in place of S3's.
"""

import json
from typing import Any

from tests.foreign.checks import BUCKET, COMMANDS, HOST, KEY, Client, World, content, expect, version_of

COMMAND = COMMANDS / "aws"


def _aws(world: World, *arguments: str) -> str:
    config = world.folder / "config"
    config.write_text(
        "[default]\ns3 =\n  addressing_style = virtual\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n",
        "utf-8",
    )
    world.variables.update(AWS_CONFIG_FILE=str(config), AWS_MAX_ATTEMPTS="1")
    return world.run(COMMAND, f"--endpoint-url=http://{HOST}", *arguments)


def _api(world: World, operation: str, *arguments: str) -> Any:
    return json.loads(_aws(world, "s3api", operation, f"--bucket={BUCKET}", *arguments) or "{}")


def _url(key: str = KEY) -> str:
    return f"s3://{BUCKET}/{key}"


def s3_cp_in_parts_up_within_and_down(world: World) -> None:
    _aws(world, "s3", "cp", str(world.file()), _url())
    world.expect_object(KEY, content(), in_parts=True)
    _aws(world, "s3", "cp", _url(), _url("copy"))
    world.expect_object("copy", content(), in_parts=True)
    _aws(world, "s3", "cp", _url(), "got")
    expect("what comes back", world.got(), content())


def s3_sync_ls_and_rm(world: World) -> None:
    for name in ("up/a/1", "up/a/2", "up/b"):
        world.file(name, 1000)
    _aws(world, "s3", "sync", "up", _url("up"))
    listed = _aws(world, "s3", "ls", _url("up/"))
    expect("listed with folders", [line.split()[-1] for line in listed.splitlines()], ["a/", "b"])
    _aws(world, "s3", "rm", "--recursive", _url("up/a/"))
    expect("keys", world.object_keys(), ["up/b"])


def s3api_list_multipart_uploads_pages_and_abort_aborts_one(world: World) -> None:
    world.cloud.seed(BUCKET, "old/{n}", count=1200)
    one, other = world.cloud.seed(BUCKET, KEY, count=2, parts=3)
    listed = _api(world, "list-multipart-uploads", "--page-size=500")["Uploads"]
    expect("listed", len({(each["Key"], each["UploadId"]) for each in listed}), 1202)
    parts = _api(world, "list-parts", f"--key={KEY}", f"--upload-id={one.upload_id}", "--page-size=2")["Parts"]
    expect("parts", [each["PartNumber"] for each in parts], [1, 2, 3])
    _api(world, "abort-multipart-upload", f"--key={KEY}", f"--upload-id={one.upload_id}")
    expect("left", [each.upload_id for each in world.uploads() if each.key == KEY], [other.upload_id])


CLIENT = Client(
    "aws",
    lambda: version_of([COMMAND, "--version"]),
    (
        s3_cp_in_parts_up_within_and_down,
        s3_sync_ls_and_rm,
        s3api_list_multipart_uploads_pages_and_abort_aborts_one,
    ),
)
