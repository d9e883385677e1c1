"""
The function invoking itself, through the official SDK, against an SCF over HTTP.
"""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cos_sweeper.core.retry import ATTEMPTS
from cos_sweeper.core.settings import Credentials
from cos_sweeper.scf.context import FunctionName
from cos_sweeper.scf.invoker import REQUEST_SECONDS, SECONDS_BETWEEN, FunctionInvoker, is_permanent
from tests.emulator.public import Cloud
from tests.fixtures import FakeClock
from tests.function import PHOTOS

# The SDK's own, on Python 3.12 and later.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

ECHO = "def main_handler(event, context):\n    return {'event': event, 'name': context['function_name']}\n"
ME = FunctionName("cos-sweeper", "default", "$LATEST", "ap-guangzhou")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    directory = tmp_path_factory.mktemp("echo")
    (directory / "index.py").write_text(ECHO, "utf-8")
    with Cloud.start(PHOTOS, function=Path(directory)) as cloud:
        yield cloud


@pytest.fixture
def scf(running: Cloud) -> Cloud:
    running.reset()
    return running


def invoke(
    scf: Cloud,
    clock: FakeClock,
    payloads: Sequence[str],
    me: FunctionName = ME,
    secret_key: str | None = None,
    left: float = 60.0,
) -> list[str]:
    role = Credentials(scf.role.secret_id, secret_key or scf.role.secret_key, scf.role.token or "")
    port = int(scf.invoke_endpoint.rpartition(":")[2])
    invoker = FunctionInvoker(role, me, lambda: left, port=port, sleep=clock.sleep)
    return asyncio.run(invoker.invoke(payloads))


def events(scf: Cloud) -> list[object]:
    assert scf.wait_idle()
    return [record.event for record in scf.invocations()]


def test_payload_is_an_asynchronous_invocation_of_its_own(scf: Cloud) -> None:
    clock = FakeClock()

    invoke(scf, clock, [json.dumps({"n": n}) for n in range(3)])

    assert sorted(str(event) for event in events(scf)) == ["{'n': 0}", "{'n': 1}", "{'n': 2}"]
    assert {record.kind for record in scf.invocations()} == {"async"}
    assert clock.waits == [SECONDS_BETWEEN] * 2
    assert SECONDS_BETWEEN >= 1 / 100


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "code": "InternalError"},
        {"status": 200, "code": "RequestLimitExceeded"},
        {"reset": "before"},
        {"raw": '{"Response": {', "status": 200},
        {"raw": "busy", "status": 502},
    ],
    ids=["internal_error", "too_many", "reset", "cut_off", "bad_gateway"],
)
def test_transient_error_is_retried(fault: dict[str, object], scf: Cloud) -> None:
    scf.invoke_fault(count=ATTEMPTS - 1, **fault)

    invoke(scf, FakeClock(), ['{"n": 1}'])

    assert events(scf) == [{"n": 1}]


def test_lost_response_may_make_two_invocations_of_one(scf: Cloud) -> None:
    scf.invoke_fault(count=1, reset="after")

    invoke(scf, FakeClock(), ['{"n": 1}'])

    assert events(scf) == [{"n": 1}, {"n": 1}]


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "ResourceNotFound.FunctionName", "InvalidParameterValue"])
def test_permanent_error_is_not_retried_and_does_not_stop_the_others(code: str, scf: Cloud) -> None:
    clock = FakeClock()
    scf.invoke_fault(skip=2, status=200, code=code)

    codes = invoke(scf, clock, ['{"n": 1}', '{"n": 2}', '{"n": 3}', '{"n": 4}'])

    assert codes == ["", "", code, code]
    assert is_permanent(code)
    assert len(events(scf)) == 2
    assert clock.waits == [SECONDS_BETWEEN] * 3


def test_attempts_are_bounded_and_fit_into_the_time_left(scf: Cloud) -> None:
    scf.invoke_fault(status=200, code="InternalError")
    patient, hurried = FakeClock(), FakeClock()

    codes = invoke(scf, patient, ["{}"]) + invoke(scf, hurried, ["{}"], left=REQUEST_SECONDS)

    assert codes == ["InternalError", "InternalError"]
    assert (len(patient.waits), len(hurried.waits)) == (ATTEMPTS - 1, 0)


@pytest.mark.parametrize(
    ("me", "key", "code"),
    [
        (FunctionName("another", "default", "$LATEST", "ap-guangzhou"), None, "UnauthorizedOperation"),
        (FunctionName("cos-sweeper", "elsewhere", "$LATEST", "ap-guangzhou"), None, "UnauthorizedOperation"),
        (ME, "not-the-key", "AuthFailure.SignatureFailure"),
    ],
    ids=["another_function", "another_namespace", "another_key"],
)
def test_role_can_invoke_its_own_function_and_no_other(
    me: FunctionName, key: str | None, code: str, scf: Cloud
) -> None:
    (rejection,) = invoke(scf, FakeClock(), ["{}"], me, key)

    assert rejection.startswith(code)
    assert events(scf) == []


def test_sdk_logs_nothing_at_any_level(scf: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tencentcloud_sdk_common").setLevel(logging.DEBUG)
        invoke(scf, FakeClock(), ["{}"])

    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "tencentcloud_sdk_common" not in {record.name for record in caplog.records}
    assert (scf.role.token or "") not in logged
