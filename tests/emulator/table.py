"""
The operations of COS that the emulator has, as one table: what makes a request which operation, and what it may carry.

`routing` finds a request's row, `cos` lets nothing through that the row does not name, and the documentation is made of
it. What is not in here is answered 501.
"""

from dataclasses import dataclass
from typing import Literal

Path = Literal["service", "bucket", "object"]
Takes = Literal["nothing", "a document", "content"]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One row. Names of headers are COS's and in lower case; S3's form, `x-amz-…`, is taken as well. A `*` at the end of a
    name stands for any ending.

    selected_by: the query names (`uploadId` with a value) that make a request this operation, and in `selecting_header`
    the header. Where several rows fit, the one with the most of them is meant.
    required, optional: the query names that a request must and may carry besides those.
    stores: headers that are kept and returned with the object. reads: headers that change what happens.
    actions: how policies call it, where that is not its name.
    missing: why the emulator answers 501, for what the real COS has.
    """

    name: str
    method: str
    path: Path
    selected_by: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    selecting_header: str = ""
    stores: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    takes: Takes = "nothing"
    action: str = ""
    is_signed: bool = True
    missing: str = ""

    @property
    def policy_action(self) -> str:
        """How policies call it."""
        return f"name/cos:{self.action or self.name}"

    @property
    def has_checked_body(self) -> bool:
        """Whether a checksum of AWS's is that of the body; at a Complete it is that of the object."""
        return self.takes != "nothing" and self.name != "CompleteMultipartUpload"

    @property
    def query(self) -> frozenset[str]:
        """All query names that it takes."""
        return frozenset((*self.selected_by, *self.required, *self.optional))


PAGING = ("prefix", "delimiter", "encoding-type")
OVERRIDES = tuple(
    f"response-{name}"
    for name in (
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    )
)
STORED = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-cos-meta-*",
    "x-cos-storage-class",
)
CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
RANGE = ("range", "if-range")
COPY_SOURCE = ("x-cos-copy-source", *(f"x-cos-copy-source-{name}" for name in CONDITIONS))
CONTENT_MD5 = "content-md5"
FORBID_OVERWRITE = "x-cos-forbid-overwrite"
ACL = "x-cos-acl"
"""Read only as far as it says what holds anyway: `private` or `default`."""

