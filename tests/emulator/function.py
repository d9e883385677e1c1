"""
What is deployed in SCF and how it is set up, and the environment and context that SCF gives it.

Values only: no process, no clock.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.emulator.cam import Credentials
from tests.emulator.fields import BadInput

UIN = "100000000001"
VERSION = "$LATEST"
VARIABLE_NAME = re.compile(r"(?!SCF_|QCLOUD_|TENCENTCLOUD_)[a-zA-Z]\w*", re.ASCII)
VARIABLES_BYTES = 4 << 10


@dataclass(frozen=True, slots=True)
class Function:
    """
    A function: its code's directory, with index.py in it, and what it is known by.

    python: the command that starts Python in an instance, which then has no libraries but those beside the code. Empty:
    this Python, with its own.
    """

    directory: Path
    name: str = "cos-sweeper"
    namespace: str = "default"
    region: str = "ap-guangzhou"
    memory_mb: int = 128
    python: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.directory / "index.py").is_file():
            raise BadInput(f"a function's directory has an index.py in it; {self.directory} has none")

    @property
    def resource(self) -> str:
        """How policies call it."""
        return resource_name(self.region, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Setup:
    """How it is run; all of this can be changed while it is."""

    time_limit_ms: int = 60_000
    concurrency: int = 10
    """Instances at a time."""
    retries: int = 2
    retry_wait_ms: int = 200
    invoke_rate: int = 100
    """Invocations a second that the API takes."""
    credentials_seconds: float = 6 * 3600
    """How long the role's credentials hold."""
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_variables(self.variables)


def resource_name(region: str, namespace: str, name: str) -> str:
    """How policies call a function."""
    return f"qcs::scf:{region}:uin/{UIN}:namespace/{namespace}/function/{name}"


def check_variables(variables: Mapping[str, str]) -> None:
    """Reject what SCF rejects of a function's variables."""
    for name in variables:
        if not VARIABLE_NAME.fullmatch(name):
            raise BadInput(
                f"variable {name!r}: a name begins with a letter, goes on with letters, digits and _, and does not"
                " begin with SCF_, QCLOUD_ or TENCENTCLOUD_"
            )
    if sum(len(f"{name}={value}".encode()) for name, value in variables.items()) > VARIABLES_BYTES:
        raise BadInput(f"a function's variables take {VARIABLES_BYTES} bytes at the most, all of them together")


def environment(function: Function, variables: Mapping[str, str], appid: str) -> dict[str, str]:
    """All variables of an instance but the credentials, which come with each event."""
    # Where the code comes without its dependencies, those of this Python are behind it.
    here = [] if function.python else sys.path
    libraries = [path for path in here if Path(path).name in ("site-packages", "dist-packages")]
    return {
        **variables,
        "TENCENTCLOUD_RUNENV": "SCF",
        "TENCENTCLOUD_REGION": function.region,
        "TENCENTCLOUD_APPID": appid,
        "TENCENTCLOUD_UIN": UIN,
        "SCF_FUNCTIONNAME": function.name,
        "SCF_FUNCTIONVERSION": VERSION,
        "TZ": "UTC",
        "PYTHONPATH": os.pathsep.join([str(function.directory), *libraries]),
    }


def credential_variables(credentials: Credentials) -> dict[str, str]:
    """The role's credentials as an instance finds them."""
    return {
        "TENCENTCLOUD_SECRETID": credentials.secret_id,
        "TENCENTCLOUD_SECRETKEY": credentials.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": credentials.token or "",
    }


def context(
    function: Function, setup: Setup, request_id: str, credentials: Mapping[str, str], appid: str
) -> dict[str, Any]:
    """The handler's second argument. As in SCF, `environ` quotes the credentials: never to be logged."""
    shown = {"SCF_NAMESPACE": function.namespace, **setup.variables}
    return {
        "memory_limit_in_mb": function.memory_mb,
        "time_limit_in_ms": setup.time_limit_ms,
        "request_id": request_id,
        "environment": json.dumps(shown),
        "environ": ";".join(f"{name}={value}" for name, value in {**shown, **credentials}.items()),
        "function_version": VERSION,
        "function_name": function.name,
        "namespace": function.namespace,
        "tencentcloud_region": function.region,
        "tencentcloud_appid": appid,
        "tencentcloud_uin": UIN,
    }
