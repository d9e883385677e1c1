import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.client import Cloud, ControlError
from tests.emulator.journal import NEVER, Journal, Request
from tests.emulator.state import State, role_policy

BUCKET = "photos-1250000000"
ROOT = Path(__file__).parents[3]
MINUTE = timedelta(minutes=1)


def call(cloud: Cloud, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(cloud.control + path, data if body is not None else None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as rejected:
        with rejected:
            return rejected.code, json.load(rejected)


def knock(cloud: Cloud, path: str = "/a") -> None:
    """A request that COS rejects: nobody signed it."""
    with pytest.raises(urllib.error.HTTPError) as rejected:
        urllib.request.urlopen(f"{cloud.endpoint}/{BUCKET}{path}", timeout=20)
    rejected.value.close()


def test_clock_can_be_set_moved_and_put_right(cloud: Cloud) -> None:
    def now() -> datetime:
        return datetime.fromisoformat(call(cloud, "GET", "/clock")[1]["now"])

    real = datetime.now(timezone.utc)

    cloud.clock(now="2001-01-01T00:00:00Z")
    cloud.clock(now="2026-03-04T18:00:00+08:00")
    cloud.clock(advance_seconds=3600)
    moved = now()
    cloud.clock(offset_seconds=-7200)
    behind = now()
    cloud.reset()

    assert timedelta(0) <= moved - datetime(2026, 3, 4, 11, tzinfo=timezone.utc) < MINUTE
    assert timedelta(0) <= behind + timedelta(hours=2) - real < MINUTE
    assert timedelta(0) <= now() - real < MINUTE


def test_seeded_uploads_have_ages_relative_to_the_emulators_clock(cloud: Cloud) -> None:
    cloud.clock(now="2026-03-04T00:00:00Z")

    seeded = cloud.seed(
        BUCKET, "k{n:02}", count=3, parts=2, part_size=10, hours_since_start=48, hours_since_last_part=1, first=5
    )

    held = cloud.uploads(BUCKET)
    assert [(each.key, each.upload_id) for each in held] == [(each.key, each.upload_id) for each in seeded]
    assert [each.key for each in held] == ["k05", "k06", "k07"]
    assert {(each.parts, each.bytes) for each in held} == {(2, 20)}
    for each in held:
        assert each.last_part is not None
        assert timedelta(0) <= each.initiated - datetime(2026, 3, 2, tzinfo=timezone.utc) < MINUTE
        assert timedelta(0) <= each.last_part - datetime(2026, 3, 3, 23, tzinfo=timezone.utc) < MINUTE


def test_seed_may_name_its_upload_id_and_part_numbers(cloud: Cloud) -> None:
    [seeded] = cloud.seed(BUCKET, "a", upload_id="odd id", part_numbers=[10_000, 1], storage_class="ARCHIVE")

    [held] = cloud.uploads(BUCKET)
    assert (held.upload_id, held.parts, held.storage_class) == ("odd id", 2, "ARCHIVE")
    assert seeded.upload_id == "odd id"


def test_large_seed_names_its_first_thousand_uploads(cloud: Cloud) -> None:
    assert len(cloud.seed(BUCKET, count=1500)) == 1000
    assert cloud.totals()["buckets"][BUCKET]["upload_count"] == 1500


def test_uploads_can_be_listed_by_prefix_and_limited(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "a/{n}", count=3, parts=2, part_size=7)
    cloud.seed(BUCKET, "中\udcff{n}", count=3)

    assert [each.key for each in cloud.uploads(BUCKET, "中\udcff")] == ["中\udcff0", "中\udcff1", "中\udcff2"]
    limited = call(cloud, "GET", f"/state?bucket={BUCKET}&prefix=a/&limit=2")[1]
    assert [each["key"] for each in limited["uploads"]] == ["a/0", "a/1"]
    assert limited["upload_count"] == 6


def test_totals_count_uploads_objects_bytes_and_requests_by_operation(cloud: Cloud) -> None:
    cloud.seed(BUCKET, count=3, parts=2, part_size=7)
    knock(cloud)
    knock(cloud, "/?uploads")
    knock(cloud, "/?uploads")

    totals = cloud.totals()

    assert totals["buckets"][BUCKET] == {
        "region": "ap-guangzhou",
        "upload_count": 3,
        "upload_bytes": 42,
        "orphan_count": 0,
        "orphan_bytes": 0,
        "object_count": 0,
        "object_bytes": 0,
    }
    assert totals["operations"] == {"GetObject": 1, "ListMultipartUploads": 2}


def test_requests_are_listed_from_a_number_on(cloud: Cloud) -> None:
    knock(cloud, "/a%20b?versionId=")
    mark = cloud.mark()
    knock(cloud, "/c")

    first, second = cloud.requests()
    assert (first.number, first.method, first.raw_path, first.raw_query) == (0, "GET", f"/{BUCKET}/a%20b", "versionId=")
    assert (first.operation, first.bucket, first.key) == ("GetObject", BUCKET, "a b")
    assert (first.status, first.code, first.secret_id) == (403, "AccessDenied", "")
    assert cloud.requests(mark) == [second]
    assert cloud.requests(mark + 1) == []
    assert call(cloud, "GET", "/requests?since=0&limit=1")[1]["next"] == 1


def test_journal_keeps_the_latest_requests_and_counts_them_all() -> None:
    def request(number: int) -> Request:
        return Request(
            number,
            NEVER,
            "GET",
            "/",
            "",
            "",
            "GetService",
            "",
            "",
            "",
            200,
            "",
            "",
            "",
            "",
        )

    journal = Journal(keep=3)
    for number in range(5):
        journal.add(request(number))

    assert [each.number for each in journal.since(0)] == [2, 3, 4]
    assert [each.number for each in journal.since(4)] == [4]
    assert journal.since(5) == []
    assert journal.counts["GetService"] == 5


def test_reset_empties_everything_but_credentials(cloud: Cloud) -> None:
    added = cloud.add_credentials(secret_id="AKIDMINE")
    cloud.seed(BUCKET)
    cloud.fault(status=500, code="InternalError")
    knock(cloud)

    cloud.reset()

    assert cloud.uploads(BUCKET) == []
    assert cloud.requests() == []
    assert cloud.totals()["operations"] == {}
    knock(cloud)
    assert cloud.requests()[0].status == 403
    listed = call(cloud, "GET", "/credentials")[1]["credentials"]
    assert {added.secret_id, cloud.owner.secret_id, cloud.role.secret_id} <= {each["secret_id"] for each in listed}


def test_reset_with_other_buckets_replaces_them_and_the_role_follows(cloud: Cloud) -> None:
    cloud.reset("a-1259999999@eu-frankfurt")

    assert list(cloud.totals()["buckets"]) == ["a-1259999999"]
    listed = call(cloud, "GET", "/credentials")[1]["credentials"]
    [role] = [each for each in listed if each["secret_id"] == cloud.role.secret_id]
    assert "qcs::cos:eu-frankfurt:uid/1259999999:a-1259999999/*" in role["policy"]["statement"][0]["resource"]


def test_reset_that_is_rejected_changes_nothing(cloud: Cloud) -> None:
    cloud.seed(BUCKET)

    with pytest.raises(ControlError, match="must end with -1250000000"):
        cloud.reset("a-1250000000@ap-guangzhou", "b-1259999999@ap-guangzhou")

    assert len(cloud.uploads(BUCKET)) == 1


def test_roles_policy_can_be_replaced(cloud: Cloud) -> None:
    policy = {"version": "2.0", "statement": []}

    cloud.set_role_policy(policy)

    listed = call(cloud, "GET", "/credentials")[1]["credentials"]
    assert [each["policy"] for each in listed if each["secret_id"] == cloud.role.secret_id] == [policy]


def test_roles_policy_names_exactly_what_the_sweeper_needs() -> None:
    account = State([f"{BUCKET}@ap-guangzhou"]).account

    bucket = f"qcs::cos:ap-guangzhou:uid/1250000000:{BUCKET}/"
    assert role_policy(account).document["statement"] == [
        {
            "effect": "allow",
            "action": ["name/cos:AbortMultipartUpload", "name/cos:ListParts"],
            "resource": [f"{bucket}*"],
        },
        {
            "effect": "allow",
            "action": ["name/cos:ListMultipartUploads", "name/cos:GetBucketLifecycle", "name/cos:GetBucketObjectLock"],
            "resource": [bucket],
        },
        {
            "effect": "allow",
            "action": ["name/cos:PutObject", "name/cos:GetObject", "name/cos:GetBucket"],
            "resource": [f"{bucket}sweeper-reports/*"],
        },
        {"effect": "allow", "action": ["name/cos:GetService"], "resource": ["*"]},
    ]


def test_faults_can_be_given_at_once_with_a_seed_for_their_chance(cloud: Cloud) -> None:
    faults = [{"operation": "GetObject", "status": 500}, {"delay_ms": 1, "probability": 0.5}]

    status, answer = call(cloud, "POST", "/faults", {"seed": 7, "faults": faults})

    assert status == 200
    assert len(set(answer["ids"])) == 2
    knock(cloud)
    cloud.heal()
    knock(cloud)
    assert [each.status for each in cloud.requests()] == [500, 403]


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        pytest.param("POST", "/seed", b"{", "not JSON", id="no JSON"),
        pytest.param("POST", "/seed", {}, "'bucket' is missing", id="no bucket"),
        pytest.param("POST", "/seed", {"bucket": "b"}, "does not exist", id="unknown bucket"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "cuont": 1}, "unknown 'cuont'", id="misspelt"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "count": -1}, "0 or above", id="below none"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "key": "\ud800"}, "surrogate", id="no key at all"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "part_numbers": [1, 1]}, "distinct", id="part twice"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "part_numbers": [10_001]}, "10000", id="part too high"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "parts": 10_001}, "10000", id="too many parts"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "upload_id": "x", "count": 2}, "'count' of 1", id="one id"),
        pytest.param(
            "POST", "/seed", {"bucket": BUCKET, "hours_since_last_part": 200}, "before the upload", id="part first"
        ),
        pytest.param("POST", "/clock", {}, "give one of", id="no time"),
        pytest.param("POST", "/clock", {"now": "noon"}, "'noon' is not a time", id="no such time"),
        pytest.param("POST", "/clock", {"now": "2026-03-04T10:01:33"}, "no offset", id="time without offset"),
        pytest.param("POST", "/faults", {"operation": "Abort", "delay_ms": 1}, "must be one of", id="no operation"),
        pytest.param(
            "POST",
            "/faults",
            {"operation": "AbortMultipartUpload", "part": {"when": "after", "if_gone": "vanishes"}},
            "'if_gone' must be one of",
            id="no fate of a part",
        ),
        pytest.param(
            "POST",
            "/uploads/forget",
            {"bucket": BUCKET, "key": "a", "upload_id": "1"},
            "does not exist",
            id="no upload",
        ),
        pytest.param("POST", "/buckets/freeze", {"bucket": BUCKET, "listings": 0}, "1 or above", id="no listings"),
        pytest.param(
            "POST", "/buckets/freeze", {"bucket": BUCKET, "on": "yes"}, "true or false", id="neither on nor off"
        ),
        pytest.param("POST", "/buckets/throttle", {"bucket": BUCKET, "status": 200}, "400 or above", id="no error"),
        pytest.param("POST", "/credentials", {"policy": {}}, "'version'", id="no policy"),
        pytest.param("POST", "/role", {"policy": {}}, "'version'", id="no policy for the role"),
        pytest.param("POST", "/reset", {"buckets": ["photos"]}, "name-appid@region", id="no bucket's name"),
        pytest.param("POST", "/reset", {"buckets": ["a-1250000000@gz"]}, "name-appid@region", id="a region's old name"),
        pytest.param("POST", "/reset", {"buckets": []}, "something in it", id="no buckets"),
        pytest.param("POST", "/clock", b'{"offset_seconds": Infinity}', "must be a number", id="infinite"),
        pytest.param("POST", "/clock", b'{"offset_seconds": NaN}', "must be a number", id="no number"),
        pytest.param("POST", "/clock", b'{"advance_seconds": 1e300}', "must be a number", id="huge"),
        pytest.param("POST", "/clock", {"advance_seconds": 10**400}, "must be a number", id="huge whole number"),
        pytest.param("POST", "/clock", b'{"advance_seconds": %s}' % (b"9" * 5000), "not JSON", id="too many digits"),
        pytest.param("POST", "/clock", {"advance_seconds": 1e14}, "too large", id="beyond all times"),
        pytest.param("POST", "/clock", {"now": "9999-12-31T23:59:59Z"}, "the year", id="last second"),
        pytest.param("POST", "/clock", {"now": "0001-01-01T00:00:00Z"}, "the year", id="first second"),
        pytest.param("POST", "/credentials", {"expires_in_seconds": 1e12}, "too large", id="for ever"),
        pytest.param("POST", "/seed", {"bucket": BUCKET, "hours_since_start": 1e12}, "too large", id="too long ago"),
        pytest.param("POST", "/seed", b"[" * 100_000, "too deeply", id="too deep"),
        *(
            pytest.param("POST", "/faults", {"raw": "x", "headers": headers}, "no response can carry", id=repr(headers))
            for headers in ({"a": "b\r\nc: d"}, {"a\r\nb": "c"}, {"a": "\0"}, {"": "a"}, {"a": "\ud800"}, {"a b": "c"})
        ),
        pytest.param("POST", "/faults", {"redirect": "http://a/\r\nb: c"}, "no response can carry", id="redirect"),
        pytest.param("POST", "/dialect", {"initiated": {"format": "%f", "fraction_digits": 10**9}}, "100", id="digits"),
        pytest.param("GET", f"/requests?limit={'9' * 5000}", None, "'limit' must be", id="limit of many digits"),
        pytest.param("GET", "/requests?since=-1", None, "'since' must be", id="since below 0"),
        pytest.param("GET", "/state?bukcet=x", None, "unknown 'bukcet'", id="misspelt parameter"),
    ],
)
def test_control_request_that_is_malformed_is_rejected_with_the_reason(
    cloud: Cloud, method: str, path: str, body: object, problem: str
) -> None:
    status, answer = call(cloud, method, path, body)

    assert status == 400
    assert problem in answer["error"]


