"""
Writes the hashes of every file of every version that `requirements.txt` and `package.txt` name, and leaves the rest of
them as it is.

Needs `uv`, which asks the package index; pip then rejects whatever has another hash.
"""

import re
import subprocess
import sys
from pathlib import Path

FILES = (Path(__file__).parents[2] / "requirements.txt", Path(__file__).with_name("package.txt"))
PIN = re.compile(r"([a-z0-9.-]+)==\S+")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def main() -> None:
    """Lock each file."""
    for path in FILES:
        lock(path)


def lock(path: Path) -> None:
    """Ask for the hashes of what is pinned, and write them behind each pin."""
    pins = [line for line in path.read_text("utf-8").splitlines() if not line.startswith(" ")]
    bare = "\n".join(line.removesuffix(" \\") for line in pins)
    options = ("--universal", "--python-version", "3.10", "--generate-hashes", "--no-header", "--quiet")
    locked = subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "compile", *options, "-"],
        input=bare,
        check=True,
        capture_output=True,
        text=True,
    )
    path.write_text(with_hashes(bare, locked.stdout), "utf-8")


def with_hashes(bare: str, locked: str) -> str:
    """The bare pins, with what a lock file says about each. Raises KeyError for one that it does not have."""
    hashes: dict[str, list[str]] = {}
    for line in locked.splitlines():
        pin = PIN.match(line)
        if pin:
            found = hashes[pin[1]] = []
        found.extend(HASH.findall(line))
    lines: list[str] = []
    for line in bare.splitlines():
        pin = PIN.match(line)
        lines.append(" \\\n    ".join([line, *hashes[pin[1]]]) if pin else line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
