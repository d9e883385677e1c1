"""
What every invocation needs: settings, credentials, a context; and what a defect looks like.
"""

import json
import re
from typing import Any

import pytest

from cos_sweeper.core import plan
from cos_sweeper.core.errors import BadSettings, InternalError, MissingCredentials
from tests.emulator.public import Cloud, Seeded
from tests.function import Function, event, named, timer
from tests.integration.http_calls import BUCKET, post, seeded, status_of


def test_wrong_settings_are_all_named_before_any_request(cloud: Cloud, function: Function) -> None:
    before = cloud.mark()

    result = function(timer(), BUCKETS="photos", MIN_AGE_HOURS="0", WORKERS="many")

    assert isinstance(result.error, BadSettings)
    assert [problem.split(":")[0] for problem in result.error.problems] == ["BUCKETS", "MIN_AGE_HOURS", "WORKERS"]
    assert cloud.requests(before) == []


def test_missing_credentials_are_named(function: Function) -> None:
    result = function(timer(), TENCENTCLOUD_SECRETID="", TENCENTCLOUD_SESSIONTOKEN="")

    assert isinstance(result.error, MissingCredentials)
    assert result.error.missing == ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SESSIONTOKEN")
    assert all(name in str(result.error) for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN", "role"))


@pytest.mark.parametrize("broken", [{"BUCKETS": ""}, {"TENCENTCLOUD_SECRETKEY": ""}], ids=["settings", "credentials"])
def test_function_that_cannot_run_reveals_nothing_over_http(broken: dict[str, Any], function: Function) -> None:
    result = function(post(event("direct")), **broken)

    assert status_of(result.answer) == 500
    assert set(result.report) == {"error"}
    assert not re.search(r"BUCKETS|TENCENTCLOUD", json.dumps(result.answer))


def test_credentials_are_read_at_every_invocation(cloud: Cloud, function: Function) -> None:
    function(timer())
    renewed = cloud.add_credentials(token="a-token-that-was-renewed-meanwhile", expires_in_seconds=3600)
    before = cloud.mark()

    function(timer())
    function(timer(), role=renewed)

    used = [request.secret_id for request in cloud.requests(before)]
    assert used == [cloud.role.secret_id] * 2 + [renewed.secret_id] * 2


def test_expired_credentials_fail_for_now_because_the_platform_renews_them(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)
    expired = cloud.add_credentials(token="a-token-that-has-expired", expires_in_seconds=-1)

    result = function(post(*uploads), role=expired)

    assert status_of(result.answer) == 503
    assert result.report["failures_by_code"] == {"ExpiredToken": 1}


def test_defect_raises_an_internal_error_that_names_what_to_report(
    cloud: Cloud, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError(f"while holding {cloud.role.secret_key}")

    monkeypatch.setattr(plan, "build_plan", defect)

    result = function(timer())

    assert isinstance(result.error, InternalError)
    assert "ZeroDivisionError at test_invocation.py" in str(result.error)
    assert "report" in str(result.error)
    assert result.error.__suppress_context__
    assert "ZeroDivisionError" in result.lines("run.crashed")[0]["trace"]
    assert cloud.role.secret_key not in result.output


@pytest.mark.parametrize("context", [None, {}, {"time_limit_in_ms": "3000"}, []], ids=repr)
def test_context_of_any_shape_does_not_fail_the_run(context: object, cloud: Cloud, function: Function) -> None:
    first: Seeded = cloud.seed(BUCKET)[0]

    result = function(named(BUCKET, first.key, first.upload_id), context=context)

    assert result.report["aborted"] == 1
