"""
`--trace` shows every request and response as on the wire, and no secret.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fake_server import Server, answer
from tests.function import LOGS, PHOTOS
from tests.tap import Tap

BUCKET = PHOTOS.partition("@")[0]
SECRET = "a-secret-that-keys-are-hashed-with"
# Every command that sends something to COS. `survey` and `check --function` have tests of their own.
COMMANDS = [
    ["check"],
    ["check", "--set", f"REPORT={LOGS}/cos-sweeper/"],
    ["inventory"],
    ["sweep"],
    ["sweep", "--abort", "--yes"],
    ["abort", PHOTOS, "raw/cat 0.mp4", "--yes"],
    ["explain", PHOTOS, "raw/cat 0.mp4"],
    ["drain", PHOTOS, "--confirm", BUCKET],
    ["lifecycle"],
    ["lifecycle", "--add-rule", "30", "--yes"],
    ["report", "--set", f"REPORT={LOGS}/cos-sweeper/"],
    ["events", "timer", "--all-buckets", "--set", "BUCKETS=*"],
]
SIGNATURES = re.compile(rb"(?:q-signature|Signature)=([0-9a-f]{40,})")


@pytest.fixture
def command(command: Command, cloud: Cloud) -> Command:
    command.credentials = cloud.add_credentials(token="a-token-of-an-hour-0123456789")
    return command


@pytest.fixture
def tap(cloud: Cloud) -> Iterator[Tap]:
    port = urlsplit(cloud.endpoint).port
    assert port
    with Tap(port) as tap:
        yield tap


def secrets(command: Command, sent: bytes) -> set[str]:
    """The credentials, and every signature that was sent."""
    own = command.credentials
    assert own
    assert own.token
    signatures = {one.decode() for one in SIGNATURES.findall(sent)}
    assert signatures
    return {own.secret_id, own.secret_key, own.token} | signatures


def as_json(value: object) -> bytes:
    body = json.dumps(value)
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def blocks(shown: str) -> list[list[str]]:
    """The blocks of what is shown. Each begins with a number, and every line of it says whose it is."""
    found: list[list[str]] = []
    for line in shown.splitlines():
        if re.match(r"\[\d+\] ", line):
            found.append([])
        if found and re.match(r"\[\d+\] |    \d\d:|[<>]( |$)", line):
            found[-1].append(line)
    return found


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_trace_of_every_command_shows_each_request_and_no_secret(
    arguments: list[str], cloud: Cloud, command: Command, tap: Tap
) -> None:
    cloud.seed(BUCKET, "raw/cat {n}.mp4", count=3, parts=2, hours_since_start=400)

    ran = command(
        *arguments, "--trace", "--json", BUCKETS="" if "BUCKETS=*" in arguments else PHOTOS, COS_ENDPOINT=tap.endpoint
    )

    assert ran.exit_code in (0, 3), ran.stderr
    shown = blocks(ran.stderr)
    journalled = [request.request_id for request in cloud.requests()]
    assert sorted(block[0].rpartition(" request id ")[2] for block in shown) == sorted(journalled)
    assert len(shown) == tap.sent.count(b" HTTP/1.1\r\n") > 0
    assert [secret for secret in secrets(command, tap.sent) if secret in ran.stderr + ran.stdout] == []
    json.loads(ran.stdout)


def test_trace_is_also_an_option_before_the_command_and_of_one_without_requests(command: Command) -> None:
    before, none = command("--trace", "lifecycle", BUCKETS=PHOTOS), command("policy", "--trace", BUCKETS=PHOTOS)

    assert "> GET /?lifecycle= HTTP/1.1" in before.stderr
    assert "< HTTP/1.1 404 Not Found" in before.stderr
    assert "No request was sent." in none.stderr


def test_trace_of_a_survey_shows_the_requests_to_cloud_monitor(command: Command, cloud: Cloud) -> None:
    with Tap(int(cloud.api_endpoint.rpartition(":")[2])) as tap:
        ran = command("survey", "--trace", BUCKETS=PHOTOS, MONITOR_ENDPOINT=tap.endpoint)

    ids = [each["request_id"] for each in cloud.api_requests()]
    assert [block[0].rpartition(" ")[2] for block in blocks(ran.stderr)] == ids
    assert len(ids) > 1
    assert [secret for secret in secrets(command, tap.sent) if secret in ran.stderr + ran.stdout] == []
    assert re.search(r"Credential=\w{4}\[hidden]\w{4}/[\d-]+/monitor/tc3_request, SignedHeaders=\S+", ran.stderr)


def test_trace_of_a_deployed_function_shows_none_of_its_variables(command: Command) -> None:
    variables = [{"Key": "NOTIFY_URL", "Value": "https://x.example/hush"}, {"Value": "hush", "Key": "A"}]
    described = {"Response": {"Timeout": 9, "Environment": {"Variables": variables}, "RequestId": "r-2"}}
    with Server([answer(as_json(described))]) as server:
        ran = command(
            *("check", "--trace", "--function", "ap-guangzhou/x", "--set", f"BUCKETS={PHOTOS}"),
            INVOKE_ENDPOINT=f"http://127.0.0.1:{server.port}",
        )

    assert "request id r-2" in ran.stderr
    assert '"Key": "NOTIFY_URL"' in ran.stderr
    assert "hush" not in ran.stderr
    assert [one for one in secrets(command, bytes(server.peers[0].received)) if one in ran.stderr + ran.stdout] == []


@pytest.mark.parametrize("arguments", [["sweep", "--abort", "--yes"], ["explain", PHOTOS, "raw/cät <&> 0"]])
def test_trace_hides_keys_where_records_do(arguments: list[str], cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/cät <&> {n}", count=2, hours_since_start=400)
    settings = {"RECORD_KEYS": "hash", "RECORD_KEYS_SECRET": SECRET, "BUCKETS": PHOTOS}

    ran = command(*arguments, "--trace", "--set", f"REPORT={LOGS}/r/", **settings)

    assert len(blocks(ran.stderr)) == len(cloud.requests()) > 1
    shown = "\n".join(line for block in blocks(ran.stderr) for line in block)
    assert re.findall(r"(?<![\w~-])raw|cät|c%C3%A4t|%3C%26|&lt;&amp;", shown) == []
    # The same key is the same hash in the path and in the listing, so that a listing can be read.
    hashes = {*re.findall(r"> (?:GET|DELETE) /(~\w+/~\w+)\?uploadId", shown)} & {*re.findall(r"<Key>([^<]+)", shown)}
    assert len(hashes) == (1 if "explain" in arguments else 2)
    assert SECRET not in ran.stderr
