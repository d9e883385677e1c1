"""
Completion as a person sees it: in each shell that this machine has, in a real terminal.
"""

import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from cos_sweeper.cli import completing, suggestions, words
from cos_sweeper.cli.main import cli
from tests.command import Command
from tests.emulator.public import Cloud
from tests.fake_server import Server, always
from tests.function import LOGS, PHOTOS, role_policy
from tests.terminal import Terminal, environ_of
from tests.unit.net.transport import ok

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
SWITCH_ON = {
    "bash": 'eval "$(cos-sweeper completion bash)"',
    "zsh": 'eval "$(cos-sweeper completion zsh)"',
    "fish": "cos-sweeper completion fish | source",
}
RUN_ID = "20261126T011804Z-9e036f22"
# What is typed → the words that the command gets.
TYPED = {
    "swe\t--unt\t": ["sweep", "--until-empty"],
    "sweep --bucket pho\t--abo\t": ["sweep", "--bucket", PHOTOS, "--abort"],
    "sweep --bucket=pho\t": ["sweep", f"--bucket={PHOTOS}"],
    f"drain {PHOTOS[:17]}\t": ["drain", PHOTOS],
    f"drain {PHOTOS.partition('@')[0]}@a\t": ["drain", PHOTOS],
    "sweep --exclude-bucket pho\t--abo\t": ["sweep", "--exclude-bucket", PHOTOS.partition("@")[0], "--abort"],
    "policy --region eu-\t--only tr\t": ["policy", "--region", "eu-frankfurt", "--only", "trust"],
    "policy --region=eu-\t": ["policy", "--region=eu-frankfurt"],
    "check --function ap-sing\tf": ["check", "--function", "ap-singapore/f"],
    "report 2026\t": ["report", RUN_ID],
    "sweep --set MAX_A\t5": ["sweep", "--set", "MAX_ABORTS=5"],
    "sweep --html some-f\t": ["sweep", "--html", "some-file.html"],
    "sweep --html=some-f\t": ["sweep", "--html=some-file.html"],
    "report --records cos-sw\tx": ["report", "--records", "cos-sweeper-records/x"],
    "check --profile ow\t": ["check", "--profile", "owner"],
    "nonsense a\t": ["nonsense", "a"],
}


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    yield
    words.use(words.ENGLISH)


@pytest.fixture
def installed(command: Command) -> Command:
    """A `cos-sweeper` that completes, and shows the words that it gets in place of obeying them."""
    path = command.folder / "bin" / "cos-sweeper"
    path.parent.mkdir()
    path.write_text(
        f'#!/bin/sh\nif [ -n "$_COS_SWEEPER_COMPLETE" ] || [ "$1" = completion ]; then\n'
        f'exec "{sys.executable}" -m cos_sweeper "$@"; fi\nprintf "got"; printf "<%s>" "$@"; echo "<>"\n'
    )
    path.chmod(0o755)
    (command.folder / "cos-sweeper-records" / RUN_ID / "parts").mkdir(parents=True)
    (command.folder / "some-file.html").touch()
    (command.folder / ".tccli").mkdir()
    (command.folder / ".tccli" / "owner.credential").touch()
    return command


def shell(name: str, installed: Command, **settings: str) -> Terminal:
    if not shutil.which(name):
        pytest.skip(f"THIS MACHINE HAS NO {name}: completion in it is not tested here")
    environ = environ_of(installed, **settings)
    environ["PATH"] = f"{installed.folder / 'bin'}:{environ['PATH']}"
    return Terminal(SHELLS[name], environ, installed.folder, columns=200)


@pytest.mark.parametrize("name", SHELLS)
def test_tab_completes_commands_options_and_values_in_a_shell(name: str, installed: Command) -> None:
    with shell(name, installed) as running:
        running.type(f"{SWITCH_ON[name]}\necho rea''dy\n")
        running.until("ready")
        for typed, got in TYPED.items():
            running.type(f"cos-sweeper {typed}\n")
            running.until(f"got{''.join(f'<{word}>' for word in got)}<>")
        assert "Traceback" not in running.shown
        assert "rror" not in running.shown.replace(SWITCH_ON[name], "")


@pytest.mark.parametrize("name", SHELLS)
def test_tab_shows_no_error_where_nothing_works(name: str, installed: Command) -> None:
    (installed.folder / "cos-sweeper.toml").write_text("no = [toml")
    with shell(name, installed, TENCENTCLOUD_SECRET_KEY="", BUCKETS="nonsense") as running:
        running.type(f"{SWITCH_ON[name]}\necho rea''dy\n")
        running.until("ready")
        running.type("cos-sweeper sweep --bucket pho\t\n")
        running.until("got<sweep><--bucket><pho><>")
        assert "rror" not in running.shown.replace(SWITCH_ON[name], "")
        assert "TOML" not in running.shown


OTHER = ("photos-1250000000", "ap-x")


def ask(line: str, **environ: str) -> list[list[str]]:
    return [one.split("\t") for one in completing.lines(cli, {completing.LINE: line, **environ})]


