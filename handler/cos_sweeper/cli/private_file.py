"""
A file of its owner alone, at a place where another one may be: what is there is replaced and never written into.

Through a link nothing is written either. Only a device or a pipe, such as /dev/stdout, is written as it is.
"""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

OWNER_ONLY = 0o600


def create(path: Path) -> int:
    """A new file at this place. Returns its descriptor, for writing. Raises OSError."""
    if _is_special(path):
        return os.open(path, os.O_WRONLY)
    descriptor, new = _beside(path)
    try:
        new.replace(path)
    except OSError:
        os.close(descriptor)
        _remove(new)
        raise
    return descriptor


def write(path: Path, body: bytes) -> None:
    """A new file with these bytes. Where it cannot be written whole, what was there stays. Raises OSError."""
    is_special = _is_special(path)
    descriptor, new = (os.open(path, os.O_WRONLY), path) if is_special else _beside(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
        if not is_special:
            new.replace(path)
    except OSError:
        if not is_special:
            _remove(new)
        raise


def _is_special(path: Path) -> bool:
    """Raises IsADirectoryError."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return not stat.S_ISREG(mode)


def _beside(path: Path) -> tuple[int, Path]:
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), new


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
