"""
What a deployment would ignore, read otherwise or fail on is said with its place; the file of this project is right.
"""

import re
from pathlib import Path

import pytest

from cos_sweeper.cli import serverless_file, serverless_rules
from cos_sweeper.cli.serverless_file import Deployed
from tests.tools.test_deployment import GIVEN, TEXT, switched_on

URL = re.search(r"(?ms)^    - http:\n.*?(?=^\n|^    #)", switched_on(TEXT))
assert URL
WITH_URL = TEXT.replace("    - timer:\n", f"{URL[0]}    - timer:\n")
TOKEN = "HTTP_TOKEN: ${env:HTTP_TOKEN}"


def deployed(folder: Path, text: str, **environ: str) -> Deployed:
    (folder / "project").mkdir(exist_ok=True)
    (folder / "project" / "serverless.yml").write_text(text, "utf-8")
    return serverless_file.read(folder / "project" / "serverless.yml", {**GIVEN, **environ})


def with_variables(text: str, *lines: str) -> str:
    return text.replace("    variables:\n", "    variables:\n" + "".join(f"      {line}\n" for line in lines))


@pytest.mark.parametrize("text", [TEXT, switched_on(TEXT)], ids=["as shipped", "everything switched on"])
def test_file_of_this_project_is_right(text: str, tmp_path: Path) -> None:
    found = deployed(tmp_path, text)

    assert (list(serverless_rules.problems(found)), list(serverless_rules.notes(found))) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # indentation
        (
            "stage: prod",
            "stage: prod\nDRY_RUN: 'true'",
            "`DRY_RUN` here: it belongs below `inputs.environment.variables`",
        ),
        ("      MIN_IDLE_HOURS:", "    MIN_IDLE_HOURS:", "`inputs.environment.MIN_IDLE_HOURS` here: it belongs below"),
        ("      MIN_IDLE_HOURS:", "  MIN_IDLE_HOURS:", "`inputs.MIN_IDLE_HOURS` here: it belongs below"),
        ("inputs:\n", "inputs:\n  EXCLUDE_BUCKET: 'a'\n", "`inputs.EXCLUDE_BUCKET` here: it belongs below"),
        (
            "    variables:\n",
            "    variables:\n      timeout: '900'\n",
            "variables.timeout` here: it belongs below `inputs`",
        ),
        ("stage: prod", "stage: prod\nrole: x", "`role` here: it belongs below `inputs`"),
        ("stage: prod", "stage: prod\ncommandInputs: {deploy: {timeout: 1}}", "`commandInputs` is not known here"),
        ("  role: cos", "  rolle: cos", "`inputs.rolle` is not known here"),
        ("        parameters:\n          name", "      parameters:\n          name", "`inputs.events[0].parameters`"),
        (
            "          argument: '{}'",
            "        argument: '{}'",
            "`inputs.events[0].timer.argument` here: it belongs below",
        ),
        ("    - timer:", "    - apigw:", "`inputs.events[0].apigw`"),
        ("  events:", "  events: {}\n  evnts:", "`inputs.events` needs a list"),
        ("  environment:\n", "  cls:\n  environment:\n", "`inputs.cls` needs keys"),
        ("  timeout:", "  asyncRunEnable: true\n  timeout:", "remove `inputs.asyncRunEnable`"),
        # values that are no texts
        ("DRY_RUN: 'true'", "DRY_RUN: True", "value of `inputs.environment.variables.DRY_RUN` in quotes"),
        ("MIN_AGE_HOURS: '168'", "MIN_AGE_HOURS: 0168", "MIN_AGE_HOURS` in quotes"),
        ("MIN_AGE_HOURS: '168'", "MIN_AGE_HOURS:", "MIN_AGE_HOURS` in quotes"),
        ("MIN_AGE_HOURS: '168'", "MIN_AGE_HOURS: [1]", "MIN_AGE_HOURS` in quotes"),
        ("    variables:\n", "    variables:\n      SCF_X: 'a'\n", "SCF_X` is no name"),
        ("    variables:\n", "    variables:\n      a-b: 'a'\n", "a-b` is no name"),
        ("    variables:\n", f"    variables:\n      OTHER: '{'x' * 4096}'\n", "4,096 bytes"),
        # values that SCF refuses
        ("component: scf", "component: http", "`component` needs `scf`"),
        ("type: event", "type: web", "`inputs.type` needs"),
        ("index.main_handler", "index.handler", "`inputs.handler` needs"),
        ("Python3.10", "Python3.9", "`inputs.runtime` needs"),
        ("  name: cos-sweeper\n  type", "  type", "`inputs.name` needs"),
        ("  role: cos-sweeper", "  role: ''", "`inputs.role` needs"),
        ("region: ap-guangzhou", "region: Guangzhou", "`inputs.region` needs"),
        ("  timeout: 900", "  timeout: 901", "`inputs.timeout` needs"),
        ("  timeout: 900", "  timeout: 0900", "`inputs.timeout` needs"),
        ("  timeout: 900", "", "`inputs.timeout` needs"),
        ("memorySize: 128", "memorySize: 192", "`inputs.memorySize` needs"),
        ("initTimeout: 60", "initTimeout: 301", "`inputs.initTimeout` needs"),
        ("publicAccess: true", "publicAccess: no", "`inputs.publicAccess` needs"),
        ("          enable: true", "          enable: no", "parameters.enable` needs `true` or `false`"),
        ("0 30 3 * * * *", "0 30 3 * * *", "cronExpression` needs 7 fields"),
        ("argument: '{}'", "argument: {}", "argument` needs a text"),
        ("argument: '{}'", "argument: '{\"dry_run\": 7}'", "inputs.events[0].timer.parameters.argument`: "),
    ],
)
def test_what_is_not_deployed_as_it_stands_there_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)

    problems = list(serverless_rules.problems(deployed(tmp_path, text)))

    (found,) = [problem for problem in problems if said in problem]
    assert re.search(r"serverless\.yml(, line \d+)?: ", found)


