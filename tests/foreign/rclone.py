"""
rclone with its provider TencentCOS, which speaks S3's language to COS's hosts.
"""

from tests.foreign.checks import BUCKET, COMMANDS, HOST, KEY, Client, World, content, expect, version_of

COMMAND = COMMANDS / "rclone"
MULTIPART = ("--s3-upload-cutoff=5M", "--s3-chunk-size=5M")
REMOTE = f"cos:{BUCKET}"


def _rclone(world: World, *arguments: str, succeeds: bool = True) -> str:
    owner = world.cloud.owner
    given = {
        "type": "s3",
        "provider": "TencentCOS",
        "endpoint": f"http://{HOST}",
        "access_key_id": owner.secret_id,
        "secret_access_key": owner.secret_key,
    }
    world.variables.update({f"RCLONE_CONFIG_COS_{name.upper()}": value for name, value in given.items()})
    return world.run(COMMAND, *arguments, "--retries=1", "--low-level-retries=1", "-q", succeeds=succeeds)


def _folder(world: World) -> None:
    """Three files: one that goes up in parts, one that does not, one that is empty."""
    world.file("up/large")
    world.file("up/里/small +%", 1000)
    world.file("up/empty", 0)


def copy_and_check_download(world: World) -> None:
    _folder(world)
    _rclone(world, "copy", "up", f"{REMOTE}/up", *MULTIPART)
    expect("keys", world.object_keys(), ["up/empty", "up/large", "up/里/small +%"])
    world.expect_object("up/large", content(), in_parts=True)
    _rclone(world, "check", "--download", "up", f"{REMOTE}/up")
    _rclone(world, "copy", f"{REMOTE}/up", "down")
    expect("what comes back", world.got("down/large"), content())


def check_download_notices_another_content(world: World) -> None:
    _folder(world)
    _rclone(world, "copy", "up", f"{REMOTE}/up", *MULTIPART)
    (world.folder / "up" / "里" / "small +%").write_bytes(b"x" * 1000)
    _rclone(world, "check", "--download", "up", f"{REMOTE}/up", succeeds=False)


def copy_within_COS(world: World) -> None:
    _folder(world)
    _rclone(world, "copy", "up", f"{REMOTE}/up", *MULTIPART)
    _rclone(world, "copy", f"{REMOTE}/up", f"{REMOTE}/again", "--s3-copy-cutoff=5M", *MULTIPART)
    world.expect_object("again/large", content())
    expect("copied in parts and at once", (world.count("UploadPartCopy"), world.count("PutObjectCopy")), (3, 2))


def purge(world: World) -> None:
    _folder(world)
    _rclone(world, "copy", "up", f"{REMOTE}/up")
    _rclone(world, "copy", "up", f"{REMOTE}/stays")
    _rclone(world, "purge", f"{REMOTE}/up")
    expect("keys", [key.partition("/")[0] for key in world.object_keys()], ["stays"] * 3)


def cleanup_aborts_uploads_older_than_a_day(world: World) -> None:
    world.cloud.seed(BUCKET, "old/{n}", count=1200, hours_since_start=25)
    world.cloud.seed(BUCKET, KEY, hours_since_start=23)
    _rclone(world, "cleanup", REMOTE)
    expect("left", [each.key for each in world.uploads()], [KEY])


CLIENT = Client(
    "rclone",
    lambda: version_of([COMMAND, "version"]),
    (
        copy_and_check_download,
        check_download_notices_another_content,
        copy_within_COS,
        purge,
        cleanup_aborts_uploads_older_than_a_day,
    ),
)
