"""
Builds what is deployed: build/function/, and the same as build/function.zip.

The same sources make the same bytes on every machine. Python 3.10 builds, whatever Python starts this, with the pip
and setuptools that package.txt pins. Nothing in the result says when or where it was built.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "handler"
REQUIREMENTS = ROOT / "requirements.txt"
TOOLS = Path(__file__).with_name("package.txt")
FOLDER = ROOT / "build" / "function"
ARCHIVE = ROOT / "build" / "function.zip"

DEPLOYED = (3, 10)
# SCF's machine, whatever this one is. Nothing may be compiled here: it would fit this Python, not that one.
PLATFORM = (
    *("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--python-version", "3.10", "--implementation", "cp", "--only-binary", ":all:"),
)
# Has no wheel. Where its C part does not compile it does without, and fits every machine.
SOURCE_ONLY = "crcmod"
# SCF takes 50 MB zipped and 500 MB unpacked. This is about what the package needs: a dependency that grows is noticed.
MAX_ZIPPED_BYTES = 3_500_000
MAX_UNPACKED_BYTES = 11_000_000
# The newest symbols of CentOS 7, which SCF's machines run.
NEWEST_SYMBOLS = {b"GLIBC": (2, 17), b"GLIBCXX": (3, 4, 19), b"CXXABI": (1, 3, 7), b"GCC": (4, 8, 0)}
SYMBOL = re.compile(rb"\b(GLIBC|GLIBCXX|CXXABI|GCC)_([0-9]+(?:\.[0-9]+)+)\0")

# Of the handler: the role's policy and the terminal command are for people, and records are read by the command.
OWN_LEFT_OUT = (
    "cos_sweeper/__main__.py",
    "cos_sweeper/cli",
    "cos_sweeper/report/record_reader.py",
    "cos_sweeper/scf/cam_policy.py",
)
# Of the dependencies: encryption at the client, whose pycryptodome is not deployed.
THEIRS_LEFT_OUT = ("qcloud_cos/cos_encryption_client.py", "qcloud_cos/crypto.py")
# Not needed to run, or different on every machine. What stays of *.dist-info says which version it is, and its licence.
NOT_DEPLOYED = re.compile(
    r"(^|.*/)(\..*|.*\.egg-info|__pycache__|tests)"
    r"|bin|include"
    r"|[^/]*\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)"
    r"|.*\.(c|cpp|hpp|h|pyx|pyi|pxd|asm|cmd|obj)"
)


class CannotBuild(Exception):
    """The package was not built; the message says what is missing."""


def main() -> None:
    """Build; exit code 1 with a reason where that is not possible."""
    try:
        if sys.version_info[:2] != DEPLOYED:
            python = find_python()
            os.execv(python, [python, "-m", "tests.tools.package"])
        zipped, unpacked = build(FOLDER, ARCHIVE)
    except CannotBuild as exc:
        sys.exit(f"error: {exc}")
    sys.stdout.write(f"build/function: {unpacked / 1e6:.1f} MB unpacked, {zipped / 1e6:.1f} MB zipped\n")


def find_python(path: str | None = None, pyenv: Path | None = None) -> str:
    """
    A Python 3.10 on this machine. path: where commands are looked for, PATH where it is None.

    pyenv has commands for versions that it then refuses to run, so each candidate is tried.
    """
    versions = (pyenv or Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")) / "versions"
    command = shutil.which("python3.10", path=path)
    for candidate in [*([command] if command else []), *map(str, sorted(versions.glob("3.10.*/bin/python")))]:
        test = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != {DEPLOYED})"
        if subprocess.run([candidate, "-c", test], capture_output=True).returncode == 0:
            return candidate
    raise CannotBuild(
        "no Python 3.10 with venv on this machine. SCF runs the function on 3.10 and can write no byte code itself: "
        "without it every cold start takes more than twice as long. → install Python 3.10 (python3.10 and "
        "python3.10-venv, or pyenv install 3.10)"
    )


def build(folder: Path, archive: Path) -> tuple[int, int]:
    """Build both, in place of what is there. Returns the bytes of the archive, and of all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    archive.unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as workshop:
        install_dependencies(Path(workshop), folder)
    shutil.copytree(HANDLER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    leave_out(folder)
    compile_all(folder)
    names = make_equal(folder)
    for name in names:
        if name.endswith(".so") and (unfit := unfit_symbols((folder / name).read_bytes())):
            raise CannotBuild(
                f"{name} needs {', '.join(unfit)}, which SCF's machines do not have. → pin an older version"
            )
    write_archive(folder, names, archive)
    zipped, unpacked = archive.stat().st_size, sum((folder / name).stat().st_size for name in names)
    if zipped > MAX_ZIPPED_BYTES or unpacked > MAX_UNPACKED_BYTES:
        raise CannotBuild(
            f"the package has {zipped:,} bytes zipped and {unpacked:,} unpacked; the limits in tests/tools/package.py "
            f"are {MAX_ZIPPED_BYTES:,} and {MAX_UNPACKED_BYTES:,}. → find out what has grown"
        )
    return zipped, unpacked


def install_dependencies(workshop: Path, folder: Path) -> None:
    """What requirements.txt pins, and no dependency of it that is not pinned there."""
    run([sys.executable, "-m", "venv", workshop / "venv"])
    python = str(workshop / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    hashed = ["--no-deps", "--require-hashes", "--requirement"]
    run([*pip, "install", *hashed, TOOLS])
    alone, others = split(REQUIREMENTS.read_text("utf-8"), SOURCE_ONLY)
    (workshop / "alone.txt").write_text(alone, "utf-8")
    (workshop / "others.txt").write_text(others, "utf-8")
    wheels = [*pip, "wheel", "--no-cache-dir", "--no-build-isolation", "--use-pep517", "--no-binary", SOURCE_ONLY]
    run([*wheels, "--wheel-dir", workshop / "wheels", *hashed, workshop / "alone.txt"], CC="false")
    install: list[str | Path] = [*pip, "install", *PLATFORM, "--no-compile", "--target", folder]
    run([*install, *hashed, workshop / "others.txt"])
    run([*install, "--no-deps", *(workshop / "wheels").glob("*.whl")])


def split(requirements: str, name: str) -> tuple[str, str]:
    """The pin of one package with its hashes, and all other lines."""
    block = re.compile(rf"(?m)^{re.escape(name)}==.*(?:\n +--hash=.*)*\n")
    (found,) = block.findall(requirements)
    return found, block.sub("", requirements)


def leave_out(folder: Path) -> None:
    """Remove what is not deployed. A named file must be there, so that no name outlives its file."""
    for name in (*OWN_LEFT_OUT, *THEIRS_LEFT_OUT):
        remove(folder / name)
    for path in sorted(folder.rglob("*")):
        if NOT_DEPLOYED.fullmatch(path.relative_to(folder).as_posix()) and path.exists():
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def compile_all(folder: Path) -> None:
    """
    Byte code beside every module: nothing can be written on SCF's machine.

    It is not compared with the source when it is loaded. Sets of constants are in the order of a fixed hash seed.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "."]
    run(command, folder, PYTHONHASHSEED="0")


def make_equal(folder: Path) -> list[str]:
    """SCF runs as another user: everyone may read. Returns the names of all files, in order."""
    names = []
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if not path.is_dir():
            names.append(path.relative_to(folder).as_posix())
    folder.chmod(0o755)
    return sorted(names)


def unfit_symbols(library: bytes) -> list[str]:
    """The versions of symbols that a library names and CentOS 7 does not have."""
    found = sorted({(name, tuple(map(int, version.split(b".")))) for name, version in SYMBOL.findall(library)})
    if not library.startswith(b"\x7fELF\x02") or not found:
        raise CannotBuild("a library is not one for Linux on 64 bits")
    return [
        f"{name.decode()}_{'.'.join(map(str, version))}" for name, version in found if version > NEWEST_SYMBOLS[name]
    ]


def write_archive(folder: Path, names: Iterable[str], archive: Path) -> None:
    """A zip with one time stamp, the first that zip knows."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as written:
        for name in names:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, (folder / name).read_bytes(), compresslevel=9)


def run(command: Sequence[str | Path], folder: Path = ROOT, **more: str) -> None:
    """Run a command; CannotBuild with its complaint where it fails."""
    result = subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if result.returncode:
        words = " ".join(map(str, command))
        raise CannotBuild(f"{result.stdout.strip()}\n{words} failed (exit code {result.returncode})")


if __name__ == "__main__":
    main()
