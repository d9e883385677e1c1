"""
A machine like SCF's: no network but the loopback, a file system that can be read only, and Python 3.10 as another user.

`python -m tests.packed.sandbox [--required] COMMAND…` unpacks build/function.zip there and runs the command. It says
loudly where this machine has no such thing: it takes root, unshare and setpriv. With `--required` that is a failure.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.tools import package

USER = 65534
MOUNT = Path("/mnt")
PROJECT, FUNCTION, PYTHON = MOUNT / "project", MOUNT / "user", MOUNT / "python"
# What an instance is started with. The library path is for a Python that was built to stand elsewhere.
AS_ANOTHER_USER = (
    f"setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs --bounding-set=-all "
    f"env LD_LIBRARY_PATH={PYTHON}/lib {PYTHON}/bin/python3.10 -s"
)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
INTERFACE = "16sh14x"


def main(arguments: list[str]) -> int:
    """Run a command in such a machine; its exit code, or a loud line where there is none."""
    is_required = arguments[0] == "--required"
    arguments = arguments[is_required:]
    if arguments[0] == "--inside":
        enter(Path(arguments[1]))
        os.chdir(PROJECT)
        os.execvp(arguments[2], arguments[2:])
    reason = why_not()
    if reason:
        sys.stderr.write(f"!!! NOT TESTED: the package on a machine like SCF's, because {reason}\n")
        return int(is_required)
    prefix = Path(package.find_python()).resolve().parents[1]
    inside = [sys.executable, "-m", "tests.packed.sandbox", "--inside", str(prefix), *arguments]
    return subprocess.run(["unshare", "--mount", "--net", "--", *inside]).returncode


def why_not() -> str:
    """What this machine lacks; '' when it has everything."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "that takes root on Linux"
    missing = [command for command in ("unshare", "setpriv", "mount") if not shutil.which(command)]
    if missing:
        return f"there is no {' and no '.join(missing)} here"
    refused = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True).stderr
    return f"unshare says: {refused.strip()}" if refused else ""


def enter(python_prefix: Path) -> None:
    """Make this process's machine like SCF's. Ends with the process: nothing of it is seen outside."""
    loopback_up()
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(MOUNT))
    for source, target in ((package.ROOT, PROJECT), (python_prefix, PYTHON)):
        target.mkdir()
        mount("--bind", str(source), str(target))
        mount("-o", "remount,bind,ro", str(target))
    unpack(package.ARCHIVE, FUNCTION)
    mount("-o", "remount,ro", str(MOUNT))
    mount("--bind", "/tmp", "/tmp")  # a mount of its own, which stays writable
    mount("-o", "remount,bind,ro", "/")


def unpack(archive: Path, folder: Path) -> None:
    """With the modes that the archive says, whatever umask is in force."""
    os.umask(0o022)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
        for entry in packed.infolist():
            (folder / entry.filename).chmod(entry.external_attr >> 16 & 0o777)


def loopback_up() -> None:
    """A new network has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack(INTERFACE, b"lo", 0)
        _, flags = struct.unpack(INTERFACE, fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack(INTERFACE, b"lo", flags | IFF_UP))


def mount(*arguments: str) -> None:
    """Mount something; raises where that fails."""
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
