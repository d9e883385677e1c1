"""
What can go wrong, told apart by what its catcher does next.

Facts travel as attributes, so nobody parses a message. No message carries a credential.
"""


class SweeperError(Exception):
    """Base of every error that leaves this package."""


class BadSettings(SweeperError):
    """The environment is wrong. Carries every problem, not the first one met."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class MissingCredentials(SweeperError):
    """The function has no role credentials. Carries the names of the variables that are empty."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(
            f"no role credentials: {', '.join(missing)} not set. SCF sets TENCENTCLOUD_SECRETID, "
            "TENCENTCLOUD_SECRETKEY and TENCENTCLOUD_SESSIONTOKEN when the function has an execution role: "
            "attach one (README, Permissions)"
        )
        self.missing = missing


class RequestRejected(SweeperError):
    """What was asked cannot be done as asked, and asking again will not help. The message is the reason."""


class StoreError(SweeperError):
    """
    COS did not do what was asked.

    code: COS's error code, or one of ours where COS gave none (`Timeout`, `ConnectionFailed`, `Unreadable`, …).
    status: the HTTP status, None where no answer came. request_id: COS's, '' where none came.
    """

    def __init__(self, code: str, status: int | None = None, request_id: str = "", detail: str = "") -> None:
        super().__init__(": ".join(part for part in (code, detail) if part))
        self.code = code
        self.status = status
        self.request_id = request_id
        self.detail = detail


class NoSuchUpload(StoreError):
    """404 NoSuchUpload: somebody completed or aborted it first."""


class Unavailable(StoreError):
    """COS failed for now: a later run may succeed. `again` tells whether this run should try once more itself."""

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
    """COS accepts neither these credentials nor this clock any more: no further request leaves in this run."""


class CosRejected(StoreError):
    """COS refused for good: only somebody who changes a permission, a setting or the bucket can mend it."""


class RunFailed(SweeperError):
    """A run in which something failed, raised after everything else was done, so that SCF retries and dead-letters."""


class InternalError(SweeperError):
    """A defect of this program. The message says what to report; the cause is left out, it could carry a secret."""
