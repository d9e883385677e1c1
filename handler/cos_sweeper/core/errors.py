"""
The errors of this package. Each class stands for one reaction of the code that catches it.

An error carries its fields as attributes, so that no code parses a message. No message carries a credential.
"""


class SweeperError(Exception):
    """Base of every error that leaves this package."""


class BadSettings(SweeperError):
    """One or more settings are wrong. problems: all of them, not only the first."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class MissingCredentials(SweeperError):
    """The function has no role credentials. missing: the names of the empty environment variables."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(
            f"no role credentials: {', '.join(missing)} not set. SCF sets TENCENTCLOUD_SECRETID, "
            "TENCENTCLOUD_SECRETKEY and TENCENTCLOUD_SESSIONTOKEN when the function has an execution role: "
            "attach one (docs/security.md)"
        )
        self.missing = missing


class RequestRejected(SweeperError):
    """A request cannot be carried out, and sending it again will not help. The message is the reason."""


class StoreError(SweeperError):
    """
    COS did not carry out a request.

    code: COS's error code, or one of ours if COS sent none (`ReadTimeout`, `ConnectionFailed`, `Unreadable`, …).
    status: the HTTP status, None without a response. request_id: COS's, '' without one. action: the CAM action that the
    request needs, '' where it is not known.
    """

    def __init__(self, code: str, status: int | None = None, request_id: str = "", detail: str = "") -> None:
        super().__init__(": ".join(part for part in (code, detail) if part))
        self.action = ""
        self.code = code
        self.status = status
        self.request_id = request_id
        self.detail = detail


class NoSuchUpload(StoreError):
    """404 NoSuchUpload: the upload was completed or aborted before our request."""


class Unavailable(StoreError):
    """COS failed temporarily: a later run may succeed. is_retryable: whether this run should retry as well."""

    def __init__(
        self,
        code: str,
        status: int | None = None,
        request_id: str = "",
        detail: str = "",
        *,
        is_retryable: bool = False,
    ) -> None:
        super().__init__(code, status, request_id, detail)
        self.is_retryable = is_retryable


class Stopped(Unavailable):
    """COS no longer accepts this run's credentials or clock: this run sends no further request."""


class CosRejected(StoreError):
    """COS rejected the request: it fails until an operator changes a permission, a setting or the bucket."""


class AccountUnreadable(SweeperError):
    """A stored account cannot be read: it is damaged, cut off, or of another version."""


class RunFailed(SweeperError):
    """Something failed in a run. Raised after all other work is done, so that SCF retries or sends a dead letter."""


class InternalError(SweeperError):
    """A defect of this program. The message says what to report. It omits the cause, which could carry a secret."""
