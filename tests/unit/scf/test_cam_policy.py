"""
The role's policy, made from the settings, allows what they need and nothing else.
"""

from typing import Any

import pytest

from cos_sweeper.core.settings import load
from cos_sweeper.scf import cam_policy
from tests.fixtures import ABORTING
from tests.function import FUNCTION, LOGS, PHOTOS

BUCKET = PHOTOS.partition("@")[0]
LOCATION = f"qcs::cos:ap-guangzhou:uid/1250000000:{BUCKET}/"


def policy(**environ: str) -> dict[str, Any]:
    return cam_policy.policy(load({"BUCKETS": PHOTOS, **ABORTING, **environ}), FUNCTION, "1250000000")


def resources(document: dict[str, Any], action: str) -> list[str]:
    return [each for one in document["statement"] if action in one["action"] for each in one["resource"]]


def test_policy_of_a_dry_run_allows_no_abort() -> None:
    assert resources(policy(DRY_RUN="true"), "name/cos:AbortMultipartUpload") == []
    assert resources(policy(DRY_RUN="true"), "name/cos:ListParts") == [f"{LOCATION}*"]


def test_policy_with_prefixes_allows_aborts_under_them_only() -> None:
    document = policy(PREFIXES="tmp/,raw/")

    assert resources(document, "name/cos:AbortMultipartUpload") == [f"{LOCATION}tmp/*", f"{LOCATION}raw/*"]
    assert resources(document, "name/cos:ListMultipartUploads") == [LOCATION]


def test_policy_allows_nothing_that_the_settings_do_not_need() -> None:
    document = policy()

    of_reports = ("name/cos:PutObject", "name/cos:GetObject", "name/cos:GetBucket", "name/cos:GetService")
    assert [resources(document, action) for action in of_reports] == [[]] * 4
    assert {action for one in document["statement"] for action in one["action"]} == {
        "name/cos:ListMultipartUploads",
        "name/cos:ListParts",
        "name/cos:AbortMultipartUpload",
        "scf:InvokeFunction",
    }


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [({}, []), ({"REPORT": f"{PHOTOS}/r"}, [LOCATION]), ({"REPORT": f"{PHOTOS}/r", "LIFECYCLE_COVERAGE": "false"}, [])],
)
def test_policy_allows_to_read_coverage_only_where_it_is_read(environ: dict[str, str], allowed: list[str]) -> None:
    document = policy(**environ)

    assert resources(document, "name/cos:GetBucketLifecycle") == allowed
    assert resources(document, "name/cos:GetBucketObjectLock") == allowed


def test_policy_for_every_bucket_covers_this_account_only() -> None:
    assert resources(policy(BUCKETS="*"), "name/cos:ListParts") == ["qcs::cos:*:uid/1250000000:*/*"]
    assert resources(policy(BUCKETS=f"{PHOTOS},{LOGS}"), "name/cos:ListMultipartUploads") == [
        LOCATION,
        "qcs::cos:ap-singapore:uid/1250000000:logs-1250000000/",
    ]


def test_excluded_bucket_gets_no_permission_but_that_to_keep_reports() -> None:
    document = policy(BUCKETS=f"{PHOTOS},{LOGS}", EXCLUDE_BUCKETS=PHOTOS, REPORT=f"{PHOTOS}/reports")
    nothing_left = policy(EXCLUDE_BUCKETS=PHOTOS)

    assert {resource for one in document["statement"] for resource in one["resource"] if LOCATION in resource} == {
        f"{LOCATION}reports/*"
    }
    assert [one["action"] for one in nothing_left["statement"]] == [["scf:InvokeFunction"]]
    assert policy(BUCKETS="*", EXCLUDE_BUCKETS=PHOTOS) == policy(BUCKETS="*")
