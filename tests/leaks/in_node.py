"""
What cos-nodejs-sdk-v5 leaves behind, claim by claim, as docs/client-leaks.md makes them.
"""

import json

import pytest

from tests.senders.clients import BUCKET, KEY, NEEDS_NODE, NODE_MODULES, World

pytestmark = NEEDS_NODE
# What every script begins with: a client, `upload()`, and `say(value)`, which prints JSON.
PRELUDE = """
const COS = require("cos-nodejs-sdk-v5");
const { TENCENTCLOUD_SECRET_ID: SecretId, TENCENTCLOUD_SECRET_KEY: SecretKey } = process.env;
const [Bucket, Region, Key, FilePath] = process.argv.slice(2);
const make = (more) => new COS({ SecretId, SecretKey, ...more });
const upload = (cos, more) => cos.sliceUploadFile({ Bucket, Region, Key, FilePath, ...more }).catch((error) => error);
const say = (value) => console.log(JSON.stringify(value));
const wait = async (condition) => { while (!condition()) await new Promise((done) => setTimeout(done, 10)); };
"""


@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_failed_upload_aborts_nothing_and_its_error_names_the_upload(world: World, failing: str, skip: int) -> None:
    world.fail(failing, skip=skip)

    named = _run(world, "say((await upload(make())).UploadId);")

    assert [each.upload_id for each in world.held()] == [named]
    assert world.aborts() == []


def test_repeat_in_one_process_after_a_failed_part_starts_another_upload(world: World) -> None:
    world.fail("UploadPart", skip=1)

    _run(world, "const cos = make(); await upload(cos); await upload(cos); say(await upload(make()));")

    assert len(world.held()) == 3


def test_repeat_in_one_process_after_a_failed_complete_continues(world: World) -> None:
    world.fail("CompleteMultipartUpload")

    _run(world, "const cos = make(); await upload(cos); await upload(cos);")

    assert len(world.held()) == 1


def test_restarted_task_continues_after_a_failed_part(world: World) -> None:
    world.fail("UploadPart", skip=1)
    script = """
    const cos = make();
    let id;
    let restarts = 0;
    const onTaskReady = (task) => { id = task; };
    await new Promise((done) => cos.sliceUploadFile(
      { Bucket, Region, Key, FilePath, onTaskReady },
      (error) => (error && restarts < 2 ? (restarts += 1, cos.restartTask(id)) : done())));
    say(restarts);
    """

    assert _run(world, script) == 2

    assert len(world.started()) == 1
    assert len(world.held()) == 1


def test_repeat_in_another_process_continues(world: World) -> None:
    world.fail("UploadPart", skip=1)

    _run(world, "await upload(make());")
    _run(world, "await upload(make());")

    assert len(world.held()) == 1


def test_own_upload_is_found_behind_a_thousand_leftovers_with_a_request_for_each_of_them(world: World) -> None:
    world.cloud.seed(BUCKET, KEY, count=998, part_size=777)  # two are there already
    world.fail("CompleteMultipartUpload")
    _run(world, "await upload(make());")
    mark = world.cloud.mark()

    _run(world, "await upload(make());")

    assert len(world.held()) == 999
    assert [each.operation for each in world.cloud.requests(mark)].count("ListParts") == 1001


def test_upload_of_a_changed_file_leaves_the_old_one(world: World) -> None:
    world.fail("CompleteMultipartUpload")
    _run(world, "await upload(make());")
    (old,) = world.started()
    world.cloud.heal()
    world.write("changed")

    _run(world, "await upload(make());")

    assert [each.upload_id for each in world.held()] == [old]
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]


def test_upload_continues_what_another_client_is_uploading(world: World) -> None:
    started = world.client().create_multipart_upload(BUCKET, KEY)["UploadId"]

    _run(world, "await upload(make());")

    assert world.started() == [started]
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]


@pytest.mark.parametrize(("options", "stored"), [("{}", False), ("{ ConfCwd: process.env.HOME }", True)])
def test_list_of_uploads_to_continue_is_on_disk_only_with_a_folder(world: World, options: str, stored: bool) -> None:  # noqa: FBT001
    world.fail("CompleteMultipartUpload")

    _run(world, f"await upload(make({options}));")

    files = [path for path in world.folder.rglob("*.json") if "node_modules" not in path.parts]
    assert [world.held()[0].upload_id in path.read_text() for path in files] == ([True] if stored else [])


@pytest.mark.parametrize("call", ["cancelTask", "pauseTask"])
def test_cancelled_or_paused_task_leaves_its_upload(world: World, call: str) -> None:
    world.cloud.fault("UploadPart", key=KEY, skip=1, body="silent")
    script = """
    const cos = make();
    let id;
    let loaded = 0;
    upload(cos, { onTaskReady: (task) => { id = task; }, onProgress: (now) => { loaded = now.loaded; } });
    await wait(() => loaded > 0);
    cos.%s(id);
    setTimeout(() => process.exit(0), 500);
    """

    _run(world, script % call)

    assert len(world.held()) == 1
    assert world.aborts() == []


@pytest.mark.parametrize(("level", "left"), [("task", 2), ("file", 0)])
def test_abort_upload_task_of_a_file_aborts_the_uploads_of_every_client(world: World, level: str, left: int) -> None:
    world.fail("CompleteMultipartUpload")
    script = """
    const cos = make();
    const { UploadId } = await upload(cos);
    await cos.abortUploadTask({ Bucket, Region, Key, UploadId, Level: "%s" });
    """

    _run(world, script % level)

    assert world.held() == []
    assert len([each for each in world.cloud.uploads(BUCKET) if each.key == KEY]) == left
    assert len(world.cloud.uploads(BUCKET)) == left + 1  # another key with the same prefix


def _run(world: World, script: str) -> object:
    """Run a script behind the prelude; returns what it said last."""
    modules = world.folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(NODE_MODULES)
    path = world.folder / "script.cjs"
    path.write_text(f"{PRELUDE}(async () => {{ {script} }})();")
    done = world.run(["node", path, *world.arguments()])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else None