@pytest.mark.parametrize(
    ("auth_type", "variables", "said"),
    [
        ("NONE", [TOKEN], ""),
        ("CAM", ["HTTP_AUTH: platform"], ""),
        ("NONE", ["HTTP_AUTH: platform"], "nobody checks"),
        ("NONE", ["HTTP_AUTH: platform", TOKEN], "nobody checks"),
        ("NONE", [], "403"),
        ("CAM", [], "HTTP_AUTH"),
        ("CAM", [TOKEN], "HTTP_AUTH"),
        ("cam", ["HTTP_AUTH: platform"], "`NONE` or `CAM`"),
        ("", ["HTTP_AUTH: platform"], "`NONE` or `CAM`"),
    ],
)
def test_function_url_needs_exactly_one_check_of_its_callers(
    auth_type: str, variables: list[str], said: str, tmp_path: Path
) -> None:
    text = with_variables(WITH_URL.replace("authType: NONE", f"authType: {auth_type}"), *variables)

    problems = list(serverless_rules.problems(deployed(tmp_path, text)))

    assert [said in problem for problem in problems] == ([True] if said else [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("          enable: true\n", "", "switched off"),
        ("  events:\n", "  events: []\n", "no timer"),
        ("    variables:\n", "    variables:\n      HTTP_AUTH: platform\n", "authType: CAM"),
    ],
)
def test_what_is_perhaps_not_meant_is_noted(old: str, new: str, said: str, tmp_path: Path) -> None:
    text = TEXT.partition("  events:\n")[0] + new if "[]" in new else TEXT.replace(old, new, 1)

    (note,) = serverless_rules.notes(deployed(tmp_path, text))

    assert said in note


def test_file_that_the_deployment_reads_instead_is_named(tmp_path: Path) -> None:
    deployed(tmp_path, TEXT)
    (tmp_path / "serverless.yml").write_text("app: cos-sweeper\nstage: prod\n")
    assert list(serverless_rules.problems(deployed(tmp_path, TEXT))) == []

    (tmp_path / "serverless.yml").write_text("stage: dev\n")
    (tmp_path / "project" / "serverless.json").write_text("{}")

    beside, above = serverless_rules.problems(deployed(tmp_path, TEXT))
    assert ("serverless.json" in beside, "`stage`" in above) == (True, True)


def test_value_that_the_deployment_would_change_is_refused(tmp_path: Path) -> None:
    text = with_variables(TEXT, "REPORT: '${env:R}/x'")

    whole = list(serverless_rules.problems(deployed(tmp_path, TEXT, BUCKETS="a$&b")))
    part = list(serverless_rules.problems(deployed(tmp_path, text, R="a$&b")))
    again = list(serverless_rules.problems(deployed(tmp_path, TEXT, BUCKETS="${env:X}")))

    assert [len(each) for each in (whole, part, again)] == [0, 1, 1]
