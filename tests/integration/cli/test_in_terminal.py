"""
Every command in a real terminal and piped: what it may show there, what it asks, and how it ends.

The world has keys that no terminal should get as they are. What a command says in detail is in the other test files.
"""

import json
import re
from dataclasses import dataclass, field

import pytest
from rich.cells import cell_len

from cos_sweeper.cli.main import GROUPS
from cos_sweeper.cli.progress import FRAMES
from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS
from tests.terminal import in_terminal, screen

PHOTO_BUCKET, LOG_BUCKET = (one.partition("@")[0] for one in (PHOTOS, LOGS))
# It would colour, ring, set the title, begin a line, turn the direction and hide what follows.
HOSTILE = "old/\x1b[31mred\x07\x1b]0;title\x9b2J\r\nnext\u202eesrever\u2066\u200b\ttab"
NOT_UTF8 = "bad/\udcff\udcfe"
WIDE = "照片/" + "二〇二六年七月的备份" * 8
LONG = "long/" + "a" * 700
COLOUR = re.compile("\x1b\\[(?:[\\d;]*;)?(?:3[0-7]|38|9[0-7])[;m]")


@dataclass(frozen=True)
class Case:
    """answers: of the person to its questions. exit_code: as documented. refusal: what it says where nobody answers."""

    arguments: tuple[str, ...]
    exit_code: int = 0
    answers: tuple[str, ...] = ()
    refusal: str = ""
    has_progress: bool = False
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "_".join(one for one in self.arguments if one.isascii() and one.isprintable() and "@" not in one)


# Partial where the key that is not UTF-8 is left, because no request can name it.
PLAIN = (
    Case(("check",), settings={"EXCLUDE_PREFIXES": json.dumps(["no/\x1b[31m\u202e"], ensure_ascii=False)}),
    Case(("inventory",), 3, has_progress=True),
    Case(("survey",)),
    Case(("explain", PHOTOS, HOSTILE)),
    Case(("explain", PHOTOS, WIDE)),
    Case(("report",)),
    Case(("report", "latest")),
    Case(("report", "--find", HOSTILE)),
    Case(("sweep",), 3, has_progress=True),
    Case(("lifecycle",)),
    Case(("policy", "--region", "ap-guangzhou"), settings={"DRY_RUN": "false"}),
    Case(("settings",), settings={"EXCLUDE_PREFIXES": json.dumps(["no/\x1b[31m\u202e"], ensure_ascii=False)}),
    Case(("events",)),
    Case(("report", "no/\x1b[31m\u202e"), 2),
    Case(("events", "direct", "--key", HOSTILE)),
)
ASKING = (
    Case(("sweep", "--abort"), 3, ("y",), "--yes", has_progress=True),
    Case(("abort", PHOTOS, HOSTILE), 0, ("y",), "--yes"),
    Case(("drain", LOGS), 3, (LOG_BUCKET,), "--confirm", has_progress=True),
    Case(("lifecycle", "--add-rule", "30", "--prefix", "照片/", "--bucket", PHOTOS), 0, ("y",), "--yes"),
)
CASES = (*PLAIN, *ASKING)


@pytest.fixture
def world(cloud: Cloud, command: Command) -> Command:
    """The command, where a run was recorded and abandoned uploads of every kind of key are."""
    cloud.seed(PHOTO_BUCKET, HOSTILE)
    command("sweep", "--abort", "--yes", "--bucket", PHOTOS)
    for key in (HOSTILE, NOT_UTF8, WIDE, LONG):
        cloud.seed(PHOTO_BUCKET, key, initiators=["qcs::cam::uin/100000000001:uin/\u202e\x07"])
        cloud.seed(LOG_BUCKET, key)
    command.settings = {"BUCKETS": f"{PHOTOS},{LOGS}", "MONITOR_ENDPOINT": cloud.api_endpoint}
    return command


def unprintable(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.replace("\u00a0", " ").isprintable()]


def test_every_command_is_here() -> None:
    there = {name for _, names in GROUPS for name in names} - {"completion"}

    assert {case.arguments[0] for case in CASES} == there


@pytest.mark.sampled(len(CASES))
@pytest.mark.parametrize(
    ("case", "is_narrow"),
    [
        pytest.param(case, is_narrow, id=f"{case}-{'narrow' if is_narrow else 'wide'}")
        for index, case in enumerate(CASES)
        for is_narrow in (index % 2 == 0, index % 2 == 1)
    ],
)
def test_command_in_a_terminal(case: Case, world: Command, *, is_narrow: bool) -> None:
    """Narrow, in Chinese and without colours, or wide, in English and with them. Every day each command in one way."""
    columns, settings = (80, {"LANG": "zh_CN.UTF-8", "NO_COLOR": "1"}) if is_narrow else (200, {})

    ran = in_terminal(world, *case.arguments, answers=case.answers, columns=columns, **case.settings, **settings)

    lines = screen(ran.stdout)
    assert unprintable(lines) == []
    if not {"policy", "direct"} & {*case.arguments}:  # JSON to copy is not cut
        assert max(cell_len(line) for line in lines) <= columns
    assert not (is_narrow and COLOUR.search(ran.stdout))
    assert any(frame in ran.stdout for frame in FRAMES) == case.has_progress
    assert not {*FRAMES} & {*"".join(lines)}
    assert ran.exit_code == case.exit_code


@pytest.mark.parametrize("case", [case for case in ASKING if "drain" not in case.arguments], ids=str)
def test_answer_that_is_no_yes_changes_nothing(case: Case, world: Command, cloud: Cloud) -> None:
    since = cloud.mark()

    ran = in_terminal(world, *case.arguments, answers=("maybe",))

    assert {request.method for request in cloud.requests(since)} == {"GET"}
    assert ran.exit_code == 130


