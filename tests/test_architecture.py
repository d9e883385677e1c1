"""
The rooms stay apart: imports go one way, and the outside world has one door each.
"""

import ast
import re
from pathlib import Path

import pytest

HANDLER = Path(__file__).parents[1] / "handler"
PACKAGE = HANDLER / "cos_sweeper"

# A module may import from its own floor's lower neighbours and from every floor below. The order within a floor counts.
FLOORS = [
    ["errors", "model", "clock"],
    [
        "misspelt",
        "settings",
        "messages",
        "triggers",
        "readings",
        "policy",
        "store",
        "budget",
        "log",
        "xml",
        "pace",
        "retry",
        "turns",
        "listing",
        "codes",
    ],
    ["plan", "report", "answers", "checkpoint", "permissions", "refused"],
    ["look", "settle", "sweep", "chain"],
    ["connection", "transport", "cos", "relay"],
    ["index"],
]
ORDER = [module for floor in FLOORS for module in floor]
DOORS = {
    "qcloud_cos": ["cos"],
    "tencentcloud": ["relay"],
    "certifi": ["transport"],
    "greenlet": ["turns"],
    "httptools": ["connection"],
    "ssl": ["connection", "transport"],
    "socket": ["connection", "transport", "turns"],
}
# What decides takes values and returns values: no clock, environment, network, thread, file or log.
PURE = ["errors", "model", "clock", "messages", "misspelt", "triggers", "settings", "policy", "store", "xml", "plan"]
PURE += ["codes", "readings", "report", "answers", "checkpoint", "pace", "permissions", "refused"]
WORLD = {
    "os",
    "sys",
    "time",
    "threading",
    "socket",
    "logging",
    "random",
    "uuid",
    "subprocess",
    "pathlib",
    "concurrent",
    "queue",
}


def source(module: str) -> str:
    return ((HANDLER if module == "index" else PACKAGE) / f"{module}.py").read_text("utf-8")


def imports(module: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source(module))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "cos_sweeper":
            found |= {f"cos_sweeper.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_every_module_has_a_room() -> None:
    assert sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__") == sorted(ORDER[:-1])


@pytest.mark.parametrize("module", ORDER)
def test_imports_go_one_way(module: str) -> None:
    ours = {name.removeprefix("cos_sweeper.") for name in imports(module) if name.startswith("cos_sweeper.")}

    assert ours <= set(ORDER[: ORDER.index(module)])


@pytest.mark.parametrize("module", ORDER)
def test_each_library_has_one_door(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(module)}

    assert {name for name in roots & set(DOORS) if module not in DOORS[name]} == set()


@pytest.mark.parametrize("module", PURE)
def test_what_decides_does_not_touch_the_world(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(module)}

    assert roots & WORLD == set()
    assert not re.search(r"\.now\(|\.utcnow\(|\bopen\(|\bprint\(", source(module))


@pytest.mark.parametrize("module", ORDER)
def test_nothing_is_evaluated(module: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(ast.parse(source(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert called & {"eval", "exec", "compile", "__import__"} == set()
