"""
What `make package` deploys, and the one version that everything names.
"""

import ast
import os
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
import qcloud_cos

from cos_sweeper.core.version import VERSION
from tests.packed import sandbox
from tests.tools import package

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

    assert {one for one in unused if not one.startswith(COMMAND)} | {COMMAND} == {*package.OWN_LEFT_OUT}
    assert any(one.startswith(COMMAND) for one in unused)


def test_zip_grows_by_little_when_the_function_does() -> None:
    """The rest of the zip is pinned in requirements.txt. The build measures all of it."""
    deployed = [path for path in HANDLER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    own = [path for path in deployed if COMMAND not in path.as_posix()]

    assert sum(len(zlib.compress(path.read_bytes())) for path in own) < MAX_OWN_BYTES


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


# What a fresh process needs to import everything that is deployed, to sign a request, and to make a checksum.
WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # importing it fails
import importlib, pathlib, warnings
warnings.simplefilter("error")
import index
handler = pathlib.Path(index.__file__).parent
for path in sorted((handler / "cos_sweeper").rglob("*.py")):
    name = path.relative_to(handler).with_suffix("").as_posix()
    if not name.startswith(("cos_sweeper/cli", "cos_sweeper/__")):
        importlib.import_module(name.replace("/", "."))
import crcmod, qcloud_cos, types
signed = types.SimpleNamespace(method="DELETE", url="https://example.com/key", headers={"Host": "example.com"})
config = qcloud_cos.CosConfig(Region="ap-guangzhou", SecretId="id", SecretKey="key")
qcloud_cos.CosS3Auth(config, "key")(signed)
assert "q-signature=" in signed.headers["Authorization"]
# The check value of CRC-64/XZ, which COS's checksums are.
crc = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF, rev=True)
assert crc(b"123456789") == 0x995DC9BBDF1939FA, hex(crc(b"123456789"))
"""


@pytest.mark.parametrize("missing", ["Crypto", "charset_normalizer,chardet", "Crypto,charset_normalizer,chardet"])
def test_function_imports_signs_and_counts_checksums_without_what_is_not_deployed(missing: str) -> None:
    command = [sys.executable, "-c", WITHOUT, missing]

    result = subprocess.run(command, cwd=HANDLER, env={"PYTHONPATH": "."}, capture_output=True, text=True)

    assert result.stderr == ""
    assert result.returncode == 0


def test_modules_of_the_sdk_that_are_left_out_are_those_that_need_pycryptodome() -> None:
    folder = Path(qcloud_cos.__file__).parent
    imports = {path: imports_of(path) for path in folder.glob("*.py")}
    need = {path for path, names in imports.items() if any(name.split(".")[0] == "Crypto" for name in names)}
    need |= {path for path, names in imports.items() if any(f"qcloud_cos.{one.stem}" in names for one in need)}

    assert {f"qcloud_cos/{path.name}" for path in need} == {*package.THEIRS_LEFT_OUT}


# Building it


def test_build_takes_a_python_that_runs(tmp_path: Path) -> None:
    refuses, runs = tmp_path / "commands" / "python3.10", tmp_path / "pyenv/versions/3.10.13/bin/python"
    for path, code in ((refuses, 127), (runs, 0)):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\nexit {code}\n", "utf-8")
        path.chmod(0o755)

    assert package.find_python(str(refuses.parent), tmp_path / "pyenv") == str(runs)


def test_build_without_python_310_fails_and_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(package.CannotBuild, match=r"^no Python 3\.10 with venv .* → install"):
        package.find_python(str(tmp_path), tmp_path)


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--required"], 1)])
def test_machine_like_scfs_that_cannot_be_had_fails_only_where_it_is_required(
    options: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "why_not", lambda: "of a test")

    assert sandbox.main([*options, "true"]) == code
    assert "!!! NOT TESTED" in capsys.readouterr().err


def test_tools_that_build_are_pinned_with_hashes() -> None:
    text = package.TOOLS.read_text("utf-8")

    pins = re.findall(r"(?m)^([a-z]+)==[0-9.]+ \\(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+$", text)

    assert pins == ["pip", "setuptools"]


def test_requirements_are_split_into_the_one_that_is_built_and_the_others() -> None:
    alone, others = package.split("# Why.\na==1 \\\n    --hash=x \\\n    --hash=y\nb==2 \\\n    --hash=z\n", "a")

    assert alone == "a==1 \\\n    --hash=x \\\n    --hash=y\n"
    assert others == "# Why.\nb==2 \\\n    --hash=z\n"


@pytest.mark.parametrize(
    ("name", "is_deployed"),
    [
        ("index.py", True),
        ("cos_sweeper/report/page_parts/templates/page.html", True),
        ("certifi/cacert.pem", True),
        ("six-1.17.0.dist-info/METADATA", True),
        ("six-1.17.0.dist-info/licenses/LICENSE", True),
        ("six-1.17.0.dist-info/RECORD", False),
        (".env", False),
        ("cos_sweeper/.cache", False),
        ("bin", False),
        ("greenlet/tests", False),
        ("greenlet/greenlet.cpp", False),
        ("httptools/parser/parser.pyx", False),
    ],
)
def test_files_that_are_not_needed_to_run_are_not_deployed(name: str, *, is_deployed: bool) -> None:
    assert (package.NOT_DEPLOYED.fullmatch(name) is None) is is_deployed


def test_archive_is_the_same_for_the_same_files_whenever_and_whoever_wrote_them(tmp_path: Path) -> None:
    archives = []
    for number, mode in enumerate((0o600, 0o777)):
        folder = tmp_path / str(number)
        (folder / "inner").mkdir(parents=True)
        for name in ("b.py", "inner/a.py") if number else ("inner/a.py", "b.py"):
            (folder / name).write_text("text", "utf-8")
            (folder / name).chmod(mode)
            os.utime(folder / name, (number * 10**9, number * 10**9))
        names = package.make_equal(folder)
        package.write_archive(folder, names, tmp_path / f"{number}.zip")
        archives.append((tmp_path / f"{number}.zip").read_bytes())

    assert archives[0] == archives[1]
    with zipfile.ZipFile(tmp_path / "0.zip") as written:
        assert {entry.filename: oct(entry.external_attr >> 16) for entry in written.infolist()} == {
            "b.py": "0o100644",
            "inner/a.py": "0o100644",
        }


@pytest.mark.parametrize(
    ("symbols", "unfit"),
    [
        (b"GLIBC_2.2.5\0GLIBC_2.17\0GLIBCXX_3.4.19\0GCC_3.0\0CXXABI_1.3\0", []),
        (b"GLIBC_2.17\0GLIBC_2.18\0GLIBC_2.34\0", ["GLIBC_2.18", "GLIBC_2.34"]),
        (b"GLIBC_2.2.5\0GLIBCXX_3.4.20\0CXXABI_1.3.8\0", ["CXXABI_1.3.8", "GLIBCXX_3.4.20"]),
    ],
)
def test_library_must_not_need_symbols_that_scfs_machines_do_not_have(symbols: bytes, unfit: list[str]) -> None:
    assert package.unfit_symbols(b"\x7fELF\x02\0" + symbols) == unfit


@pytest.mark.parametrize("library", [b"\x7fELF\x01\0GLIBC_2.17\0", b"MZ", b"\x7fELF\x02\0"])
def test_library_of_another_platform_is_not_deployed(library: bytes) -> None:
    with pytest.raises(package.CannotBuild):
        package.unfit_symbols(library)


# The version


def test_version_of_the_program_is_the_version_of_the_project() -> None:
    (stated,) = re.findall(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"))

    assert stated == VERSION


def test_changelog_begins_with_this_version() -> None:
    first = re.search(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"))

    assert first is not None
    assert first[1] == VERSION
