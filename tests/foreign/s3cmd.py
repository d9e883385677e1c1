"""
s3cmd, with COS's hosts in place of S3's.
"""

from tests.foreign.checks import BUCKET, COMMANDS, HOST, KEY, Client, World, content, expect, version_of

COMMAND = COMMANDS / "s3cmd"


def _s3cmd(world: World, *arguments: str) -> str:
    proxy = world.cloud.endpoint.removeprefix("http://")
    host, _, port = proxy.partition(":")
    lines = {
        "access_key": world.cloud.owner.secret_id,
        "secret_key": world.cloud.owner.secret_key,
        "host_base": HOST,
        "host_bucket": f"%(bucket)s.{HOST}",
        "proxy_host": host,
        "proxy_port": port,
        "use_https": "False",
        "multipart_chunk_size_mb": "5",
        "max_retries": "1",
    }
    config = world.folder / ".s3cfg"
    config.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()), "utf-8")
    return world.run(COMMAND, f"--config={config}", *arguments)


def _url(key: str = KEY) -> str:
    return f"s3://{BUCKET}/{key}"


def put_in_parts_and_get(world: World) -> None:
    _s3cmd(world, "put", str(world.file()), _url())
    world.expect_object(KEY, content(), in_parts=True)
    _s3cmd(world, "get", _url(), "got")
    expect("what comes back", world.got(), content())


def ls_cp_and_del(world: World) -> None:
    for key in ("a/1", "a/2", "b"):
        _s3cmd(world, "put", str(world.file(size=1000)), _url(key))
    listed = _s3cmd(world, "ls", f"s3://{BUCKET}/")
    expect("listed with folders", [line.split()[-1] for line in listed.splitlines()], [_url("a/"), _url("b")])
    _s3cmd(world, "cp", _url("b"), _url("c"))
    world.expect_object("c", content(1000))
    _s3cmd(world, "del", "--recursive", "--force", _url("a/"))
    expect("keys", world.object_keys(), ["b", "c"])


def ls_pages_through_1200_objects(world: World) -> None:
    for number in range(2):
        world.cloud.seed(BUCKET, f"{number}/{{n}}", count=600)
    for each in world.uploads():
        world.cloud.complete(BUCKET, each.key, each.upload_id)
    listed = _s3cmd(world, "ls", "--recursive", f"s3://{BUCKET}/")
    expect("listed", [line.split()[-1] for line in listed.splitlines()], [_url(key) for key in world.object_keys()])
    expect("how many", len(world.object_keys()), 1200)


def multipart_listmp_and_abortmp(world: World) -> None:
    one, other = world.cloud.seed(BUCKET, "dir/a", count=2, parts=2)
    ids = [line.split()[-1] for line in _s3cmd(world, "multipart", f"s3://{BUCKET}").splitlines()[2:]]
    expect("listed", sorted(ids), sorted([one.upload_id, other.upload_id]))
    parts = _s3cmd(world, "listmp", _url("dir/a"), one.upload_id).splitlines()[1:]
    expect("parts", [line.split()[1] for line in parts], ["1", "2"])
    _s3cmd(world, "abortmp", _url("dir/a"), one.upload_id)
    expect("left", [each.upload_id for each in world.uploads()], [other.upload_id])


CLIENT = Client(
    "s3cmd",
    lambda: version_of([COMMAND, "--version"]),
    (put_in_parts_and_get, ls_cp_and_del, ls_pages_through_1200_objects, multipart_listmp_and_abortmp),
)
