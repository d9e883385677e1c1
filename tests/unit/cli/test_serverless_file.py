"""
A serverless.yml is read as its deployment reads it, and what has no value is named.
"""

from pathlib import Path

import pytest

from cos_sweeper.cli import serverless_file
from cos_sweeper.cli.serverless_file import NoFunction
from tests.fixtures import ROOT

FILE = """
component: scf
name: sweeper
stage: prod
inputs:
  name: ${name}-${stage}
  region: ap-chengdu
  role: ${env:ROLE}
  environment:
    variables:
      BUCKETS: ${env:BUCKETS}
      DRY_RUN: true
      WORKERS: 8
      REPORT: 'reports-1250000000@ap-chengdu/${env:PREFIX}'
      EMPTY:
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "serverless.yml"
    file.write_text(FILE)
    return file


BOMB = "".join(f"k{one}: &k{one} [{', '.join([f'*k{one - 1}'] * 9) if one else 'x'}]\n" for one in range(9))
MERGED = BOMB.replace("[x]", "{x: 1}").replace("[", "{<<: [").replace("]", "]}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB + "name: *k8\ninputs: {region: x}", "more aliases"),
        (MERGED + "inputs: {region: x}", "more aliases"),
        ("a: &a [*a]\nname: *a\ninputs: {region: x}", "is a list"),
        ("inputs: {region: [x]}", "is a list"),
        ("stage: {a: b}\ninputs: {region: x}", "is a list"),
        ("name: " + "9" * 5000 + "\ninputs: {region: x}", "valid YAML|too large"),
        ("inputs: {environment: {variables: {A: {b: c}}}}", "is a list"),
    ],
    ids=["bomb", "merged", "recursive", "list", "stage", "number", "variable"],
)
def test_file_that_grows_when_it_is_read_is_refused(text: str, why: str, path: Path) -> None:
    path.write_text(text)

    with pytest.raises(NoFunction, match=why):
        serverless_file.read(path, {})


def test_aliases_of_an_ordinary_file_are_read(path: Path) -> None:
    path.write_text("region: &region ap-chengdu\ninputs: {region: *region}")

    assert serverless_file.read(path, {}).region == "ap-chengdu"


def test_function_is_read_with_its_variables_as_the_platform_gets_them(path: Path) -> None:
    found = serverless_file.read(path, {"BUCKETS": "b", "ROLE": "r", "PREFIX": "p"})

    assert (found.name, found.region, found.namespace, found.role) == ("sweeper-prod", "ap-chengdu", "default", "r")
    assert found.variables == {
        "BUCKETS": "b",
        "DRY_RUN": "true",
        "WORKERS": "8",
        "REPORT": "reports-1250000000@ap-chengdu/p",
    }
    assert found.unresolved == {}


def test_variable_without_a_value_is_left_out_and_named(path: Path) -> None:
    found = serverless_file.read(path, {"ROLE": "r"})

    assert found.unresolved == {"BUCKETS": ("env:BUCKETS",), "REPORT": ("env:PREFIX",)}
    assert {"BUCKETS", "REPORT"}.isdisjoint(found.variables)


def test_environment_wins_over_the_first_env_file_and_the_second_is_not_read(path: Path) -> None:
    (path.parent / ".env.prod").write_text("BUCKETS=of-stage\nROLE='r # 1' # role\nexport PREFIX=\"p\"\n# ROLE=no\n")
    (path.parent / ".env").write_text("BUCKETS=of-env\nOTHER=x\n")

    found = serverless_file.read(path, {"PREFIX": "mine"})

    assert found.variables["BUCKETS"] == "of-stage"
    assert found.role == "r # 1"
    assert found.variables["REPORT"].endswith("/mine")
    (path.parent / ".env.prod").unlink()
    assert serverless_file.read(path, {}).variables["BUCKETS"] == "of-env"


def test_file_of_this_project_is_read() -> None:
    found = serverless_file.read(ROOT / "serverless.yml", {"BUCKETS": "photos-1250000000@ap-guangzhou"})

    assert (found.name, found.region, found.role) == ("cos-sweeper", "ap-guangzhou", "cos-sweeper")
    assert found.variables["DRY_RUN"] == "true"


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "inputs: 1", "a: [", "inputs: {environment: {variables: [1]}}", "!!python/object:os.x {}", "\x00"],
)
def test_file_that_is_no_function_is_rejected(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(text)

    with pytest.raises(NoFunction):
        serverless_file.read(tmp_path / "x.yml", {})
