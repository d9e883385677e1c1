"""
`policy` prints what the function's role needs for these settings, or for those of a serverless.yml, and sends nothing.
"""

import json
import shlex

import pytest

from cos_sweeper.core.settings import load
from cos_sweeper.scf import cam_policy
from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import ROOT
from tests.function import FUNCTION, LOGS, PHOTOS, Function, timer
from tests.terminal import in_terminal

BOTH = f"{PHOTOS},{LOGS}"
UIN = ("--uin", "100000000001")
OF_FILE = ("policy", "--serverless", str(ROOT / "serverless.yml"), *UIN)


def test_policy_of_the_deployed_file_is_the_one_that_the_function_needs(command: Command, cloud: Cloud) -> None:
    ran = command(*OF_FILE, BUCKETS=BOTH)

    needed = cam_policy.policy(load({"BUCKETS": BOTH, "DRY_RUN": "true"}), FUNCTION, "1250000000")
    assert (ran.exit_code, ran.json["policy"]) == (0, needed)
    assert ran.json["trust"]["statement"][0]["principal"] == {"service": "scf.qcloud.com"}
    assert cloud.requests() == []


def test_function_works_with_the_printed_policy_alone(command: Command, cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTOS.partition("@")[0], count=3)
    printed = command("policy", "--region", "ap-guangzhou", "--only", "policy", BUCKETS=BOTH, DRY_RUN="false").json
    role = cloud.add_credentials(policy=printed, token="a-token-of-the-printed-policy")

    report = function(timer(), role=role).report

    assert (report["status"], report["aborted"]) == ("complete", 3)


def test_policy_as_calls_has_the_same_documents(command: Command) -> None:
    documents = command(*OF_FILE, BUCKETS=BOTH).json

    ran = command(*OF_FILE, "--tccli", BUCKETS=BOTH)

    lines = [shlex.split(line) for line in ran.stdout.splitlines()]
    assert [line[2] for line in lines] == ["CreateRole", "CreatePolicy", "AttachRolePolicy"]
    assert [json.loads(line[-1]) for line in lines[:2]] == [documents["trust"], documents["policy"]]


def test_variable_without_a_value_is_named(command: Command) -> None:
    ran = command(*OF_FILE)

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "BUCKETS uses ${env:BUCKETS}, which has no value here" in ran.stderr
    assert "Set BUCKETS in the environment or in `.env`." in ran.stderr


def test_secret_of_a_file_is_not_printed(command: Command) -> None:
    text = (ROOT / "serverless.yml").read_text("utf-8").replace("#      HTTP_TOKEN", "      HTTP_TOKEN")
    (command.folder / "serverless.yml").write_text(text)
    (command.folder / ".env").write_text(f"BUCKETS={BOTH}\nHTTP_TOKEN=an-example-token-of-32-characters\n")

    ran = command("policy", "--serverless", "serverless.yml")

    assert ran.exit_code == 0
    assert "an-example-token" not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "region", id="no region"),
        pytest.param(["--region", "*"], "region", id="a pattern as region"),
        pytest.param(["--region", "ap-guangzhou", "--name", "a/*"], "name", id="a pattern as name"),
        pytest.param(["--serverless", "missing.yml"], "missing.yml", id="no such file"),
        pytest.param(["--region", "ap-guangzhou", "--tccli", "--json"], "--tccli", id="calls as JSON"),
    ],
)
def test_policy_that_would_be_another_one_is_wrong_use(arguments: list[str], said: str, command: Command) -> None:
    ran = command("policy", *arguments, BUCKETS=BOTH)

    assert (ran.exit_code, '"exit_code": 2' in ran.stdout if "--json" in arguments else not ran.stdout) == (2, True)
    assert said in ran.stderr


def test_policy_says_what_it_does_not_allow_or_name(command: Command) -> None:
    ran = command("policy", "--region", "ap-guangzhou", "--all-buckets", EXCLUDE_BUCKETS="a-1250000000")

    assert [word in ran.stderr for word in ("DRY_RUN", "--uin", "--appid", "EXCLUDE_BUCKETS")] == [True] * 4


def test_policy_in_a_terminal_is_json_that_can_be_copied(command: Command) -> None:
    ran = in_terminal(command, *OF_FILE, columns=80, BUCKETS=BOTH, DRY_RUN="false")

    start, end = ran.stdout.index("{"), ran.stdout.rindex("}")
    assert json.loads(ran.stdout[start : end + 1])["policy"]["version"] == "2.0"