@pytest.mark.parametrize("is_json", [False, True], ids=["lines", "json"])
@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_piped_command_writes_plain_lines_or_json(case: Case, world: Command, *, is_json: bool) -> None:
    ran = world(*case.arguments, *(["--json"] if is_json else []), LANG="zh_CN.UTF-8", **case.settings)

    assert ran.exit_code == case.exit_code
    assert unprintable((ran.stdout + ran.stderr).replace("\t", "").split("\n")) == []
    assert not is_json or case.exit_code == 2 or json.loads(ran.stdout)


@pytest.mark.parametrize("is_json", [False, True], ids=["lines", "json"])
@pytest.mark.parametrize("case", ASKING, ids=str)
def test_piped_command_does_not_ask(case: Case, world: Command, cloud: Cloud, *, is_json: bool) -> None:
    since = cloud.mark()

    ran = world(*case.arguments, *(["--json"] if is_json else []))

    assert {request.method for request in cloud.requests(since)} <= {"GET"}
    assert ran.exit_code == 2
    assert f"`{case.refusal}" in ran.stderr
    assert not is_json or not ran.stdout or json.loads(ran.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("sweep", "--nothing"),
        ("sweep", "--lang"),
        ("sweep", "--json=1"),
        ("sweep", "extra"),
        ("explain", PHOTOS),
        ("events", "nothing"),
        ("lifecycle", "--add-rule", "0"),
        ("lifecycle", "--add-rule", "x"),
        ("inventory", "--config", "."),
        ("inventory", "--records", "file"),
        ("inventory", "--set", "x"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_in_chinese_with_a_next_step(arguments: tuple[str, ...], command: Command) -> None:
    (command.folder / "file").touch()

    ran = command(*arguments, LANG="zh_CN.UTF-8")

    error, step = ran.stderr.splitlines()
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert (error[:4], step[0]) == ("错误： ", "→")
    assert re.findall("[a-z]{3,} [a-z]{2,}", error) == []


TOUCHING_COS = (
    ("check",),
    ("inventory",),
    ("sweep",),
    ("sweep", "--abort", "--yes"),
    ("explain", PHOTOS, "key"),
    ("abort", PHOTOS, "key", "--yes"),
    ("drain", PHOTOS, "--confirm", PHOTO_BUCKET),
    ("lifecycle",),
    ("lifecycle", "--add-rule", "30", "--yes"),
    ("report", "latest"),
)
WITHOUT_COS = {
    "wrong_key": (
        {"TENCENTCLOUD_SECRET_KEY": "wrong"},
        "The SecretId or the SecretKey is wrong, or the key is disabled.",
    ),
    "expired": ({}, "The temporary credentials are over: get new ones."),
    "unreachable": (
        {"COS_ENDPOINT": "http://127.0.0.1:9"},
        "Check the network, the endpoint and the region, and try again.",
    ),
    "wrong_bucket": (
        {"BUCKETS": "nothing-1250000000@ap-guangzhou", "REPORT": "nothing-1250000000@ap-guangzhou/r"},
        "Check the name and the region",
    ),
}


@pytest.mark.parametrize(
    ("why", "arguments"),
    [
        pytest.param(why, arguments, id=f"{why}-{' '.join(arguments)}")
        for why in WITHOUT_COS
        # The engine tries all that it reads again, so the others take too long.
        for arguments in (TOUCHING_COS if why != "unreachable" else (("check",), ("explain", PHOTOS, "key")))
    ],
)
def test_command_that_cannot_work_fails_and_says_what_to_do(
    why: str, arguments: tuple[str, ...], command: Command, cloud: Cloud
) -> None:
    settings, step = WITHOUT_COS[why]
    if why == "expired":
        command.credentials = cloud.add_credentials(token="a-token-that-is-over", expires_in_seconds=0)
    if why == "wrong_bucket":
        arguments = tuple(one.replace("photos-", "nothing-") for one in arguments)

    ran = command(*arguments, **{"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/reports", **settings})

    said = ran.stdout if arguments == ("check",) else ran.stderr
    assert ran.exit_code == 1
    assert said.count("→") == (2 if why == "wrong_bucket" and arguments == ("check",) else 1)
    assert step in said or (arguments == ("lifecycle",) and "`cos-sweeper check`" in said)
    assert "abandoned" not in ran.stdout


@pytest.mark.parametrize("name", sorted({case.arguments[0] for case in CASES}))
def test_wrong_option_and_missing_settings_are_wrong_use(name: str, command: Command) -> None:
    (command.folder / "bad.toml").write_text("min_age_hours = = 3")
    (command.folder / "unknown.toml").write_text("min_age_hour = 3")
    arguments = {
        "explain": (PHOTOS, "k"),
        "abort": (PHOTOS, "k", "--yes"),
        "drain": (PHOTOS, "--confirm", PHOTO_BUCKET),
    }
    usual, no_credentials = arguments.get(name, ()), {"TENCENTCLOUD_SECRET_ID": "", "TENCENTCLOUD_SECRET_KEY": ""}

    runs = [
        command(name, *usual, "--nothing"),
        command(name, *usual, "--config", str(command.folder / "bad.toml")),
        command(name, *usual, "--config", str(command.folder / "unknown.toml")),
        *(
            []
            if name in ("check", "settings", "policy", "events", "report")
            else [command(name, *usual, BUCKETS=PHOTOS, **no_credentials)]
        ),
        *([] if name in ("check", "settings", "report", "events", *arguments) else [command(name)]),
    ]

    assert [(ran.exit_code, ran.stdout, ran.stderr.count("error: "), ran.stderr.count("→")) for ran in runs] == [
        (2, "", 1, 1)
    ] * len(runs)
