"""
Settings → the smallest CAM policy that the function's role needs.

The function sends no other request: the tests run against a COS that enforces exactly this policy.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cos_sweeper.core import actions
from cos_sweeper.core.coverage import LIFECYCLE_ACTION, OBJECT_LOCK_ACTION
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Settings

Statement = dict[str, Any]


def policy(settings: Settings, function: str, appid: str = "*") -> dict[str, Any]:
    """
    The policy of the role, as a JSON value.

    function: the resource of this function (see `function_resource`), which a run invokes to continue. appid: of the
    account that owns the buckets if BUCKETS is `*`; otherwise the bucket names contain it. EXCLUDE_BUCKETS narrows a
    list of buckets. It does not narrow `*`: there, only the function itself excludes the buckets.
    """
    return {"version": "2.0", "statement": list(_statements(settings, function, appid))}


def function_resource(region: str, uin: str, namespace: str, name: str) -> str:
    """The resource name of a function in policies. uin: the account's id, which is not its appid."""
    return f"qcs::scf:{region}:uin/{uin}:namespace/{namespace}/function/{name}"


def _statements(settings: Settings, function: str, appid: str) -> Iterator[Statement]:
    if settings.buckets is None:
        buckets = [f"qcs::cos:*:uid/{appid}:*/"]
        yield _allow([actions.LIST_BUCKETS], ["*"])
    else:
        buckets = [_resource(bucket) for bucket in settings.buckets if bucket.name not in settings.exclude_buckets]
    if buckets:
        yield from _on_buckets(settings, buckets)
    if settings.report is not None:
        # COS holds a listing of objects against the prefix that it asks for.
        on_reports = ["name/cos:PutObject", "name/cos:GetObject", "name/cos:GetBucket"]
        yield _allow(on_reports, [f"{_resource(settings.report.bucket)}{settings.report.prefix}*"])
    yield _allow(["scf:InvokeFunction"], [function])


def _on_buckets(settings: Settings, buckets: Sequence[str]) -> Iterator[Statement]:
    yield _allow([actions.LIST_UPLOADS], buckets)
    if settings.reads_coverage:
        yield _allow([LIFECYCLE_ACTION, OBJECT_LOCK_ACTION], buckets)
    on_uploads = [actions.LIST_PARTS] + ([] if settings.dry_run else [actions.ABORT])
    yield _allow(on_uploads, [f"{bucket}{prefix}*" for bucket in buckets for prefix in settings.prefixes or ("",)])


def _allow(names: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"effect": "allow", "action": list(names), "resource": list(resources)}


def _resource(bucket: Bucket) -> str:
    """The resource name of a bucket, to which a key can be appended."""
    return f"qcs::cos:{bucket.region}:uid/{bucket.name.rpartition('-')[2]}:{bucket.name}/"
