"""
SCF's context object: the time limit, the memory, and the function's own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# SCF's own default, used if the context has no time limit.
DEFAULT_LIMIT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class FunctionName:
    """The name under which this function can be invoked. qualifier: its version or alias."""

    name: str
    namespace: str
    qualifier: str
    region: str


@dataclass(frozen=True, slots=True)
class Context:
    """
    The fields of an invocation that this function uses.

    limit_seconds: how long after its start SCF kills the function. memory_mb: None where SCF does not say. function:
    None outside SCF.
    """

    request_id: str
    limit_seconds: float
    memory_mb: int | None
    function: FunctionName | None

    @classmethod
    def read(cls, raw: object, environ: Mapping[str, str]) -> "Context":
        """Read the context object that SCF passes. A malformed field counts as missing."""
        given: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        milliseconds, name = _whole(given.get("time_limit_in_ms")), given.get("function_name")
        function = None
        if isinstance(name, str) and name:
            function = FunctionName(
                name,
                str(given.get("namespace") or "default"),
                str(given.get("function_version") or "$LATEST"),
                str(given.get("tencentcloud_region") or environ.get("TENCENTCLOUD_REGION", "")),
            )
        return cls(
            request_id=str(given.get("request_id", "")),
            limit_seconds=milliseconds / 1000 if milliseconds else DEFAULT_LIMIT_SECONDS,
            memory_mb=_whole(given.get("memory_limit_in_mb")),
            function=function,
        )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