TABLE = (
    Operation(
        "GetService",
        "GET",
        "service",
        optional=("region", "marker", "max-keys", "tagkey", "tagvalue", "create-time", "range"),
    ),
    Operation("GetBucket", "GET", "bucket", optional=(*PAGING, "marker", "max-keys")),
    Operation(
        "ListObjectsV2",
        "GET",
        "bucket",
        ("list-type",),
        optional=(*PAGING, "continuation-token", "start-after", "max-keys", "fetch-owner"),
        action="GetBucket",
    ),
    Operation("HeadBucket", "HEAD", "bucket"),
    Operation("PutBucket", "PUT", "bucket", reads=(ACL,), takes="a document"),
    # An upload id at the root is no reason to keep the bucket: that is how COS reads a DELETE whose key was lost.
    Operation("DeleteBucket", "DELETE", "bucket", optional=("uploadId",)),
    Operation(
        "ListMultipartUploads",
        "GET",
        "bucket",
        ("uploads",),
        optional=(*PAGING, "key-marker", "upload-id-marker", "max-uploads"),
    ),
    Operation("DeleteMultipleObjects", "POST", "bucket", ("delete",), reads=(CONTENT_MD5,), takes="a document"),
    Operation("GetBucketLifecycle", "GET", "bucket", ("lifecycle",)),
    Operation("PutBucketLifecycle", "PUT", "bucket", ("lifecycle",), reads=(CONTENT_MD5,), takes="a document"),
    Operation("DeleteBucketLifecycle", "DELETE", "bucket", ("lifecycle",)),
    Operation("GetBucketObjectLockConfiguration", "GET", "bucket", ("object-lock",), action="GetBucketObjectLock"),
    Operation(
        "PutBucketObjectLockConfiguration",
        "PUT",
        "bucket",
        ("object-lock",),
        reads=(CONTENT_MD5,),
        takes="a document",
        action="PutBucketObjectLock",
    ),
    Operation("GetBucketACL", "GET", "bucket", ("acl",)),
    Operation("GetBucketLocation", "GET", "bucket", ("location",)),
    Operation("GetBucketVersioning", "GET", "bucket", ("versioning",)),
    Operation("GetObject", "GET", "object", optional=OVERRIDES, reads=(*CONDITIONS, *RANGE)),
    Operation("HeadObject", "HEAD", "object", reads=(*CONDITIONS, *RANGE)),
    Operation("PutObject", "PUT", "object", stores=STORED, reads=(CONTENT_MD5, FORBID_OVERWRITE, ACL), takes="content"),
    Operation(
        "PutObjectCopy",
        "PUT",
        "object",
        selecting_header="x-cos-copy-source",
        stores=STORED,
        reads=(*COPY_SOURCE, "x-cos-metadata-directive", FORBID_OVERWRITE, ACL),
        action="PutObject",
    ),
    # An upload id without a value names no upload: that is how COS reads an abort whose id was lost.
    Operation("DeleteObject", "DELETE", "object", optional=("uploadId",)),
    Operation("GetObjectACL", "GET", "object", ("acl",)),
    Operation("InitiateMultipartUpload", "POST", "object", ("uploads",), stores=STORED, reads=(FORBID_OVERWRITE, ACL)),
    Operation("UploadPart", "PUT", "object", ("uploadId",), ("partNumber",), reads=(CONTENT_MD5,), takes="content"),
    Operation(
        "UploadPartCopy",
        "PUT",
        "object",
        ("uploadId",),
        ("partNumber",),
        selecting_header="x-cos-copy-source",
        reads=(*COPY_SOURCE, "x-cos-copy-source-range"),
        action="PutObject",
    ),
    Operation(
        "ListParts", "GET", "object", ("uploadId",), optional=("part-number-marker", "max-parts", "encoding-type")
    ),
    Operation(
        "CompleteMultipartUpload",
        "POST",
        "object",
        ("uploadId",),
        reads=(CONTENT_MD5, FORBID_OVERWRITE),
        takes="a document",
    ),
    Operation("AbortMultipartUpload", "DELETE", "object", ("uploadId",)),
    Operation("PutBucketACL", "PUT", "bucket", ("acl",), missing="every bucket is private"),
    Operation("PutBucketVersioning", "PUT", "bucket", ("versioning",), missing="objects have no versions"),
    Operation("PutObjectACL", "PUT", "object", ("acl",), missing="every object is private"),
    Operation("PostObject", "POST", "bucket", is_signed=False, missing="forms are not read"),
    Operation("OptionsObject", "OPTIONS", "object", is_signed=False, missing="there are no rules for other origins"),
    Operation("OptionsObject", "OPTIONS", "bucket", is_signed=False, missing="there are no rules for other origins"),
)

OPERATIONS = frozenset(row.name for row in TABLE if not row.missing)

ALWAYS_TAKEN = ("x-cos-security-token", "x-cos-hash-crc64ecma", "x-cos-request-id")
"""Headers of COS that any request may carry: the token, and those of a response that s3cmd sends back with a copy."""

ONLY_AWS = (
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-api-version",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-checksum-*",
    "x-amz-sdk-*",
)
"""Headers by which AWS's clients sign and frame; COS does not know them, and minds none."""

SIGNATURE_QUERY = ("q-*", "sign", "x-cos-security-token")
AWS_QUERY = ("X-Amz-*", "x-id", "AWSAccessKeyId", "Signature", "Expires")
"""Query names by which a request is signed, not what it asks for."""
