"""
Stdout and stderr as a whole: what became of them, and whether stdout has its one JSON document.

What cannot be written is dropped and the command goes on: it may be in the middle of aborts, and its records matter
more than its texts. At its end it fails. Only a reader that went away ends a command, because it has enough.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

# Of the one command that this process runs. failed: why something could not be written; last: the last text.
_failed: list[str] = []
_last: list[str] = [""]
_has_data: list[bool] = [False]


def begin() -> None:
    """At the begin of a command. A stream that is closed becomes one without end, so that no file gets its number."""
    _failed.clear()
    _last[0], _has_data[0] = "", False
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
            if name == "stdout":
                _failed.append("closed")


def failure() -> str:
    """Why something could not be written, '' where all was."""
    return _failed[0] if _failed else ""


@contextlib.contextmanager
def writing(stream: IO[str]) -> Iterator[None]:
    """Write to the stream, and drop what cannot be written. Raises BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        drop(stream, exc)


def drop(stream: IO[str], error: OSError | None = None) -> None:
    """Let go of what is still to be written and of all that follows. error: why, None where nobody needs it."""
    if error is not None:
        _failed.append(error.strerror or type(error).__name__)
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def flush() -> bool:
    """Write what is still to be written. False where that failed now. Raises BrokenPipeError."""
    before = len(_failed)
    for stream in (sys.stdout, sys.stderr):
        with writing(stream):
            stream.flush()
    return len(_failed) == before


# The one JSON document of `--json`


def note(text: str) -> None:
    """Remember what a person was told last."""
    if text.strip():
        _last[0] = text.strip()


def last() -> str:
    """What a person was told last."""
    return _last[0]


def has_data() -> bool:
    """Whether stdout has its document."""
    return _has_data[0]


def data(value: Any) -> None:
    """Write the document, once."""
    if _has_data[0]:
        return
    _has_data[0] = True
    with writing(sys.stdout):
        # Escaped where stdout's encoding could not hold it: keys may be anything.
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True) + "\n")
        sys.stdout.flush()


def mark_data() -> None:
    """A command writes its JSON itself."""
    _has_data[0] = True
