"""
The role's policy: what the code says it needs, held against a COS and an SCF that enforce exactly that.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from cos_sweeper.core.settings import load
from cos_sweeper.scf import cam_policy
from tests.emulator.public import Cloud
from tests.fixtures import ABORTING, HANDLER
from tests.function import FUNCTION, PHOTOS, Function, named, timer
from tests.integration.objects import stored

BUCKET = PHOTOS.partition("@")[0]
OF_COS = ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload", "PutObject"]


def policy(**environ: str) -> dict[str, Any]:
    return cam_policy.policy(load({"BUCKETS": PHOTOS, **ABORTING, **environ}), FUNCTION, "1250000000")


def do_everything(function: Function, cloud: Cloud) -> str:
    """A sweep and an event, with every bucket allowed and the report kept; what they wrote and raised."""
    cloud.seed(BUCKET, "swept")
    (failed,) = cloud.seed(BUCKET, "named", hours_since_last_part=1)
    function.settings |= {"BUCKETS": "*", "REPORT": f"{PHOTOS}/reports"}
    swept = function(timer())
    named_run = function(named(BUCKET, failed.key, failed.upload_id))
    return f"{swept.output}{named_run.output}{swept.error}{named_run.error}"


def test_policy_denies_nothing_that_a_run_does(cloud: Cloud, function: Function) -> None:
    output = do_everything(function, cloud)

    assert "AccessDenied" not in output
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("operation", OF_COS)
def test_policy_grants_nothing_that_a_run_does_without(operation: str, cloud: Cloud, function: Function) -> None:
    function.denied.add(f"name/cos:{operation}")

    output = do_everything(function, cloud)

    assert "AccessDenied" in output
    denied = {request.operation for request in cloud.requests() if request.status == 403}
    assert denied == {operation}


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
def test_report_names_the_permission_that_is_missing(operation: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "old")
    function.denied.add(f"name/cos:{operation}")

    function(timer(), REPORT=f"{PHOTOS}/reports")

    (report,) = (one for key, one in stored(cloud, PHOTOS, "reports/").items() if key.endswith("/report.json"))
    (failure,) = report["failures"]
    assert (failure["code"], failure["actions"]) == ("AccessDenied", [f"name/cos:{operation}"])


@pytest.fixture(scope="module")
def scf() -> Iterator[Cloud]:
    env = {"BUCKETS": PHOTOS, "FAN_OUT": "2", **ABORTING}
    with Cloud.start(PHOTOS, function=HANDLER, env=env) as cloud:
        yield cloud


@pytest.mark.parametrize("allowed", [True, False])
def test_run_continues_only_with_the_permission_to_invoke(scf: Cloud, allowed: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    scf.reset()
    whole = policy()
    scf.set_role_policy({**whole, "statement": whole["statement"] if allowed else whole["statement"][:-1]})
    scf.seed(BUCKET, "{n}", count=20)

    scf.fire_timer()
    scf.wait_idle()

    assert (scf.uploads(BUCKET) == []) == allowed
    assert [record.end for record in scf.invocations()].count("returned") == (3 if allowed else 0)
