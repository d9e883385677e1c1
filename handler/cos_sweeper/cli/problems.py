"""
What stops a command, as one sentence and the next step.

Every error that reaches the terminal becomes a `Problem`, and a defect does, too: nobody sees a traceback.
"""

from cos_sweeper.cli import exits
from cos_sweeper.cli.words import sentence, t
from cos_sweeper.core.errors import BadSettings, RequestRejected, Stopped, StoreError, SweeperError

# Codes of ours, where COS sent no answer.
UNREACHABLE = ("ConnectTimeout", "ConnectionFailed", "DnsTimeout", "DnsFailed", "BadCertificate")
# Codes of a directory of records.
OF_FOLDER = ("CannotWrite", "CannotRead", "NothingAborted")
# The abort of an upload that the question did not show. It is not sent.
NOT_SHOWN = "NotShown"


class Problem(SweeperError):
    """sentence: what is wrong; next_step: what to do, or ''. exit_code: of the command."""

    def __init__(self, sentence: str, next_step: str = "", exit_code: int = exits.FAILED) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step
        self.exit_code = exit_code


class Misused(Problem):
    """The command cannot do what it was asked for, as it was asked."""

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence, next_step, exits.USAGE)


def problem_of(error: SweeperError) -> Problem:
    """The error as a problem."""
    match error:
        case Problem():
            return error
        case StoreError():
            return _of_store(error)
        case BadSettings():
            return Misused(
                sentence("; ".join(error.problems)),
                t("`cos-sweeper settings` shows each value, where it is from, and its form."),
            )
        case RequestRejected():
            return Misused(sentence(str(error)))
        case _:
            return Problem(sentence(str(error)))


def defect(name: str) -> Problem:
    """What is shown of a defect. name: the kind of the error and its place."""
    return Problem(
        t("This is a defect of COS Sweeper: {name}.", name=name),
        t("Run it again with `--log FILE` and report it with that file."),
    )


def _of_store(error: StoreError) -> Problem:
    of_request = t(" (request id {id})", id=error.request_id) if error.request_id else ""
    text = str(error) or error.code
    if error.code in UNREACHABLE:
        what = t("COS could not be reached: {code}", code=text)
    elif error.code in OF_FOLDER:
        what = t("Records cannot be stored: {detail}", detail=error.detail or text)
    else:
        what = t("COS answered {code}{of_request}", code=text, of_request=of_request)
    return Problem(sentence(what), _next_step(error))


def _next_step(error: StoreError) -> str:
    if error.code in UNREACHABLE:
        return t("Check the network, the endpoint and the region, and try again.")
    if error.code in OF_FOLDER:
        return t("Give a directory that can be written with `--records DIR`.")
    if error.code in ("InvalidAccessKeyId", "SignatureDoesNotMatch"):
        return t("The SecretId or the SecretKey is wrong, or the key is disabled.")
    if error.code in ("ExpiredToken", "InvalidToken", "TokenRefreshRequired"):
        return t("The temporary credentials are over: get new ones.")
    if error.code == NOT_SHOWN:
        return t("Run the same command again: its question shows this upload as it is now.")
    if error.code == "RequestTimeTooSkewed":
        return t("Set the clock of this machine.")
    if error.code == "AccessDenied":
        return t("These credentials lack a permission. `cos-sweeper check` shows which, for each bucket.")
    if isinstance(error, Stopped):
        return t("COS does not accept these credentials, or the clock of this machine. `cos-sweeper check` shows both.")
    if error.code == "NoSuchBucket":
        return t("Check the name and the region: name-appid@region.")
    return t("Try again. If it stays, ask Tencent Cloud and quote the request id.")
