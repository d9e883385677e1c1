"""
serverless.yml and the package through the platform's own tools: `make platform` installs them and runs this.

npm's toolkit makes the requests to SCF that a deployment sends, npm's client packs the zip that it uploads, and PyPI's
`scf` runs the function. Tests of what is not installed are skipped, loudly.
"""

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.public import Cloud
from tests.fixtures import ABORTING, ROOT
from tests.function import PHOTOS
from tests.packed import tools
from tests.tools import package
from tests.tools.test_deployment import GIVEN, TEXT, switched_on

SCRIPT = Path(__file__).with_name("platform.cjs")
SHIPPED: dict[str, Any] = yaml.safe_load(TEXT)["inputs"]
EVERYTHING_ON: dict[str, Any] = yaml.safe_load(switched_on(TEXT))["inputs"]
Body = dict[str, Any]

npm = pytest.mark.skipif(not tools.npm_installed(), reason="!!! NOT TESTED: npm's tools are not installed")
native = pytest.mark.skipif(not tools.scf(), reason="!!! NOT TESTED: PyPI's scf is not installed, or does not start")

# What a function is, in the words of CreateFunction.
CREATED = {
    "FunctionName": "cos-sweeper",
    "Type": "Event",
    "Runtime": "Python3.10",
    "Handler": "index.main_handler",
    "Namespace": "default",
    "Role": "cos-sweeper",
    "MemorySize": 128,
    "Timeout": 900,
    "InitTimeout": 60,
    "InstallDependency": "FALSE",
}
# Only this of it can change later.
UPDATED = {name: CREATED[name] for name in CREATED.keys() - {"Type", "Runtime", "Handler", "InstallDependency"}}
TIMER = {"Type": "timer", "TriggerName": "nightly", "TriggerDesc": "0 30 3 * * * *", "CustomArgument": "{}"}
CKAFKA = {"maxMsgNum": 100, "offset": "latest", "retry": 60, "timeOut": 60}
COS = {"event": "cos:ObjectCreated:CompleteMultipartUpload", "filter": {"Prefix": "", "Suffix": ""}}
URL = {"AuthType": "NONE", "NetConfig": {"EnableIntranet": True, "EnableExtranet": True}}
CLS = {"topic_id": "another-topic", "function_name": "cos-sweeper", "max_wait": 60, "effective": True}