def test_control_path_that_does_not_exist_is_an_error(cloud: Cloud) -> None:
    status, answer = call(cloud, "GET", "/nothing")

    assert status == 404
    assert "POST /seed" in answer["error"]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.emulator", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_request_that_is_no_http_is_rejected_and_no_failure() -> None:
    start = b"PUT /a HTTP/1.1\r\nHost: x\r\n"
    endings = (b"X: %s\r\n\r\n" % (b"a" * 9000), b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"\0: a\r\n\r\n")
    with Cloud.start() as cloud:
        for sent in (b"PUT /\xe4\xb8\xad HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", *(start + each for each in endings)):
            with socket.create_connection(("127.0.0.1", cloud.port), timeout=20) as connection:
                connection.sendall(sent)
                assert connection.recv(100).split()[1] in (b"400", b"403")

        assert cloud.stop() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_emulator_runs_alone_prints_one_line_and_stops_on_demand(number: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.emulator",
        "--cos-port=0",
        "--control-port=0",
        f"--bucket={BUCKET}@ap-guangzhou",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        greeting = json.loads(process.stdout.readline())
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)

    assert (process.returncode, rest, errors) == (0, b"", b"")
    assert greeting["cos"].startswith("http://127.0.0.1:")
    assert greeting["buckets"] == [f"{BUCKET}@ap-guangzhou"]
    assert set(greeting["owner"]) == {"secret_id", "secret_key"}
    assert set(greeting["role"]) == {"secret_id", "secret_key", "token", "expires"}


