"""
The platform's own tools, installed into build/platform: two packages of npm and PyPI's `scf`, pinned.

As a program it installs what is missing, and says loudly what cannot be installed. Nothing of it is in the project.
"""

import os
import shutil
import subprocess
import sys

from tests.tools import package

FOLDER = package.ROOT / "build" / "platform"
NODE_MODULES, VENV = FOLDER / "node_modules", FOLDER / "venv"
# What the command line loads: the one packs and uploads, the other makes the requests to SCF.
NPM = ("tencent-component-toolkit@2.27.6", "@serverless/platform-client-china@2.4.2")
# What these need is taken as of this day.
NPM_BEFORE = "2026-11-20"
# scf does not say that it needs chardet, and needs a markupsafe of its own time.
PYPI = ("scf==0.2.8", "markupsafe==2.0.1", "chardet==5.2.0")


def main() -> None:
    """Install what is missing; a loud line for what cannot be installed. Never a failure."""
    for name, installed, install in (("npm's tools", npm_installed, install_npm), ("PyPI's scf", scf, install_scf)):
        try:
            if not installed():
                install()
        except (OSError, package.CannotBuild) as exc:
            reason = str(exc).strip().splitlines()[-1]
            sys.stderr.write(f"!!! NOT TESTED: what {name} make of this project, because: {reason}\n")


def npm_installed() -> bool:
    """Whether both packages are there, in these versions."""
    listed = [NODE_MODULES / name.rpartition("@")[0] / "package.json" for name in NPM]
    return all(
        path.is_file() and f'"version": "{name.rpartition("@")[2]}"' in path.read_text("utf-8")
        for name, path in zip(NPM, listed, strict=True)
    )


def install_npm() -> None:
    """No script of a package is run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["--prefix", str(FOLDER), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    package.run(["npm", "install", *options, f"--before={NPM_BEFORE}", *NPM], FOLDER)


def scf() -> str:
    """The command `scf` of PyPI where it runs, or ''."""
    command = VENV / "bin" / "scf"
    if not command.is_file():
        return ""
    started = subprocess.run([command, "--help"], capture_output=True, env=environment())
    return str(command) if started.returncode == 0 else ""


def install_scf() -> None:
    """With the Python that the function runs on."""
    shutil.rmtree(VENV, ignore_errors=True)
    package.run([package.find_python(), "-m", "venv", VENV])
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    package.run([*pip, "install", "setuptools==65.5.0", "wheel==0.45.1"])
    package.run([*pip, "install", "--no-build-isolation", *PYPI])
    if not scf():
        raise package.CannotBuild("it does not start")


def environment() -> dict[str, str]:
    """
    Where `scf` keeps its own files, and which commands it finds.

    It runs functions with a Python that has no library of its own, and reports nothing to its authors.
    """
    home = FOLDER / "home"
    home.mkdir(parents=True, exist_ok=True)
    sections = ("[OTHERS]", "curr-user = USER_1", "allow-report = False", "[ENV]")
    (home / ".tcli_config.ini").write_text(
        "\n".join([*sections, f"python3-path = {package.find_python()}", ""]), "utf-8"
    )
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


if __name__ == "__main__":
    main()
