"""
COS's errors: a status, a code and a message.

The rejections that several rules share are named here; one that a single rule knows stands beside that rule.
"""


class CosError(Exception):
    """A request that COS rejects. Carries what its error document says."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def access_denied(message: str = "Access Denied.") -> CosError:
    """No permission, or no signature, or one whose time has passed."""
    return CosError(403, "AccessDenied", message)


def invalid_argument(message: str) -> CosError:
    """A parameter has a value that COS does not take."""
    return CosError(400, "InvalidArgument", message)


def malformed_xml() -> CosError:
    """A body is not the XML document that the operation asks for."""
    return CosError(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")


def no_such_bucket() -> CosError:
    """The account has no such bucket, or has it in another region."""
    return CosError(404, "NoSuchBucket", "The specified bucket does not exist.")


def no_such_key() -> CosError:
    """The bucket has no such object."""
    return CosError(404, "NoSuchKey", "The specified key does not exist.")


def no_such_upload() -> CosError:
    """The upload never was, or was completed or aborted."""
    return CosError(404, "NoSuchUpload", "The specified multipart upload does not exist.")


def upload_conflict(message: str) -> CosError:
    """What is asked of an upload does not go together with something else that is done to it."""
    return CosError(409, "UploadConflict", message)


def slow_down() -> CosError:
    """More requests than the bucket takes."""
    return CosError(503, "SlowDown", "Please reduce your request rate.")


def not_implemented(message: str) -> CosError:
    """Something that the real COS has and this one has not."""
    return CosError(501, "NotImplemented", message)
