"""
What `make package` deploys, and the one version that everything names.
"""

import ast
import re
from pathlib import Path

from cos_sweeper.core.version import VERSION

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "handler"
# The terminal command.
COMMAND = "cos_sweeper/cli"


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


def test_version_of_the_program_is_the_version_of_the_project() -> None:
    (stated,) = re.findall(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"))

    assert stated == VERSION


def test_changelog_begins_with_this_version() -> None:
    first = re.search(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"))

    assert first is not None
    assert first[1] == VERSION
