"""
Which operation a request is, on which bucket and key. Nothing is looked up here.

What COS does is followed to the letter where it is dangerous: a DELETE of a key whose upload id is empty or missing is
Delete Object, and a DELETE of the root is Delete Bucket whatever upload id it names.
"""

from dataclasses import dataclass

from tests.emulator.account import BUCKET_NAME
from tests.emulator.errors import CosError, not_implemented
from tests.emulator.wire import Call, decode

BUCKET_OPERATIONS = {
    ("GET", ""): "GetBucket",
    ("HEAD", ""): "HeadBucket",
    ("PUT", ""): "PutBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "lifecycle"): "GetBucketLifecycle",
    ("PUT", "lifecycle"): "PutBucketLifecycle",
    ("DELETE", "lifecycle"): "DeleteBucketLifecycle",
    ("GET", "object-lock"): "GetBucketObjectLockConfiguration",
    ("PUT", "object-lock"): "PutBucketObjectLockConfiguration",
}
OBJECT_OPERATIONS = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "HeadObject",
    ("PUT", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("POST", "uploads"): "InitiateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
OPERATIONS = frozenset({"GetService", *BUCKET_OPERATIONS.values(), *OBJECT_OPERATIONS.values()})

MISSING_SUBRESOURCES = frozenset(
    {
        "accelerate",
        "acl",
        "append",
        "cors",
        "delete",
        "domain",
        "encryption",
        "intelligenttiering",
        "inventory",
        "location",
        "logging",
        "metadata",
        "notification",
        "object-lock",
        "origin",
        "policy",
        "policyStatus",
        "referer",
        "rename",
        "replication",
        "restore",
        "retention",
        "select",
        "symlink",
        "tagging",
        "torrent",
        "versionId",
        "versioning",
        "versions",
        "website",
    }
)
"""What the real COS serves under these names, or S3 does, is not here. Silence would look like another operation."""

MISSING_HEADERS = ("x-cos-copy-source", "x-amz-copy-source")


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


def route(call: Call) -> Target:
    """Name the operation, or reject with 405 or 501."""
    labels = call.header("host").rpartition("@")[2].lower().partition(":")[0].split(".")
    if BUCKET_NAME.fullmatch(labels[0]):
        return _within(call, labels[0], call.raw_path[1:], _region(labels[1:]))
    bucket, _, raw_key = call.raw_path[1:].partition("/")
    if bucket:
        return _within(call, decode(bucket), raw_key, _region(labels))
    return _chosen(call, {("GET", ""): "GetService"}, "", Target(region=_region(labels)))


def _within(call: Call, bucket: str, raw_key: str, region: str) -> Target:
    if not raw_key:
        subresource = next((name for name in ("uploads", "lifecycle", "object-lock") if call.has_param(name)), "")
        return _chosen(call, BUCKET_OPERATIONS, subresource, Target(bucket=bucket, region=region))
    upload_id = call.param("uploadId")
    subresource = "uploadId" if upload_id else "uploads" if call.has_param("uploads") else ""
    target = Target(bucket=bucket, key=decode(raw_key), upload_id=upload_id, region=region)
    return _chosen(call, OBJECT_OPERATIONS, subresource, target)


def _chosen(call: Call, operations: dict[tuple[str, str], str], subresource: str, target: Target) -> Target:
    """The target with its operation, or with the reason why it has none."""
    named = (name for name, _ in call.query if name != subresource)
    missing = next((name for name in named if name in MISSING_SUBRESOURCES), None) or next(
        (name for name, _ in call.headers if name in MISSING_HEADERS), None
    )
    operation, rejection = operations.get((call.method, subresource), ""), None
    if missing:
        operation, rejection = "", not_implemented(f"The emulator's COS does not implement {missing}.")
    elif not operation:
        rejection = CosError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    return Target(operation, target.bucket, target.key, target.upload_id, target.region, rejection)


def _region(labels: list[str]) -> str:
    """The region in `cos.<region>.myqcloud.com` and its like; empty where the host names none."""
    if len(labels) >= 4 and labels[0] in ("cos", "cos-internal") and labels[1] != "accelerate":
        return labels[1]
    return ""
