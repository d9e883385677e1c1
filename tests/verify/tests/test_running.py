"""
A run tells the truth about COS, takes away what it made whatever happens, and touches nothing else.
"""

from datetime import timedelta

import pytest

from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.response import Response
from tests.emulator.public import FULL_ACCESS, Cloud
from tests.unit.cli.little_monitor import LittleMonitor
from tests.verify import table
from tests.verify.checks.all import CHECKS
from tests.verify.tests.little_api import LittleApi
from tests.verify.tests.scene import PHOTOS_NAME, Scene, assert_clean, different, not_checked, strangers, with_body
from tests.verify.world import MANY


def full_scene(cloud: Cloud, **more: object) -> Scene:
    """With every service beside COS."""
    monitor = LittleMonitor({("StdMultipartNumber", PHOTOS_NAME): ([1_790_000_000], [12])})
    return Scene(cloud, api=LittleApi(cloud), monitor=monitor, **more)  # type: ignore[arg-type]


def test_everything_is_as_expected_at_the_emulator_and_nothing_is_left(cloud: Cloud) -> None:
    others, scene = strangers(cloud), full_scene(cloud, many=MANY)

    run = scene.run()

    assert different(run) == []
    assert not_checked(run) == ["sign-token", "monitor-unit"]
    assert (run.defect, run.interrupted, run.cleaned.left) == ("", False, [])
    assert_clean(cloud, others)


def test_every_request_is_about_the_bucket_and_the_prefix(cloud: Cloud) -> None:
    mark, scene = cloud.mark(), full_scene(cloud)

    scene.run()

    asked = cloud.requests(mark)
    keys = {one.key for one in asked if one.key}
    assert {one.bucket for one in asked} == {PHOTOS_NAME, ""}
    assert [key for key in keys if not key.lstrip("/\\").startswith(scene.prefix)] == []
    assert {one.operation for one in asked if not one.key} == {
        *(
            "GetBucket",
            "GetBucketLifecycle",
            "GetBucketObjectLockConfiguration",
            "GetBucketVersioning",
            "GetService",
            "ListMultipartUploads",
        ),
    }


def test_temporary_credentials_check_their_token_and_cannot_make_narrower_ones(cloud: Cloud) -> None:
    made = cloud.add_credentials(policy=FULL_ACCESS, token="an-example-token-of-32-characters")
    scene = full_scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, made.token or ""))

    run = scene.run()

    assert different(run) == []
    assert [name for name in not_checked(run) if not name.startswith("permission-")] == [
        "monitor-unit",
        "function-itself",
    ]
    assert_clean(cloud)


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        ("name/cos:InitiateMultipartUpload", "abort-204"),
        ("name/cos:UploadPart", "abort-204"),
        ("name/cos:ListParts", "parts-pages"),
        ("name/cos:GetBucketLifecycle", "lifecycle-none"),
        ("name/cos:GetBucketObjectLock", "abort-completed"),
        ("name/cos:PutObject", "report-objects"),
        ("name/cos:GetService", "service"),
        ("name/cos:ListMultipartUploads", "list-fresh"),
    ],
)
def test_missing_permission_leaves_unchecked_what_needs_it(denied: str, expected: str, cloud: Cloud) -> None:
    statements = [*FULL_ACCESS["statement"], {"effect": "deny", "action": denied, "resource": "*"}]
    made = cloud.add_credentials(policy={"version": "2.0", "statement": statements})
    scene = Scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, ""))

    run = scene.run()

    assert different(run) == []
    assert expected in not_checked(run)
    # Without its listing nothing that was made is found again, and that is said.
    assert bool(run.cleaned.left) == (denied == "name/cos:ListMultipartUploads")


def test_what_may_not_be_aborted_is_named_as_left(cloud: Cloud) -> None:
    deny = {"effect": "deny", "action": "name/cos:AbortMultipartUpload", "resource": "*"}
    policy = {"version": "2.0", "statement": [*FULL_ACCESS["statement"], deny]}
    made = cloud.add_credentials(policy=policy)
    scene = Scene(cloud, credentials=Credentials(made.secret_id, made.secret_key, ""))

    run = scene.run()

    assert different(run) == []
    assert len(run.cleaned.left) == 1
    assert scene.prefix in run.cleaned.left[0]
    assert table.exit_code(run) == table.SOMETHING_LEFT


@pytest.mark.parametrize(
    "fault", [{"reset": "before"}, {"reset": "after"}, {"status": 503, "code": "SlowDown"}], ids=str
)
def test_lost_answers_make_nothing_different_and_leave_nothing(fault: dict[str, object], cloud: Cloud) -> None:
    cloud.fault(probability=0.05, **fault)  # type: ignore[arg-type]
    scene = Scene(cloud)

    run = scene.run()

    assert different(run) == []
    cloud.heal()
    assert run.cleaned.left == []
    assert_clean(cloud)


def test_cos_that_answers_nothing_is_left_alone_soon(cloud: Cloud) -> None:
    cloud.fault(status=503, code="SlowDown")
    mark, scene = cloud.mark(), Scene(cloud)

    run = scene.run()

    assert different(run) == []
    assert len(not_checked(run)) == len(CHECKS)
    assert len(cloud.requests(mark)) < 100


@pytest.mark.parametrize("minutes", [10, -10], ids="{} min".format)
def test_clock_that_is_off_is_found_and_makes_nothing_else_different(minutes: int, cloud: Cloud) -> None:
    scene = Scene(cloud, ahead=timedelta(minutes=minutes))

    run = scene.run()

    assert different(run) == ["date"]
    assert {"engine-dry-run", "engine-sweep"} <= set(not_checked(run))
    assert_clean(cloud)


@pytest.mark.parametrize("hours", [1, -2], ids="{} h".format)
def test_clock_that_cos_does_not_accept_leaves_everything_unchecked(hours: int, cloud: Cloud) -> None:
    scene = Scene(cloud, ahead=timedelta(hours=hours))

    run = scene.run()

    assert [name for name in different(run) if not name.startswith("sign-")] == []
    assert "abort-204" in not_checked(run)
    assert_clean(cloud)


def test_wrong_credentials_leave_everything_unchecked(cloud: Cloud) -> None:
    scene = Scene(cloud, credentials=Credentials("AKIDnobody000000", "nothing", ""))

    run = scene.run()

    assert "abort-204" in not_checked(run)
    assert run.cleaned.left == []


@pytest.mark.parametrize(
    ("configuration", "document"),
    [
        (
            "object-lock",
            b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
        ("versioning", b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        ("versioning", b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
        ("versioning", b"nothing that can be read"),
    ],
    ids=["locked", "versions", "suspended", "unreadable"],
)
def test_bucket_that_would_keep_an_object_gets_none(configuration: str, document: bytes, cloud: Cloud) -> None:
    def lie(_method: str, url: str, response: Response) -> Response:
        return with_body(response, document, 200) if f"?{configuration}=" in url else response

    mark, scene = cloud.mark(), Scene(cloud, lie=lie)

    run = scene.run()

    assert different(run) == []
    assert {"abort-completed", "report-objects"} <= set(not_checked(run))
    assert {"CompleteMultipartUpload", "PutObject"}.isdisjoint(one.operation for one in cloud.requests(mark))


def test_run_against_a_server_on_this_machine_asks_no_service_of_the_cloud(cloud: Cloud) -> None:
    scene = Scene(cloud)

    whys = {one.outcome.seen for one in scene.run().results if one.check.name.startswith(("permission", "monitor-c"))}

    assert whys == {f"a COS on this machine has no {service} beside it" for service in ("sts", "monitor")}
