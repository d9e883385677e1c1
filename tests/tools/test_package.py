"""
What `make package` deploys, and the one version that everything names.
"""

import ast
import re
import sys
import zlib
from pathlib import Path

from cos_sweeper.core.version import VERSION

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "handler"
# The terminal command.
COMMAND = "cos_sweeper/cli"

MAX_OWN_BYTES = 350_000


def imports_of(path: Path) -> set[str]:
    """Every module that a file names in an import, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(HANDLER).with_suffix("").parts)


def test_package_leaves_out_the_modules_that_the_function_never_imports() -> None:
    modules = {module_of(path): path for path in HANDLER.rglob("*.py") if path.name != "__init__.py"}
    imported: set[str] = set()
    todo = {"index"}
    while todo:
        imported |= todo
        todo = {name for one in todo for name in imports_of(modules[one]) if name in modules} - imported

    unused = {str(path.relative_to(HANDLER)) for name, path in modules.items() if name not in imported}
    commands = re.findall(r"(?m)^\t@rm (?:-r )?(build/function/.+)$", (ROOT / "Makefile").read_text("utf-8"))
    removed = [path.removeprefix("build/function/") for command in commands for path in command.split()]

    assert {one for one in unused if not one.startswith(COMMAND)} | {COMMAND} == {*removed}
    assert any(one.startswith(COMMAND) for one in unused)


def test_zip_grows_by_little_when_the_function_does() -> None:
    """The rest of the zip is pinned in requirements.txt. `make installed` builds and measures all of it."""
    deployed = [path for path in HANDLER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    own = [path for path in deployed if COMMAND not in path.as_posix()]

    assert sum(len(zlib.compress(path.read_bytes())) for path in own) < MAX_OWN_BYTES


def test_package_removes_only_what_it_makes() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\npackage:")[2].partition("\n\n")[0]
    removed = {path for line in re.findall(r"@rm -rf (.+)", recipe) for path in line.split()}

    assert removed == {f"build/{name}" for name in ("function", "function.zip", "wheels", "crcmod.txt", "others.txt")}


def test_wheel_finds_every_module_and_every_file_of_the_package() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    package = HANDLER / "cos_sweeper"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    data = {
        path
        for name, patterns in tool["package-data"].items()
        for pattern in patterns
        for path in (HANDLER / name.replace(".", "/")).glob(pattern)
    }

    assert {path for path in files if path.suffix != ".py"} == data
    assert {path.parent for path in files - data if not (path.parent / "__init__.py").exists()} == set()
    assert tool["packages"]["find"] == {"where": ["handler"]}


def test_version_of_the_program_is_the_version_of_the_project() -> None:
    (stated,) = re.findall(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"))

    assert stated == VERSION


def test_changelog_begins_with_this_version() -> None:
    first = re.search(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"))

    assert first is not None
    assert first[1] == VERSION
