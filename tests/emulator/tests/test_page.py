"""
docs/emulator.md says what is so: its tables are the code's, its examples work, and its recipes reach the emulator.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.client import Cloud
from tests.emulator.documentation import PAGE, PARTS, written
from tests.emulator.signed import send
from tests.emulator.tests.scf.deployed import deploy

TEXT = PAGE.read_text("utf-8")
BUCKET = "photos-1250000000"
EXAMPLE = re.compile(r"^\| `(?P<method>GET|POST|DELETE) (?P<path>\S+)(?: (?P<body>\{.*\}))?` \|", re.MULTILINE)
EXAMPLES = [(found["method"], found["path"], found["body"]) for found in EXAMPLE.finditer(TEXT)]
OF_SCF = [each for each in EXAMPLES if each[1].startswith(("/scf", "/invo", "/timers"))]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls") / "ca.pem"


@pytest.fixture(scope="module")
def documented(authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator as the page starts it, with a function."""
    started: dict[str, Any] = {"accept_aws_signatures": True, "proxy_port": 0, "tls": authority}
    function = deploy(tmp_path_factory.mktemp("function"))
    with Cloud.start(f"{BUCKET}@ap-guangzhou", function=function, credentials=["AKIDtest:secret"], **started) as cloud:
        yield cloud


@pytest.fixture
def scene(cloud: Cloud) -> Cloud:
    """What the examples of the control port assume."""
    for key, upload_id in (("a.bin", "u1"), ("b.bin", "u2")):
        cloud.seed(BUCKET, key, upload_id=upload_id)
    cloud.begin_complete(BUCKET, "b.bin", "u2")
    send(cloud, "PUT", BUCKET, "report.json", credentials=cloud.owner, body=b"{}")
    return cloud


def ask(cloud: Cloud, method: str, path: str, body: str | None) -> tuple[int, Any]:
    request = urllib.request.Request(cloud.control + path, None if body is None else body.encode(), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as rejected:
        with rejected:
            return rejected.code, json.load(rejected)


def recipe(name: str) -> str:
    found = re.search(rf"### {name}\n+```sh\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


def test_generated_parts_of_the_page_are_those_of_the_code() -> None:
    assert sorted(re.findall(r"<!-- generated: (\w+) -->", TEXT)) == sorted(PARTS)
    assert written(TEXT) == TEXT, "python -m tests.emulator.documentation writes them anew"


@pytest.mark.parametrize(("method", "path", "body"), [each for each in EXAMPLES if each not in OF_SCF])
def test_example_of_the_control_port_works(method: str, path: str, body: str | None, scene: Cloud) -> None:
    assert ask(scene, method, path, body)[0] == 200


def test_examples_of_scf_work(documented: Cloud) -> None:
    assert [ask(documented, *each)[0] for each in OF_SCF] == [200] * len(OF_SCF)
    documented.reset()


def test_each_path_of_the_control_port_has_an_example(documented: Cloud) -> None:
    known = ask(documented, "GET", "/nothing", None)[1]["error"].partition("there is ")[2].split(", ")

    assert {f"{method} {path.partition('?')[0]}" for method, path, _ in EXAMPLES} == set(known)


@pytest.mark.parametrize(
    ("client", "needs", "key"),
    [("Python SDK", sys.executable, "python/big"), ("curl", "curl", "curl/big"), ("rclone", "rclone", "rclone/big")],
    ids=["Python SDK", "curl", "rclone"],
)
def test_recipe_brings_a_file_to_the_emulator(
    client: str, needs: str, key: str, documented: Cloud, authority: Path, tmp_path: Path
) -> None:
    if not shutil.which(needs):
        pytest.skip(f"NOT TESTED: {needs} is not installed")
    documented.reset()
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    shutil.copy(authority, tmp_path / "ca.pem")
    commands = recipe(client).replace("http://127.0.0.1:9004", documented.proxy_endpoint)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"

    subprocess.run(
        ["bash", "-ec", commands], cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, check=True, timeout=60
    )

    assert [(each.key, each.size) for each in documented.objects(BUCKET)] == [(key, 3_000_000)]
    assert {each.host for each in documented.requests()} <= {f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"}