def run_script(command: str, given: object, folder: Path, **environment: str) -> Any:
    """What the script made of it."""
    output = folder / "output.json"
    run = subprocess.run(
        ["node", str(SCRIPT), command, str(output)],
        input=json.dumps(given),
        env={**os.environ, "NODE_PATH": str(tools.NODE_MODULES), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(output.read_text("utf-8"))


def deploy(folder: Path, *deployments: Body, **environment: str) -> list[list[Body]]:
    """The requests that change something, of deployments one after the other, the parameters of triggers read."""
    given = {"region": "ap-guangzhou", "deployments": deployments}
    found: list[list[Body]] = run_script("deploy", given, folder, **(environment or GIVEN))["deployments"]
    for body in (body for bodies in found for body in bodies):
        if str(body.get("TriggerDesc", "")).startswith("{"):
            body["TriggerDesc"] = json.loads(body["TriggerDesc"])
    return found


def actions(bodies: list[Body]) -> list[str]:
    """What each request is for."""
    return [" ".join([body["Action"], *([body["Type"]] if "Trigger" in body["Action"] else [])]) for body in bodies]


def variables(body: Body) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in body["Environment"]["Variables"]}


def expected_variables(inputs: Body) -> dict[str, str]:
    """As the file says, with what the environment gives."""
    given = inputs["environment"]["variables"]
    return {name: GIVEN[name] if value == f"${{env:{name}}}" else value for name, value in given.items()}


def one(bodies: list[Body], action: str) -> Body:
    """The one request for this."""
    (found,) = [body for body, name in zip(bodies, actions(bodies), strict=True) if name == action]
    return found


# npm's toolkit


@npm
def test_first_deployment_creates_the_function_and_its_timer(tmp_path: Path) -> None:
    (bodies,) = deploy(tmp_path, SHIPPED)

    assert actions(bodies) == ["CreateFunction", "CreateTrigger timer"]
    function, timer = bodies
    assert function.items() >= CREATED.items()
    assert function["PublicNetConfig"]["PublicNetStatus"] == "ENABLE"
    assert variables(function) == expected_variables(SHIPPED)
    assert timer.items() >= {**TIMER, "Enable": "OPEN", "Qualifier": "$DEFAULT", "FunctionName": "cos-sweeper"}.items()
    assert function.keys().isdisjoint({"DeadLetterConfig", "AsyncRunEnable", "ClsTopicId", "VpcConfig", "Layers"})


@npm
def test_second_deployment_updates_code_and_settings_and_leaves_the_timer_as_it_is(tmp_path: Path) -> None:
    line = "      DRY_RUN: 'true'\n"
    aborting = yaml.safe_load(TEXT.replace(line, line.replace("true", "false")))["inputs"]

    _, bodies = deploy(tmp_path, SHIPPED, aborting)

    assert actions(bodies) == ["UpdateFunctionCode", "UpdateFunctionConfiguration"]
    code, settings = bodies
    assert code["Code"] == {"CosBucketName": "code", "CosObjectName": "function.zip"}
    assert settings.items() >= UPDATED.items()
    assert settings["PublicNetConfig"]["PublicNetStatus"] == "ENABLE"
    assert variables(settings) == {**expected_variables(SHIPPED), "DRY_RUN": "false"}
    assert settings.keys().isdisjoint({"Runtime", "Handler"}), "SCF cannot change these"


@npm
def test_every_block_switched_on_creates_what_it_says(tmp_path: Path) -> None:
    (bodies,) = deploy(tmp_path, EVERYTHING_ON)

    function = one(bodies, "CreateFunction")
    assert function.items() >= {**CREATED, "ClsLogsetId": "a-log-set", "ClsTopicId": "a-topic"}.items()
    assert variables(function) == expected_variables(EVERYTHING_ON)
    assert sorted(actions(bodies)[1:]) == [
        "CLS POST /deliverfunction",
        "CreateTrigger ckafka",
        "CreateTrigger cos",
        "CreateTrigger http",
        "CreateTrigger timer",
    ]
    assert {body["Enable"] for body in bodies if "Trigger" in body["Action"]} == {"OPEN"}
    assert one(bodies, "CreateTrigger ckafka")["TriggerName"] == "ckafka-xxxxxxxx-failed-uploads"
    assert one(bodies, "CreateTrigger ckafka")["TriggerDesc"].items() >= CKAFKA.items()
    assert one(bodies, "CreateTrigger cos")["TriggerName"] == "photos-1250000000.cos.ap-guangzhou.myqcloud.com"
    assert one(bodies, "CreateTrigger cos")["TriggerDesc"] == COS
    assert one(bodies, "CreateTrigger http")["TriggerDesc"] == URL
    assert one(bodies, "CLS POST /deliverfunction").items() >= CLS.items()


@npm
def test_second_deployment_of_everything_creates_and_deletes_nothing(tmp_path: Path) -> None:
    _, bodies = deploy(tmp_path, EVERYTHING_ON, EVERYTHING_ON)

    assert sorted(actions(bodies)) == [
        "CLS PUT /deliverfunction",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "UpdateTrigger ckafka",
        "UpdateTrigger http",
    ]


@npm
def test_blocks_that_are_taken_out_are_deleted_except_those_that_the_file_names(tmp_path: Path) -> None:
    given = {"region": "ap-guangzhou", "deployments": [EVERYTHING_ON, SHIPPED]}

    after = run_script("deploy", given, tmp_path, **GIVEN)

    bodies = after["deployments"][1]
    assert sorted({*actions(bodies)}) == [
        "DeleteTrigger cls",
        "DeleteTrigger cos",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    ]
    assert sorted(after["triggers"]) == ["ckafka", "http", "timer"]
    assert variables(one(bodies, "UpdateFunctionConfiguration")) == expected_variables(SHIPPED)
    assert (after["function"]["ClsLogsetId"], after["function"]["ClsTopicId"]) == ("a-log-set", "a-topic")


@npm
def test_role_description_and_time_to_start_that_are_taken_out_are_not_sent_so_that_they_stay(tmp_path: Path) -> None:
    names = {"role", "description", "initTimeout"}

    _, bodies = deploy(tmp_path, SHIPPED, {name: value for name, value in SHIPPED.items() if name not in names})

    assert one(bodies, "UpdateFunctionConfiguration").keys().isdisjoint({"Role", "Description", "InitTimeout"})


@npm
def test_log_goes_back_to_the_default_topic_with_empty_values(tmp_path: Path) -> None:
    _, bodies = deploy(tmp_path, EVERYTHING_ON, {**EVERYTHING_ON, "cls": {"logsetId": "", "topicId": ""}})

    settings = one(bodies, "UpdateFunctionConfiguration")
    assert (settings["ClsLogsetId"], settings["ClsTopicId"]) == ("", "")


@npm
def test_callers_of_the_function_url_are_checked_by_cam_where_the_file_says_so(tmp_path: Path) -> None:
    text = switched_on(TEXT).replace("authType: NONE\n", "authType: CAM\n")

    (bodies,) = deploy(tmp_path, yaml.safe_load(text)["inputs"])

    assert one(bodies, "CreateTrigger http")["TriggerDesc"] == {**URL, "AuthType": "CAM"}


@npm
def test_variable_that_is_unset_at_deployment_is_left_out_without_a_word(tmp_path: Path) -> None:
    (bodies,) = deploy(tmp_path, SHIPPED, UNRELATED="")

    assert variables(one(bodies, "CreateFunction")).keys() == expected_variables(SHIPPED).keys() - {"BUCKETS"}


# npm's client


@npm
def test_zip_that_is_uploaded_is_the_one_that_was_built(tmp_path: Path) -> None:
    target = tmp_path / "uploaded.zip"

    run_script("pack", {"inputs": SHIPPED, "target": str(target)}, tmp_path)

    with zipfile.ZipFile(target) as uploaded, zipfile.ZipFile(package.ARCHIVE) as built:
        files = {entry.filename: entry for entry in uploaded.infolist() if not entry.is_dir()}
        assert files.keys() == {*built.namelist(), "src.map"}, "src.map is the client's own"
        assert {name for name in built.namelist() if uploaded.read(name) != built.read(name)} == set()
        assert {oct(files[name].external_attr >> 16 & 0o777) for name in built.namelist()} == {"0o644"}
        assert {oct(entry.external_attr >> 16 & 0o555) for entry in uploaded.infolist() if entry.is_dir()} == {"0o555"}


@npm
def test_dot_files_are_not_uploaded(tmp_path: Path) -> None:
    for name in ("index.py", ".env", "inner/.secret", ".hidden/index.py", "inner/a.py"):
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text("text", "utf-8")
    source = {**SHIPPED["src"], "src": str(tmp_path / "code")}

    run_script("pack", {"inputs": {**SHIPPED, "src": source}, "target": str(tmp_path / "uploaded.zip")}, tmp_path)

    with zipfile.ZipFile(tmp_path / "uploaded.zip") as uploaded:
        assert {name for name in uploaded.namelist() if not name.endswith("/")} == {"index.py", "inner/a.py", "src.map"}


# PyPI's scf


@native
def test_function_runs_in_the_local_runtime_of_the_platform(tmp_path: Path, cloud: Cloud) -> None:
    bucket = PHOTOS.partition("@")[0]
    failed, other = cloud.seed(bucket, "app/{n}.mov", count=2, hours_since_start=2)
    with zipfile.ZipFile(package.ARCHIVE) as built:
        built.extractall(tmp_path / "code")
    settings = {
        "BUCKETS": PHOTOS,
        "COS_ENDPOINT": cloud.endpoint,
        "TENCENTCLOUD_SECRETID": cloud.role.secret_id,
        "TENCENTCLOUD_SECRETKEY": cloud.role.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": cloud.role.token,
        **ABORTING,
    }
    properties = {
        "CodeUri": str(tmp_path / "code"),
        "Handler": SHIPPED["handler"],
        "Runtime": "Python3.6",  # the newest that it knows; it takes every later Python for it
        "MemorySize": SHIPPED["memorySize"],
        "Timeout": SHIPPED["timeout"],
        "Environment": {"Variables": settings},
    }
    function = {"Type": "TencentCloud::Serverless::Function", "Properties": properties}
    namespace = {"Type": "TencentCloud::Serverless::Namespace", "cos-sweeper": function}
    (tmp_path / "template.yaml").write_text(yaml.safe_dump({"Resources": {"default": namespace}}), "utf-8")
    event = {"bucket": bucket, "key": failed.key, "uploadId": failed.upload_id}
    (tmp_path / "event.json").write_text(json.dumps(event), "utf-8")

    # Its exit code is 0 whatever happens.
    run = subprocess.run(
        [tools.scf(), "native", "invoke", "-t", "template.yaml", "-e", "event.json"],
        cwd=tmp_path,
        env=tools.environment(),
        capture_output=True,
        text=True,
    )

    assert "errorMessage" not in run.stderr
    (finished,) = [json.loads(line) for line in run.stdout.splitlines() if '"run.finished"' in line]
    assert (finished["status"], finished["aborted"]) == ("complete", 1)
    assert [each.upload_id for each in cloud.uploads(bucket)] == [other.upload_id]
