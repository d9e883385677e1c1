"""
SCF's context: what it has of the invocation, and which values count as missing.
"""

from typing import Any

import pytest

from cos_sweeper.scf.context import Context, FunctionName

GIVEN = {
    "request_id": "r",
    "time_limit_in_ms": 60_000,
    "memory_limit_in_mb": 256,
    "function_name": "cos-sweeper",
    "namespace": "production",
    "function_version": "3",
    "tencentcloud_region": "ap-guangzhou",
}


def test_context_is_read_as_scf_passes_it() -> None:
    function = FunctionName("cos-sweeper", "production", "3", "ap-guangzhou")

    assert Context.read(GIVEN, {}) == Context("r", 60.0, 256, function)


@pytest.mark.parametrize("raw", [None, {}, [], "text", 5], ids=repr)
def test_context_of_another_shape_says_nothing(raw: object) -> None:
    assert Context.read(raw, {}) == Context("", 3.0, None, None)


@pytest.mark.parametrize("value", [0, -1, "60000", 1.5, True, None], ids=repr)
def test_limit_that_is_no_positive_whole_number_is_the_default(value: Any) -> None:
    context = Context.read({**GIVEN, "time_limit_in_ms": value, "memory_limit_in_mb": value}, {})

    assert (context.limit_seconds, context.memory_mb) == (3.0, None)


def test_limit_of_one_millisecond_is_read() -> None:
    assert Context.read({"time_limit_in_ms": 1}, {}).limit_seconds == 0.001


def test_function_name_is_completed_by_the_environment_and_by_scfs_defaults() -> None:
    context = Context.read({"function_name": "f"}, {"TENCENTCLOUD_REGION": "ap-beijing"})

    assert context.function == FunctionName("f", "default", "$LATEST", "ap-beijing")


@pytest.mark.parametrize("name", [None, "", 5], ids=repr)
def test_function_name_that_is_missing_means_outside_of_scf(name: object) -> None:
    assert Context.read({**GIVEN, "function_name": name}, {}).function is None
