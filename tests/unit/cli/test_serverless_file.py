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
        (BOMB + "name: *k8\ninputs: {region: x}", "alias"),
        (MERGED + "inputs: {region: x}", "alias"),
        ("a: &a [*a]\nname: *a\ninputs: {region: x}", "alias"),
    ],
    ids=["bomb", "merged", "recursive"],
)
def test_file_that_grows_when_it_is_read_is_refused(text: str, why: str, path: Path) -> None:
    path.write_text(text)

    with pytest.raises(NoFunction, match=why):
        serverless_file.read(path, {})


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

    variables = "inputs.environment.variables"
    assert found.unresolved == {f"{variables}.BUCKETS": ("env:BUCKETS",), f"{variables}.REPORT": ("env:PREFIX",)}
    assert {"BUCKETS", "REPORT"}.isdisjoint(found.variables)


def test_reference_anywhere_without_a_value_is_named(path: Path) -> None:
    path.write_text(
        FILE + "  cls: {topicId: '${env:TOPIC}'}\n  events: [{cls: {parameters: {topicId: '${env: X}'}}}]\n"
    )

    found = serverless_file.read(path, {"ROLE": "r", "BUCKETS": "b", "PREFIX": "p", "X": "x"})

    assert found.unresolved == {
        "inputs.cls.topicId": ("env:TOPIC",),
        "inputs.events[0].cls.parameters.topicId": ("env: X",),
    }


def test_environment_wins_over_the_first_env_file_and_no_other_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "serverless.yml"
    path.parent.mkdir(parents=True)
    path.write_text(FILE)
    files = [folder / name for folder in (path.parent, *path.parent.parents[:2]) for name in (".env.prod", ".env")]
    for file in files:
        file.write_text(f"PREFIX=x\nBUCKETS={file.relative_to(tmp_path)}\nROLE='r # 1'\n")

    for file in files:
        found = serverless_file.read(path, {"PREFIX": "mine"})
        assert (found.env_file, found.role) == (file, "r # 1")
        assert found.variables["BUCKETS"] == f"{file.relative_to(tmp_path)}"
        assert found.origin("BUCKETS") == f"{file}, line 2"
        assert found.variables["REPORT"].endswith("/mine")
        file.unlink()
    assert "inputs.environment.variables.BUCKETS" in serverless_file.read(path, {}).unresolved


def test_place_of_a_value_is_where_it_can_be_changed(path: Path) -> None:
    found = serverless_file.read(path, {"BUCKETS": "b", "ROLE": "r", "PREFIX": "p"})

    assert found.origin("WORKERS") == f"{path}, line 13"
    assert found.origin("BUCKETS") == "the environment variable BUCKETS"
    assert found.origin("MAX_ABORTS") == f"{path}, line 10"


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
