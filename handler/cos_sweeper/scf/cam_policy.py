"""
What the function's role must be allowed, and nothing beyond: a CAM policy made from the settings.

A request that is not in here is not made: the tests run against a COS that enforces exactly this.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Settings

Statement = dict[str, Any]


def policy(settings: Settings, function: str, appid: str = "*") -> dict[str, Any]:
    """
    The policy of the role, as JSON goes.

    function: the resource of this function, see `function_resource`; a run hands on to it. appid: whose buckets, where
    BUCKETS is `*`; bucket names carry it otherwise. EXCLUDE_BUCKETS narrows a list of buckets and leaves `*` as it is:
    the function itself keeps to it.
    """
    return {"version": "2.0", "statement": list(_statements(settings, function, appid))}


def function_resource(region: str, uin: str, namespace: str, name: str) -> str:
    """How policies call a function. uin: the account's id, which is not its appid."""
    return f"qcs::scf:{region}:uin/{uin}:namespace/{namespace}/function/{name}"


def _statements(settings: Settings, function: str, appid: str) -> Iterator[Statement]:
    if settings.buckets is None:
        places = [f"qcs::cos:*:uid/{appid}:*/"]
        yield _allow(["name/cos:GetService"], ["*"])
    else:
        places = [_place(bucket) for bucket in settings.buckets if bucket.name not in settings.exclude_buckets]
    if places:
        yield from _on_buckets(settings, places)
    if settings.report is not None:
        yield _allow(["name/cos:PutObject"], [f"{_place(settings.report.bucket)}{settings.report.prefix}*"])
    yield _allow(["scf:InvokeFunction"], [function])


def _on_buckets(settings: Settings, places: Sequence[str]) -> Iterator[Statement]:
    yield _allow(["name/cos:ListMultipartUploads"], places)
    on_uploads = ["name/cos:ListParts"] + ([] if settings.dry_run else ["name/cos:AbortMultipartUpload"])
    yield _allow(on_uploads, [f"{place}{prefix}*" for place in places for prefix in settings.prefixes or ("",)])


def _allow(actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"effect": "allow", "action": list(actions), "resource": list(resources)}


def _place(bucket: Bucket) -> str:
    """A bucket's resource; what is appended to it is a key."""
    return f"qcs::cos:{bucket.region}:uid/{bucket.name.rpartition('-')[2]}:{bucket.name}/"
