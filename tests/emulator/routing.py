"""
Which operation a request is, on which bucket and key. Nothing is looked up here but the table of operations.

What COS does is followed to the letter where it is dangerous: a DELETE of a key whose upload id is empty or missing is
Delete Object, and a DELETE of the root is Delete Bucket whatever upload id it names. What the table does not name is
rejected: silence would look like another operation.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.emulator.account import BUCKET_NAME
from tests.emulator.aws import is_aws_signed
from tests.emulator.checksums import AWS_CHECKSUMS
from tests.emulator.errors import CosError, invalid_argument, not_implemented
from tests.emulator.table import (
    ACL,
    ALWAYS_TAKEN,
    AWS_QUERY,
    CONDITIONS,
    ONLY_AWS,
    SIGNATURE_QUERY,
    TABLE,
    Operation,
    Path,
)
from tests.emulator.wire import Call, decode

ACLS_AS_THEY_ARE = ("", "private", "default")
EMPTY_IS_NOTHING = ("versionId",)
"""Query names that say nothing as long as they have no value, at an object."""
ROWS: dict[str, tuple[Operation, ...]] = {
    path: tuple(row for row in TABLE if row.path == path) for path in ("service", "bucket", "object")
}
REFUSED_HEADERS = ("pic-operations", "if-range", "content-range")
LOCAL = re.compile(r"localhost|127\.0\.0\.1")
CLOUD_DOMAINS = (".myqcloud.com", ".tencentcos.cn", ".myqcloud.com.", ".tencentcos.cn.")


@dataclass(frozen=True, slots=True)
class Target:
    """
    What a request is about; a field is empty where it says nothing of it.

    `region` is the one that the host names. Without an operation, `rejection` says why.
    """

    operation: str = ""
    bucket: str = ""
    key: str = ""
    upload_id: str = ""
    region: str = ""
    rejection: CosError | None = None
    row: Operation | None = None


def route(call: Call) -> Target:
    """Name the operation, or reject with 400, 405 or 501."""
    host = call.header("host").rpartition("@")[2].partition(":")[0]
    name, _, place = host.lower().partition(".")
    has_bucket = BUCKET_NAME.fullmatch(name) is not None
    region = region_of(place if has_bucket else host)
    if region is None or (has_bucket and place and not (LOCAL.fullmatch(place) or _labels_of_cos(place))):
        return Target(rejection=not_implemented(f"The emulator's COS does not answer as {host}."))
    if has_bucket:
        return _within(call, name, call.raw_path[1:], region)
    bucket, _, raw_key = call.raw_path[1:].partition("/")
    if bucket:
        return _within(call, decode(bucket), raw_key, region)
    return _at(call, "service", Target(region=region))


def _within(call: Call, bucket: str, raw_key: str, region: str) -> Target:
    if not raw_key:
        return _at(call, "bucket", Target(bucket=bucket, region=region))
    upload_id = call.param("uploadId")
    return _at(call, "object", Target(bucket=bucket, key=decode(raw_key), upload_id=upload_id, region=region))


def _at(call: Call, path: Path, target: Target) -> Target:
    """The target with its operation, or with the reason why it has none."""
    rows = ROWS[path]
    row = _chosen(call, rows)
    rejection = _rejection(call, rows, row)
    operation = "" if rejection or row is None else row.name
    return replace(target, operation=operation, rejection=rejection, row=row)


def _chosen(call: Call, rows: Iterable[Operation]) -> Operation | None:
    """The row that fits a request; of several the one that more of it speaks for."""
    fitting = [row for row in rows if row.method == call.method and _selects(row, call)]
    return max(fitting, key=lambda row: (len(row.selected_by), bool(row.selecting_header)), default=None)


def _selects(row: Operation, call: Call) -> bool:
    named = all(call.param(name) if name == "uploadId" else call.has_param(name) for name in row.selected_by)
    return bool(named) and (not row.selecting_header or bool(call.cos_header(row.selecting_header)))


def _rejection(call: Call, rows: Iterable[Operation], row: Operation | None) -> CosError | None:
    """Why a request is not carried out, whoever sends it."""
    names = _asked(call)
    if row is not None:
        taken = row.query
        names = [name for name in names if name not in taken]
    for name in names:
        return _unknown_name(name, call.method, rows)
    if row is None:
        return _not_allowed()
    if row.missing:
        return not_implemented(f"The emulator's COS does not implement {row.name}: {row.missing}.")
    for name in row.required:
        if not call.param(name):
            return invalid_argument(f"The request lacks the parameter {name}.")
    return _unknown_header(call, row)


def _asked(call: Call) -> list[str]:
    """The query names that say what is asked for, not by whom."""
    signing = (*SIGNATURE_QUERY, *AWS_QUERY) if is_aws_signed(call) else SIGNATURE_QUERY
    return [
        name for name, value in call.query if not matches(name, signing) and (value or name not in EMPTY_IS_NOTHING)
    ]


def _unknown_name(name: str, method: str, rows: Iterable[Operation]) -> CosError:
    """405 for what COS has under other methods only, 501 for everything else."""
    methods = {row.method for row in rows if name in row.selected_by}
    if methods and method not in methods:
        return _not_allowed()
    return not_implemented(f"The emulator's COS does not implement {name}.")


def _unknown_header(call: Call, row: Operation) -> CosError | None:
    """501 for the first header that asks for something which the operation would leave out."""
    for name, value in call.headers:
        if name in AWS_CHECKSUMS and not row.has_checked_body:
            return not_implemented(f"The emulator's COS does not check {name} at {row.name}.")
        if not _asks_for_something(name) or name in ALWAYS_TAKEN or matches(name, ONLY_AWS):
            continue
        cos_name = name.replace("x-amz-", "x-cos-", 1)
        if not matches(cos_name, (*row.stores, *row.reads)) or (cos_name == ACL and value not in ACLS_AS_THEY_ARE):
            return not_implemented(f"The emulator's COS does not implement {name} at {row.name}.")
    return None


def _asks_for_something(name: str) -> bool:
    return name.startswith(("x-cos-", "x-amz-")) or name in CONDITIONS or name in REFUSED_HEADERS


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these; an asterisk at the end stands for any ending."""
    return any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in patterns)


def _not_allowed() -> CosError:
    return CosError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def region_of(host: str) -> str | None:
    """
    The region in `cos.<region>.myqcloud.com` and its like, without a bucket; empty where the host names none.

    `None` where it is another service's, such as `ci.<region>.myqcloud.com`.
    """
    host = host.lower()
    if labels := _labels_of_cos(host):
        return "" if labels[1] == "accelerate" else labels[1]
    return None if host.endswith(CLOUD_DOMAINS) and not host.startswith("service.cos.") else ""


def _labels_of_cos(host: str) -> list[str]:
    labels = host.rstrip(".").split(".")
    return labels if len(labels) >= 4 and labels[0] in ("cos", "cos-internal") else []
