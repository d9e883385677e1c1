"""
deploy/terraform: what it would create, held against what the function says that it needs. Nothing here has an account.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from cos_sweeper.core import settings
from cos_sweeper.scf import cam_policy
from tests.fixtures import ROOT

FOLDER = ROOT / "deploy" / "terraform"
UIN = "100000000001"

# The arguments that the provider documents, of the resources that are used here; of a block, those inside it.
DOCUMENTED = {
    "tencentcloud_cam_role": {"name", "document", "description", "console_login", "session_duration", "tags"},
    "tencentcloud_cam_policy": {"name", "document", "description"},
    "tencentcloud_cam_role_policy_attachment_by_name": {"role_name", "policy_name"},
    "tencentcloud_scf_function": {
        *("name", "namespace", "description", "handler", "runtime", "role", "zip_file", "mem_size", "timeout"),
        *(
            "environment",
            "enable_public_net",
            "cls_logset_id",
            "cls_topic_id",
            "triggers",
            "tags",
            "vpc_id",
            "subnet_id",
        ),
        *("cos_bucket_name", "cos_object_name", "cos_bucket_region", "dns_cache", "func_type", "layers"),
    },
    "triggers": {"name", "type", "trigger_desc", "cos_region"},
}
# Of Terraform itself, and of the parser.
META = {"depends_on", "dynamic", "__is_block__", "__comments__"}

CASES = {
    "as shipped": {"buckets": ["photos-1250000000@ap-guangzhou"]},
    "aborting, with reports": {
        "buckets": ["photos-1250000000@ap-guangzhou", "logs-1250000001@ap-singapore"],
        "dry_run": False,
        "report": "reports-1250000000@ap-beijing/a/b/",
    },
    "narrowed": {
        "buckets": ["photos-1250000000@ap-guangzhou", "logs-1250000001@ap-singapore"],
        "dry_run": False,
        "exclude_buckets": ["logs-1250000001"],
        "prefixes": ["tmp/", 'a "<b>&'],
        "exclude_prefixes": ["tmp/keep,this/"],
        "report": "reports-1250000000@ap-beijing/a",
        "settings": {"LIFECYCLE_COVERAGE": "false", "MIN_AGE_HOURS": "72"},
        "secrets": {"HTTP_TOKEN": "an-example-token-of-32-characters"},
    },
    "every bucket": {"buckets": ["*"], "dry_run": False, "exclude_buckets": ["logs-1250000001"], "appid": "1250000000"},
    "elsewhere": {
        "buckets": ["photos-1250000000@ap-guangzhou"],
        "region": "ap-beijing",
        "namespace": "storage",
        "name": "sweeper-2",
    },
}

needs_terraform = pytest.mark.skipif(not shutil.which("terraform"), reason="NOT TESTED: this machine has no terraform")


def resources() -> dict[str, dict[str, Any]]:
    """The arguments of each resource of main.tf, by its type."""
    with (FOLDER / "main.tf").open() as file:
        found = hcl2.load(file)["resource"]
    return {kind.strip('"'): arguments for one in found for kind, named in one.items() for arguments in named.values()}


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def without_provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What needs no provider, with outputs of its own."""
    folder = tmp_path_factory.mktemp("terraform")
    for name in ("variables.tf", "settings.tf"):
        shutil.copy(FOLDER / name, folder)
    (folder / "made.tf").write_text(
        "".join(
            f'output "{name}" {{\n  value     = local.{name}\n  sensitive = true\n}}\n'
            for name in ("policy", "environment", "trust")
        )
    )
    made = terraform(folder, "init", "-no-color")
    assert made.returncode == 0, made.stderr
    return folder


@needs_terraform
@pytest.mark.parametrize("given", CASES.values(), ids=CASES)
def test_policy_and_environment_are_what_the_function_needs(given: dict[str, Any], without_provider: Path) -> None:
    (without_provider / "terraform.tfvars.json").write_text(json.dumps({"uin": UIN, **given}))

    applied = terraform(without_provider, "apply", "-auto-approve", "-no-color")

    assert applied.returncode == 0, applied.stderr
    made = {
        name: one["value"] for name, one in json.loads(terraform(without_provider, "output", "-json").stdout).items()
    }
    loaded = settings.load(made["environment"])
    names = {"region": "ap-guangzhou", "namespace": "default", "name": "cos-sweeper", "appid": "*"} | given
    function = cam_policy.function_resource(names["region"], UIN, names["namespace"], names["name"])
    assert made["policy"] == cam_policy.policy(loaded, function, names["appid"])
    assert loaded.dry_run is given.get("dry_run", True)
    assert list(loaded.prefixes) == given.get("prefixes", [])
    assert list(loaded.exclude_prefixes) == given.get("exclude_prefixes", [])


