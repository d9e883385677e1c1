"""
The role's documents and the calls that create it.
"""

import json
import shlex

from cos_sweeper.cli import role
from cos_sweeper.cli.role import trust
from tests.fixtures import ROOT

POLICY = {"version": "2.0", "statement": [{"effect": "allow", "action": ["a'b"], "resource": ["*"]}]}


def test_calls_create_the_role_and_its_policy_and_attach_it() -> None:
    words = [shlex.split(line) for line in role.calls("cos-sweeper", POLICY)]

    assert [one[:3] for one in words] == [
        ["tccli", "cam", action] for action in ("CreateRole", "CreatePolicy", "AttachRolePolicy")
    ]
    options = [dict(zip(one[3::2], one[4::2], strict=True)) for one in words]
    assert json.loads(options[0].pop("--PolicyDocument")) == trust()
    assert json.loads(options[1].pop("--PolicyDocument")) == POLICY
    assert options == [
        {"--RoleName": "cos-sweeper"},
        {"--PolicyName": "cos-sweeper"},
        {"--AttachRoleName": "cos-sweeper", "--PolicyName": "cos-sweeper"},
    ]


def test_trust_is_the_one_that_the_documentation_has() -> None:
    documented = (
        (ROOT / "docs" / "security.md").read_text("utf-8").partition('```json\n{"version"')[2].partition("```")[0]
    )

    assert json.loads(f'{{"version"{documented}') == trust()
