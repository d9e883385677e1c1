"""
`make policy`, `make deploy` and `make invoke`, up to the command that talks to the platform; here a stand-in that says
how it was called.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cos_sweeper.cli import role
from tests.fixtures import ROOT

BUCKETS = "photos-1250000000@ap-guangzhou"
SAYS = '#!/bin/sh\necho "called: $*"\n'


@dataclass(frozen=True, slots=True)
class Checkout:
    """What `make` needs of a checkout, and the environment of the person who calls it."""

    folder: Path
    environ: dict[str, str]

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        virtual = [f"VENV={sys.prefix}", f"PYTHON={sys.executable}"]
        return subprocess.run(
            ["make", "--no-print-directory", *virtual, *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def install(self, package: str) -> None:
        """A command `scf` of this npm package, as npm installs it."""
        script = self.folder / "lib" / "node_modules" / package / "bin" / "scf"
        script.parent.mkdir(parents=True)
        script.write_text(SAYS)
        script.chmod(0o755)
        (self.folder / "bin" / "scf").symlink_to(script)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("Makefile", "serverless.yml", "requirements.txt", "tests/requirements.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
        os.utime(tmp_path / name, (0, 0))
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("policy.json*"))
    (tmp_path / "handler").symlink_to(ROOT / "handler")
    (tmp_path / "bin").mkdir()
    return Checkout(tmp_path, {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)})


def test_printed_policy_is_the_one_that_deploying_needs(checkout: Checkout) -> None:
    checkout.write(".env", f"BUCKETS={BUCKETS}\n")
    checkout.install("serverless-cloud-framework")

    printed = checkout.make("policy", "UIN=100000000001")
    update = checkout.make("policy", "UIN=100000000001", "UPDATE=1")
    deployed = checkout.make("deploy", "PACKAGE=")

    assert (printed.returncode, update.returncode) == (0, 0), printed.stderr
    calls = [shlex.split(line) for line in f"{printed.stdout}{update.stdout}".splitlines()]
    assert [call[2] for call in calls] == ["CreateRole", "CreatePolicy", "AttachRolePolicy", "UpdatePolicy"]
    policy = json.loads((checkout.folder / "deploy" / "policy.json").read_text())
    assert json.loads(calls[1][-1]) == json.loads(calls[3][-1]) == policy
    assert {line[:2] for line in f"{printed.stderr}{update.stderr}".splitlines()} == {"# "}
    assert "called: deploy" in deployed.stdout, deployed.stderr
    assert "Nobody knows here whether the role has this policy." in deployed.stderr


def test_policy_for_all_buckets_names_the_account(checkout: Checkout) -> None:
    checkout.write(".env", "BUCKETS=*\n")

    printed = checkout.make("policy", "UIN=100000000001", "APPID=1250000000")

    assert printed.returncode == 0, printed.stderr
    assert "uid/1250000000:*" in (checkout.folder / "deploy" / "policy.json").read_text()


def test_appid_is_no_uin(checkout: Checkout) -> None:
    checkout.write(".env", f"BUCKETS={BUCKETS}\n")

    printed = checkout.make("policy", "UIN=1250000000")

    assert (printed.returncode != 0, printed.stdout) == (True, "")
    assert "1250000000 is the APPID" in printed.stderr


def test_what_is_deployed_is_shown_without_secrets_and_defaults(checkout: Checkout) -> None:
    checkout.write(".env.prod", f"BUCKETS={BUCKETS}\nNOTIFY_URL=https://hooks.example.com/a-secret\n")
    checkout.write(".env", "BUCKETS=another\n")
    checkout.install("serverless-cloud-framework")
    text = (ROOT / "serverless.yml").read_text("utf-8")
    for name in ("REPORT:", "NOTIFY_URL:", "MAX_ABORTS:"):
        text = text.replace(f"#      {name}", f"      {name}")
    checkout.write("serverless.yml", text.replace("DRY_RUN: 'true'", "DRY_RUN: 'false'\n      TZ: 'a-zone'"))
    assert checkout.make("policy").returncode == 0
    checkout.write("serverless.yml", text)

    deployed = checkout.make("deploy", "PACKAGE=")

    assert "called: deploy" in deployed.stdout, deployed.stderr
    lines = deployed.stderr.splitlines()
    assert lines[0].endswith(".env.prod.")
    assert [line for line in lines if line.startswith("  ")] == [
        "  MAX_ABORTS: 1000",
        "  REPORT: reports-1250000000@ap-guangzhou/cos-sweeper",
        "  NOTIFY_URL: (set)",
    ]
    assert "allows more aborts than this needs" in deployed.stderr


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("env", "change", "said"),
    [
        ("", ("", ""), "BUCKETS uses ${env:BUCKETS}, which has no value here"),
        ("BUCKETS=photos\n", ("", ""), "BUCKETS"),
        (f"BUCKETS={BUCKETS}\n", ("#      HTTP_TOKEN", "      HTTP_TOKEN"), "HTTP_TOKEN uses ${env:HTTP_TOKEN}"),
        (f"BUCKETS={BUCKETS}\n", ("MIN_AGE_HOURS: '168'", "MIN_AGE_HOUR: '168'"), "MIN_AGE_HOUR"),
        (f"BUCKETS={BUCKETS}\n", ("DRY_RUN: 'true'", "DRY_RUN: 'false'"), "name/cos:AbortMultipartUpload"),
        (f"BUCKETS={BUCKETS}\n", ("region: ap-guangzhou", "region: ap-beijing"), "qcs::scf:ap-beijing:"),
        (f"BUCKETS={BUCKETS}\n", ("  name: cos-sweeper", "  name: sweeper-2"), "function/sweeper-2"),
        (f"BUCKETS={BUCKETS},logs-1250000000@ap-beijing\n", ("", ""), "logs-1250000000"),
        (f"BUCKETS={BUCKETS}\n", ("inputs:", "inputs: ["), "YAML"),
        ("# mine\nBUCKETS=photos\n", ("", ""), ".env, line 2: BUCKETS"),
        (f"BUCKETS={BUCKETS}\nexport A=1\n", ("", ""), ".env, line 2: the deployment ignores"),
        (f"BUCKETS={BUCKETS}\n", ("DRY_RUN: 'true'", "DRY_RUN: 'tru'"), "serverless.yml, line"),
        (f"BUCKETS={BUCKETS}\n", ("      MIN_IDLE_HOURS", "  MIN_IDLE_HOURS"), "inputs.MIN_IDLE_HOURS"),
        (f"BUCKETS={BUCKETS}\n", ("DRY_RUN: 'true'", "DRY_RUN: 'false'"), "make policy UPDATE=1 UIN=100000000001"),
    ],
    ids=[
        *("unset", "wrong", "secret unset", "misspelled", "aborting", "region", "name", "bucket", "no YAML"),
        *("line of .env", "export", "line of the file", "indentation", "next step"),
    ],
)
def test_what_would_fail_at_night_stops_the_deployment(
    env: str, change: tuple[str, str], said: str, checkout: Checkout
) -> None:
    checkout.write(".env", f"BUCKETS={BUCKETS}\n")
    checkout.install("serverless-cloud-framework")
    assert checkout.make("policy", "UIN=100000000001").returncode == 0
    checkout.write(".env", env)
    text = (ROOT / "serverless.yml").read_text("utf-8")
    assert change[0] in text
    checkout.write("serverless.yml", text.replace(*change))

    deployed = checkout.make("deploy", "PACKAGE=")

    assert deployed.returncode != 0
    assert said in deployed.stderr
    assert "called:" not in deployed.stdout


def test_env_file_that_leads_nowhere_stops_the_deployment(checkout: Checkout) -> None:
    checkout.write(".env", f"BUCKETS={BUCKETS}\n")
    checkout.install("serverless-cloud-framework")
    assert checkout.make("policy").returncode == 0
    (checkout.folder / ".env.prod").symlink_to("missing")

    deployed = checkout.make("deploy", "PACKAGE=")

    assert (deployed.returncode != 0, "called:" in deployed.stdout) == (True, False)
    assert ".env.prod cannot be read" in deployed.stderr


def test_deployment_without_a_printed_policy_stops(checkout: Checkout) -> None:
    checkout.write(".env", f"BUCKETS={BUCKETS}\n")
    checkout.install("serverless-cloud-framework")

    deployed = checkout.make("deploy", "PACKAGE=")

    assert (deployed.returncode != 0, "called:" in deployed.stdout) == (True, False)
    assert "make policy" in deployed.stderr


@pytest.mark.parametrize(("package", "said"), [("", "there is no command"), ("scf-of-somebody-else", "is not the")])
def test_other_command_of_the_same_name_is_not_run(package: str, said: str, checkout: Checkout) -> None:
    if package:
        checkout.install(package)

    invoked = checkout.make("invoke", 'EVENT={"inventory": true}')

    assert (invoked.returncode != 0, "called:" in invoked.stdout) == (True, False)
    assert said in invoked.stderr
    assert "npm install --global serverless-cloud-framework" in invoked.stderr


@pytest.mark.parametrize("is_file", [True, False], ids=["file", "text"])
def test_event_is_sent_as_it_is(checkout: Checkout, *, is_file: bool) -> None:
    event = """{"bucket": "photos-1250000000", "key": "it's $HOME/\\u4e2d `x` \\"a\\"", "uploadId": "1"}"""
    checkout.install("serverless-cloud-framework")
    checkout.write("event.json", event)

    invoked = checkout.make("invoke", f"EVENT={'event.json' if is_file else event}")

    assert "called: invoke --path build/event.json" in invoked.stdout, invoked.stderr
    assert json.loads((checkout.folder / "build" / "event.json").read_text()) == json.loads(event)


@pytest.mark.parametrize(
    ("event", "said"),
    [("", "no event"), ("missing.json", "no file missing.json"), ('{"inventory": tru', "no JSON")],
)
def test_event_that_is_none_is_not_sent(event: str, said: str, checkout: Checkout) -> None:
    checkout.install("serverless-cloud-framework")

    invoked = checkout.make("invoke", f"EVENT={event}")

    assert (invoked.returncode != 0, "called:" in invoked.stdout) == (True, False)
    error, next_step, *_ = invoked.stderr.splitlines()
    assert (error.startswith("error: "), said in error, next_step[:2]) == (True, True, "→ ")


def test_trust_is_the_one_that_the_command_prints() -> None:
    assert json.loads((ROOT / "deploy" / "trust.json").read_text()) == role.trust()