def test_emulator_stops_when_its_parent_is_gone() -> None:
    command = [sys.executable, "-m", "tests.emulator", "--cos-port=0", "--control-port=0", "--stop-at-eof"]

    result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)

    assert result.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["--bucket", "photos"], "name-appid@region", id="no bucket's name"),
        pytest.param(["--bucket", "a-1250000000@r", "--bucket", "a-1250000000@r"], "twice", id="bucket twice"),
        pytest.param(["--cos-port", "65536"], "'65536' is not a port number", id="no port"),
        pytest.param(["--keep-requests", "some"], "'some' is not a number", id="no number"),
    ],
)
def test_wrong_arguments_are_reported_in_one_line(arguments: list[str], problem: str) -> None:
    result = run(*arguments)

    assert result.returncode == 2
    assert problem in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_port_in_use_is_reported(cloud: Cloud) -> None:
    result = run("--cos-port", str(cloud.port), "--control-port", "0")

    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1:{cloud.port}" in result.stderr


def test_emulator_that_cannot_start_reports_the_reason() -> None:
    with pytest.raises(ControlError, match="name-appid@region"):
        Cloud.start("photos")


def test_stopping_twice_is_harmless() -> None:
    cloud = Cloud.start()

    cloud.stop()
    cloud.stop()


def test_control_connection_that_was_closed_meanwhile_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    connect = socket.create_connection

    def remember(*args: Any, **kwargs: Any) -> socket.socket:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    with Cloud.start() as cloud:
        monkeypatch.setattr(socket, "create_connection", remember)
        cloud.mark()
        cloud.mark()
        before = len(opened)
        opened[-1].shutdown(socket.SHUT_RDWR)

        cloud.mark()

    assert (before, len(opened)) == (1, 2)