def values(command: Command, line: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> list[str]:
    monkeypatch.setattr(suggestions, "environment", lambda: environ_of(command, **settings))
    return [value for kind, value, _ in ask(f"cos-sweeper {line}") if kind == "plain"]


def test_buckets_are_those_that_the_settings_allow_and_nothing_is_asked_then(
    command: Command, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command.folder / "other.toml").write_text(f'buckets = "{LOGS},{PHOTOS}"')

    assert values(command, "drain ", monkeypatch, BUCKETS=PHOTOS) == [PHOTOS]
    assert values(command, "sweep --config other.toml --bucket ", monkeypatch) == [LOGS, PHOTOS]
    assert values(command, f"sweep --config other.toml --bucket {LOGS} --bucket ", monkeypatch) == [PHOTOS]
    assert values(command, "drain ", monkeypatch, BUCKETS=f"{PHOTOS},{LOGS}", EXCLUDE_BUCKETS=LOGS[:15]) == [PHOTOS]
    assert cloud.requests() == []


def test_bucket_that_a_terminal_would_obey_is_not_suggested(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("x&#x202e;&#x9b;31m", "ap-guangzhou"), ("$(id)-1250000000", "ap-guangzhou"), (LOGS[:15], "ap-x/")
    listed = "".join(f"<Bucket><Name>{name}</Name><Location>{at}</Location></Bucket>" for name, at in (*names, OTHER))
    page = ok(f"<ListAllMyBucketsResult><Buckets>{listed}</Buckets></ListAllMyBucketsResult>")

    with Server([always(lambda _: page)], [always(lambda _: page)]) as server:
        found = values(command, "drain ", monkeypatch, COS_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert found == ["@".join(OTHER)]


def test_buckets_that_cannot_be_listed_are_not_suggested_and_regions_are(
    command: Command, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.credentials = cloud.add_credentials(policy=role_policy({"BUCKETS": PHOTOS, "DRY_RUN": "false"}))
    denied = {"TENCENTCLOUD_SECRET_ID": command.credentials.secret_id}
    denied["TENCENTCLOUD_SECRET_KEY"] = command.credentials.secret_key

    assert values(command, "drain ", monkeypatch, **denied) == []
    assert values(command, "drain x-1@na-", monkeypatch, **denied) == ["x-1@na-ashburn", "x-1@na-siliconvalley"]


def test_list_of_buckets_without_an_end_does_not_hold_the_shell(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "SECONDS", 0.5)
    numbers = count(1)

    def page(_: bytes) -> bytes:
        name = f"b{next(numbers):06}-1250000000"
        bucket = f"<Bucket><Name>{name}</Name><Location>ap-guangzhou</Location></Bucket>"
        more = f"<IsTruncated>true</IsTruncated><NextMarker>{name}</NextMarker>"
        return ok(f"<ListAllMyBucketsResult><Buckets>{bucket}</Buckets>{more}</ListAllMyBucketsResult>")

    with Server([always(page)], [always(page)]) as server:
        found = values(command, "drain b", monkeypatch, COS_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert found[:1] == ["b000001-1250000000@ap-guangzhou"]


def test_runs_are_those_of_the_directory_or_of_report_the_newest_first(
    command: Command, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("inventory", "--records", "here", "--set", f"BUCKETS={PHOTOS}")
    command("inventory", "--set", f"REPORT={LOGS}/r/", "--set", f"BUCKETS={PHOTOS}")
    (here,) = [path.name for path in Path("here").iterdir() if path.name[0] == "2"]
    (stored,) = {
        one.key.split("/")[1]
        for one in cloud.objects(LOGS.partition("@")[0])
        if "/2" in one.key and "history" not in one.key
    }

    assert values(command, "report --records here ", monkeypatch) == ["latest", here]
    assert values(command, "report ", monkeypatch, REPORT=f"{LOGS}/r/", BUCKETS=PHOTOS) == ["latest", stored]
    assert values(command, "report --records nowhere ", monkeypatch) == []


def test_no_secret_is_suggested_as_a_setting(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    names = values(command, "sweep --set ", monkeypatch)

    assert "MIN_AGE_HOURS=" in names
    assert [name for name in names if "SECRET" in name or "NOTIFY_URL" in name or "TOKEN" in name] == []


def test_help_of_what_is_suggested_is_in_the_language_in_use() -> None:
    words.use(words.CHINESE)

    assert [one[2].isascii() for one in ask("cos-sweeper ")] == [False] * len(ask("cos-sweeper "))
    assert [one for one in ask("cos-sweeper sweep -") if one[2].isascii()] == []


def test_bash_replaces_only_what_follows_its_last_break() -> None:
    breaks = {completing.BREAKS: " \t\n\"'@><=;|&(:"}

    assert ask("cos-sweeper policy --region=eu", **breaks) == [["plain", "eu-frankfurt", ""]]
    assert ask("cos-sweeper sweep --set x --bucket a-1@eu", **breaks) == [["plain", "eu-frankfurt", ""]]
