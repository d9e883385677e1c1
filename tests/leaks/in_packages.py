"""
What other clients leave behind, claim by claim, as docs/client-leaks.md makes them: coscmd, boto3, s3cmd and rclone.
"""

import shutil
import signal
import subprocess

import pytest

from tests.senders.clients import AUTHORITY, BUCKET, KEY, MIB, NEEDS_PACKAGES, PACKAGES, REGION, World

ENDPOINT = f"cos.{REGION}.myqcloud.com"
RCLONE = pytest.mark.skipif(not shutil.which("rclone"), reason="!!! NOT TESTED: rclone, because it is not installed")
BOTO3 = """
import sys, boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
client = boto3.client("s3", endpoint_url="https://%s", config=Config(s3={"addressing_style": "virtual"}))
parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
client.upload_file(sys.argv[1], "%s", sys.argv[2], Config=parts)
""" % (ENDPOINT, BUCKET)  # noqa: UP031
CLIENTS = [
    pytest.param("coscmd", marks=NEEDS_PACKAGES),
    pytest.param("boto3", marks=NEEDS_PACKAGES),
    pytest.param("s3cmd", marks=NEEDS_PACKAGES),
    pytest.param("rclone", marks=RCLONE),
]
LEAVE = {"coscmd": 1, "boto3": 0, "s3cmd": 1, "rclone": 0}


@pytest.fixture(autouse=True)
def large_file(world: World) -> None:
    """Parts of 5 MiB are the least that some of these clients send; coscmd sends a file of up to 20 MiB at once."""
    world.file.write_bytes(bytes(20 * MIB + 1))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_failed_upload_is_left_or_aborted(world: World, client: str, failing: str, skip: int) -> None:
    world.fail(failing, skip=skip)

    done = world.run(_command(world, client), **_keys(world))

    assert done.returncode != 0, done.stdout
    assert len(world.held()) == LEAVE[client], done.stderr + done.stdout
    assert world.started() != []
    assert world.others_are_untouched()


@pytest.mark.parametrize("client", CLIENTS)
def test_killed_upload_is_left(world: World, client: str) -> None:
    world.cloud.fault("UploadPart", key=KEY, skip=1, body="silent")
    command, env = _command(world, client), world.environment(**_keys(world))

    with subprocess.Popen(command, env=env, cwd=world.folder, stdout=-3, stderr=-3) as running:
        world.wait_for_parts(1)
        running.send_signal(signal.SIGKILL)

    assert len(world.held()) == 1


@NEEDS_PACKAGES
@pytest.mark.parametrize(("client", "uploads"), [("coscmd", 1), ("s3cmd", 2)])
def test_next_upload_continues_or_leaves_another(world: World, client: str, uploads: int) -> None:
    world.fail("CompleteMultipartUpload")

    for _ in range(2):
        world.run(_command(world, client), **_keys(world))

    assert len(world.held()) == uploads


@NEEDS_PACKAGES
def test_abort_of_coscmd_aborts_every_upload_under_a_prefix(world: World) -> None:
    _command(world, "coscmd")

    done = world.run([PACKAGES / "coscmd", "abort", KEY])

    assert done.returncode == 0, done.stderr
    assert world.cloud.uploads(BUCKET) == []


def _keys(world: World) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": world.cloud.owner.secret_id,
        "AWS_SECRET_ACCESS_KEY": world.cloud.owner.secret_key,
        "AWS_DEFAULT_REGION": REGION,
        "PATH": f"{PACKAGES}:{world.environment()['PATH']}",
    }


def _command(world: World, client: str) -> list[str]:
    """The command that uploads the file, with the client's settings written where it looks for them."""
    keys = (world.cloud.owner.secret_id, world.cloud.owner.secret_key)
    file = str(world.file)
    match client:
        case "coscmd":
            lines = ("[common]", "secret_id = %s", "secret_key = %s", f"bucket = {BUCKET}", f"region = {REGION}")
            text = "\n".join([*lines, "part_size = 5", "multiupload_threshold = 20"]) % keys
            (world.folder / ".cos.conf").write_text(text)
            return [str(PACKAGES / "coscmd"), "upload", file, KEY]
        case "boto3":
            return [str(PACKAGES / "python"), "-c", BOTO3, file, KEY]
        case "s3cmd":
            hosts = (f"--host={ENDPOINT}", f"--host-bucket=%(bucket)s.{ENDPOINT}", "--multipart-chunk-size-mb=5")
            host, port = world.proxy.removeprefix("http://").split(":")
            lines = ("[default]", "access_key = %s", "secret_key = %s", f"proxy_host = {host}", f"proxy_port = {port}")
            (world.folder / ".s3cfg").write_text("\n".join(lines) % keys)
            return [
                str(PACKAGES / "s3cmd"),
                *hosts,
                f"--ca-certs={world.folder / AUTHORITY}",
                "put",
                file,
                f"s3://{BUCKET}/{KEY}",
            ]
        case _:
            remote = f":s3,provider=TencentCOS,env_auth,endpoint={ENDPOINT},upload_cutoff=5Mi:{BUCKET}/{KEY}"
            return ["rclone", "copyto", "--retries=1", "--low-level-retries=1", file, remote]
