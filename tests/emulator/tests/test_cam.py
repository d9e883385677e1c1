from typing import Any

import pytest

from tests.emulator.cam import BadPolicy, action_name, read_policy, resource_name

ABORT = action_name("AbortMultipartUpload")
OBJECT = resource_name("ap-guangzhou", "photos-1250000000", "a/b.jpg")


def allows(*statements: dict[str, Any], action: str = ABORT, resource: str = OBJECT) -> bool:
    return read_policy({"version": "2.0", "statement": list(statements)}).allows(action, resource)


def statement(effect: str, action: object = "*", resource: object = "*") -> dict[str, Any]:
    return {"effect": effect, "action": action, "resource": resource}


def test_resources_are_named_as_in_the_documentation() -> None:
    assert OBJECT == "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/a/b.jpg"
    assert resource_name("ap-guangzhou", "a-b-1250000000") == "qcs::cos:ap-guangzhou:uid/1250000000:a-b-1250000000/"


def test_actions_of_object_lock_have_a_shorter_name_in_policies() -> None:
    assert action_name("GetBucketObjectLockConfiguration") == "name/cos:GetBucketObjectLock"
    assert action_name("GetBucketLifecycle") == "name/cos:GetBucketLifecycle"


def test_action_that_no_statement_allows_is_denied() -> None:
    assert not allows()
    assert not allows(statement("allow", "name/cos:ListParts"))


@pytest.mark.parametrize(
    "order", [pytest.param(("allow", "deny"), id="deny last"), pytest.param(("deny", "allow"), id="deny first")]
)
def test_deny_wins(order: tuple[str, ...]) -> None:
    assert not allows(*(statement(effect) for effect in order))


def test_deny_about_something_else_denies_nothing() -> None:
    assert allows(statement("allow"), statement("deny", "name/cos:DeleteObject"))


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        pytest.param("*", "*", True, id="anything"),
        pytest.param(ABORT, OBJECT, True, id="exactly this"),
        pytest.param("name/cos:*", "qcs::cos:*:uid/1250000000:photos-1250000000/*", True, id="wildcards inside"),
        pytest.param(["name/cos:ListParts", ABORT], [OBJECT], True, id="one of several"),
        pytest.param("name/cos:Abort", "*", False, id="only the beginning"),
        pytest.param("name/cos:abortmultipartupload", "*", False, id="another case"),
        pytest.param("*", "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/", False, id="the bucket only"),
        pytest.param("*", "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/a/?.jpg", False, id="no other marks"),
        pytest.param("*", "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/a.b.jpg", False, id="a dot is a dot"),
    ],
)
def test_actions_and_resources_match_to_the_letter_but_for_asterisks(
    action: object, resource: object, *, allowed: bool
) -> None:
    assert allows(statement("allow", action, resource)) is allowed


@pytest.mark.parametrize("action", ["cos:*", "cos:AbortMultipartUpload", "name/*", "name/cos:Abort*"])
@pytest.mark.parametrize(
    "resource",
    [
        "qcs::cos::uid/1250000000:photos-1250000000/*",
        "qcs::cos:ap-guangzhou:uin/100000000001:photos-*",
        "qcs::cos:*:*:*/a/*",
        "qcs::cos:ap-*::photos-1250000000/a/b.jpg",
        "qcs::cos:*",
    ],
)
def test_every_spelling_of_an_action_and_a_resource_allows_and_denies(action: str, resource: str) -> None:
    assert allows(statement("allow", action, resource))
    assert not allows(statement("allow"), statement("deny", action, resource))
    assert not allows(statement("allow", action, resource), resource="qcs::cam::uin/1:roleName/b")


def test_uin_of_another_account_is_another_account() -> None:
    assert not allows(statement("allow", "*", "qcs::cos:*:uin/100000000002:*"))


def test_asterisk_stands_for_newlines_too() -> None:
    resource = resource_name("ap-guangzhou", "photos-1250000000", "a\nb")

    assert allows(
        statement("allow", "*", "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/*"), resource=resource
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="no object"),
        pytest.param({"version": "2.0"}, id="no statement"),
        pytest.param({"version": "1.0", "statement": []}, id="another version"),
        pytest.param({"version": "2.0", "statement": {}}, id="no list"),
        pytest.param({"version": "2.0", "statement": [statement("Allow")]}, id="unknown effect"),
        pytest.param({"version": "2.0", "statement": [{"effect": "allow", "action": "*"}]}, id="no resource"),
        pytest.param({"version": "2.0", "statement": [{**statement("allow"), "condition": {}}]}, id="a condition"),
        pytest.param({"version": "2.0", "statement": [statement("allow", [])]}, id="no action at all"),
        pytest.param({"version": "2.0", "statement": [statement("allow", 7)]}, id="an action that is no text"),
        *(
            pytest.param({"version": "2.0", "statement": [statement("deny", action)]}, id=action)
            for action in ("", "DeleteObject", "name/DeleteObject", "coss:DeleteObject", "permid/2", "cos:", "*:Get")
        ),
        *(
            pytest.param({"version": "2.0", "statement": [statement("deny", "*", resource)]}, id=resource)
            for resource in (
                "",
                "photos-1250000000/*",
                "qcs::cos:gz:uid/1250000000:photos-1250000000/*",
                "qcs::cos:cn-south:uid/1250000000:photos-1250000000/*",
                "qcs::cos:ap-guangzhou:uid/1250000000:prefix//1250000000/photos/*",
                "qcs::cos:ap-guangzhou:uid/1250000000:photos/*",
                "qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000",
                "qcs::cos:ap-guangzhou:1250000000:photos-1250000000/*",
                "qcs:id/0:cos:ap-guangzhou:uid/1250000000:photos-1250000000/*",
                "qcs::coss:ap-guangzhou:uid/1250000000:photos-1250000000/*",
                "qcs::*",
            )
        ),
    ],
)
def test_policy_that_is_not_understood_to_the_letter_is_rejected(document: object) -> None:
    with pytest.raises(BadPolicy):
        read_policy(document)
