"""
Gathers build/release/: the function's zip, the command's wheel, what is deployed (SBOM), the notes and the checksums.

python -m tests.tools.release [TAG]: a tag must be that of the version, such as v0.9.0. `make release` builds the parts
before.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
FOLDER = BUILD / "release"


class NoRelease(Exception):
    """The message says what is missing or does not agree."""


def notes(changelog: str, version: str) -> str:
    """The changes of a version. Raises NoRelease where the changelog has none."""
    found = re.search(rf"(?ms)^## {re.escape(version)}\n(.*?)(?=^## |\Z)", changelog)
    if not found or not found[1].strip():
        raise NoRelease(f"CHANGELOG.md has nothing about {version}")
    return found[1].strip() + "\n"


def parts(build: Path, version: str) -> dict[Path, str]:
    """What is released → under which name. Raises NoRelease where a part was not built."""
    found = {
        build / "function.zip": f"cos-sweeper-function-{version}.zip",
        build / f"cos_sweeper-{version}-py3-none-any.whl": f"cos_sweeper-{version}-py3-none-any.whl",
        build / "sbom.json": f"cos-sweeper-function-{version}.sbom.json",
    }
    missing = [str(path.name) for path in found if not path.is_file()]
    if missing:
        raise NoRelease(f"not built: {', '.join(missing)}; run `make release`")
    return found


def gather(build: Path, folder: Path, changelog: str, version: str, tag: str) -> str:
    """Write the folder; return the checksums, as `sha256sum --check` reads them. Raises NoRelease."""
    if tag and tag != f"v{version}":
        raise NoRelease(f"the tag {tag} is not that of version {version}: v{version}")
    text, found = notes(changelog, version), parts(build, version)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "NOTES.md").write_text(text, "utf-8")
    for path, name in found.items():
        shutil.copyfile(path, folder / name)
    sums = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(found.values())
    )
    (folder / "SHA256SUMS").write_text(sums)
    return sums


def main() -> int:
    """Print the checksums; 1 where there is no release."""
    sys.path.insert(0, str(ROOT / "handler"))
    from cos_sweeper.core.version import VERSION

    try:
        changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
        sums = gather(BUILD, FOLDER, changelog, VERSION, sys.argv[1] if len(sys.argv) > 1 else "")
    except NoRelease as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    print(sums, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