@needs_terraform
@pytest.mark.parametrize(
    "given",
    [
        {"buckets": ["photos"]},
        {"buckets": []},
        {"buckets": ["*", "photos-1250000000@ap-guangzhou"]},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "report": "reports-1250000000@ap-beijing"},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "settings": {"DRY_RUN": "false"}},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "settings": {"EXCLUDE_PREFIX": "a/"}},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "settings": {"HTTP_TOKEN": "0123456789abcdef"}},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "settings": {"MIN_AGE_HOURS": "7d"}},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "secrets": {"TOKEN": "0123456789abcdef"}},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "region": "guangzhou"},
        {"buckets": ["photos-1250000000@ap-guangzhou"], "uin": "cos-sweeper"},
    ],
    ids=str,
)
def test_wrong_variable_is_rejected(given: dict[str, Any], without_provider: Path) -> None:
    (without_provider / "terraform.tfvars.json").write_text(json.dumps({"uin": UIN, **given}))

    planned = terraform(without_provider, "plan", "-no-color")

    assert planned.returncode == 1
    assert "Invalid value for variable" in planned.stderr


def test_other_settings_and_secrets_are_all_that_the_function_has_and_no_variable_covers() -> None:
    text = (FOLDER / "variables.tf").read_text("utf-8")
    own = {"BUCKETS", "EXCLUDE_BUCKETS", "PREFIXES", "EXCLUDE_PREFIXES", "DRY_RUN", "REPORT"}
    local = {"COS_ENDPOINT", "INVOKE_ENDPOINT"}

    lists = [set(re.findall(r'"([A-Z_]{5,})"', one)) for one in re.findall(r"(?s)contains\(\[(.*?)\]", text)]

    assert set.union(*lists) == settings.READERS.keys() - own - local
    assert not set.intersection(*lists)


@needs_terraform
def test_files_are_formatted() -> None:
    assert terraform(FOLDER, "fmt", "-check", "-recursive", "-list=true").stdout == ""


@needs_terraform
def test_whole_configuration_is_valid_where_the_provider_can_be_had(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "terraform")
    if terraform(folder, "init", "-backend=false", "-no-color").returncode:
        pytest.skip("NOT TESTED: Terraform's registry, which has the provider, cannot be reached")

    validated = terraform(folder, "validate", "-no-color")

    assert validated.returncode == 0, validated.stderr


def test_every_argument_is_one_that_the_provider_documents() -> None:
    found = resources()

    assert set(found) == DOCUMENTED.keys() - {"triggers"}
    for kind, arguments in found.items():
        assert set(arguments) - META <= DOCUMENTED[kind], kind
    function = found["tencentcloud_scf_function"]
    blocks = [*function["triggers"], *(one["content"][0] for block in function["dynamic"] for one in block.values())]
    assert len(blocks) == 4
    assert all(set(block) - META <= DOCUMENTED["triggers"] for block in blocks)


def test_function_is_the_one_of_serverless_yml() -> None:
    inputs = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["inputs"]
    (timer,) = (one["timer"]["parameters"] for one in inputs["events"] if "timer" in one)
    with (FOLDER / "variables.tf").open() as file:
        defaults = {
            name.strip('"'): variable.get("default")
            for one in hcl2.load(file)["variable"]
            for name, variable in one.items()
        }
    function = resources()["tencentcloud_scf_function"]

    assert {name: function[name].strip('"') for name in ("handler", "runtime", "description")} == {
        name: inputs[name] for name in ("handler", "runtime", "description")
    }
    assert (defaults["memory"], defaults["timeout"]) == (inputs["memorySize"], inputs["timeout"])
    assert [defaults[name].strip('"') for name in ("name", "role", "region", "cron")] == [
        *(inputs[name] for name in ("name", "role", "region")),
        timer["cronExpression"],
    ]
