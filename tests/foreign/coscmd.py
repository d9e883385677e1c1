"""
coscmd, the first command line of COS, in a home of its own.
"""

from tests.foreign.checks import (
    BUCKET,
    COMMANDS,
    HOST,
    KEY,
    MIB,
    REGION,
    Client,
    Unexpected,
    World,
    content,
    expect,
    version_of,
)

COMMAND = COMMANDS / "coscmd"
# It sends in parts what is above 20 MiB, which is the least that it can be told.
LARGE = 21 * MIB


def _coscmd(world: World, *arguments: str, succeeds: bool = True) -> str:
    if not (world.folder / ".cos.conf").exists():
        owner = world.cloud.owner
        named = ("-a", owner.secret_id, "-s", owner.secret_key, "-b", BUCKET, "-r", REGION)
        world.run(COMMAND, "config", *named, "-p", "2", "-m", "2", "--retry", "1", "--do-not-use-ssl")
        with (world.folder / ".cos.conf").open("a", encoding="utf-8") as config:
            config.write("multiupload_threshold = 20\n")
    return world.run(COMMAND, *arguments, succeeds=succeeds)


def upload_in_parts_and_download(world: World) -> None:
    _coscmd(world, "upload", str(world.file(size=LARGE)), KEY)
    world.expect_object(KEY, content(LARGE), in_parts=True)
    _coscmd(world, "download", KEY, "got")
    expect("what comes back", world.got(), content(LARGE))


def upload_resumes_after_a_failing_part(world: World) -> None:
    file = str(world.file(size=LARGE))
    world.cloud.fault("UploadPart", status=403, code="AccessDenied", skip=3)
    _coscmd(world, "upload", file, KEY, succeeds=False)
    world.cloud.heal()
    [left] = world.uploads()
    mark = world.cloud.mark()
    _coscmd(world, "upload", file, KEY)
    sent = [each.upload_id for each in world.cloud.requests(mark) if each.operation == "UploadPart"]
    expect("parts before and after", (left.parts, sent), (3, [left.upload_id] * 8))
    world.expect_object(KEY, content(LARGE), in_parts=True)


def listparts_and_abort(world: World) -> None:
    world.cloud.seed(BUCKET, "a/{n}", count=3)
    world.cloud.seed(BUCKET, "b")
    printed = _coscmd(world, "listparts", "a/")
    for each in world.uploads():
        expect(f"{each.key} is listed", each.upload_id in printed, each.key != "b")
    _coscmd(world, "abort", "a/")
    expect("left", [each.key for each in world.uploads()], ["b"])


def abort_without_a_path_aborts_1200_uploads(world: World) -> None:
    world.cloud.seed(BUCKET, "a/{n}", count=1200)
    _coscmd(world, "abort")
    expect("left", len(world.uploads()), 0)


def copy_and_delete(world: World) -> None:
    _coscmd(world, "upload", str(world.file(size=1000)), "a/1")
    _coscmd(world, "copy", f"{BUCKET}.{HOST}/a/1", "a/2")
    _coscmd(world, "copy", "-r", f"{BUCKET}.{HOST}/a/", "b/")
    world.expect_object("b/2", content(1000))
    _coscmd(world, "delete", "-f", "b/1")
    expect("keys", world.object_keys(), ["a/1", "a/2", "b/2"])
    _coscmd(world, "delete", "-r", "-f", "a/")
    expect("keys", world.object_keys(), ["b/2"])


def list_and_info(world: World) -> None:
    _coscmd(world, "upload", "-H", '{"x-cos-meta-mine": "1"}', str(world.file(size=1000)), KEY)
    for command in (("list", "-r"), ("info", KEY)):
        printed = _coscmd(world, *command)
        if "1000" not in printed:
            raise Unexpected(f"{command[0]} prints {printed}")
    expect("its own header", "mine" in _coscmd(world, "info", KEY), wanted=True)


CLIENT = Client(
    "coscmd",
    lambda: version_of([COMMAND, "--version"]),
    (
        upload_in_parts_and_download,
        upload_resumes_after_a_failing_part,
        listparts_and_abort,
        abort_without_a_path_aborts_1200_uploads,
        copy_and_delete,
        list_and_info,
    ),
)
