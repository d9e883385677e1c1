"""
Every command that is printed as a next step works as typed, with what this invocation was given.
"""

import json
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cos_sweeper.cli import command_line
from cos_sweeper.cli.main import cli
from tests.command import Command, Ran
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, role_policy

BUCKET = PHOTOS.partition("@")[0]
SCOPED = ["--bucket", PHOTOS, "--config", "my.toml", "--profile", "nobody"]


def printed(ran: Ran) -> list[list[str]]:
    """The commands that are printed, in words."""
    return [shlex.split(line) for line in re.findall(r"`(cos-sweeper [a-z][^`]*)`", ran.stdout + ran.stderr)]


def parsed(words: list[str]) -> click.Context:
    group = cli.make_context("cos-sweeper", words[1:])
    command = cli.get_command(group, words[1])
    assert command is not None, words
    return command.make_context(words[1], words[2:], parent=group)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", *SCOPED],
        ["inventory", *SCOPED],
        ["inventory", *SCOPED, "--records", "there"],
        ["inventory", "--all-buckets", "--config", "my.toml", "--profile", "nobody"],
        ["sweep", *SCOPED, "--prefix", "raw/", "--min-age-hours", "100", "--exclude-prefix", "a b"],
        ["sweep", *SCOPED, "--abort", "--yes", "--max-aborts", "1"],
        ["sweep", *SCOPED, "--set", "MIN_AGE_HOURS=x"],
        ["abort", PHOTOS, "a", "--yes", *SCOPED[2:]],
        ["abort", PHOTOS, "", "--yes", *SCOPED[2:]],
        ["drain", PHOTOS, *SCOPED[2:], "--dry-run"],
        ["lifecycle", *SCOPED],
        ["survey", *SCOPED],
        ["events", *SCOPED],
    ],
    ids=lambda words: " ".join(one for one in words if one not in SCOPED)[:50],
)
def test_printed_command_has_what_this_one_was_given(arguments: list[str], cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/a", count=2, hours_since_start=300)
    cloud.seed(BUCKET, "a", hours_since_start=3)
    (command.folder / "my.toml").write_text("workers = 4\n")
    (command.folder / ".tccli").mkdir()
    owner = {"secretId": cloud.owner.secret_id, "secretKey": cloud.owner.secret_key}
    (command.folder / ".tccli" / "nobody.credential").write_text(json.dumps(owner))

    commands = printed(command(*arguments))

    assert commands
    for words in commands:
        params = parsed(words).params
        names = {one.name for one in parsed(words).command.params}
        assert (params["config_file"], params["profile"]) == (Path("my.toml"), "nobody")
        assert "buckets" not in names or params["buckets"] == (PHOTOS,) or "--all-buckets" in words
        for option in {"--prefix", "--min-age-hours", "--exclude-prefix"} & {*arguments}:
            assert words[1] == "report" or arguments[arguments.index(option) + 1] in words


def test_list_that_is_printed_as_the_next_step_has_every_upload(cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/\x1b[31m\u00a0\\", hours_since_start=300, parts=2)
    cloud.seed(BUCKET, "in-use", hours_since_start=300, hours_since_last_part=1)
    ran = command("sweep", "--bucket", PHOTOS, "--abort", "--yes", "--records", "there")

    (line,) = [words for words in printed(ran) if "--list" in words]
    listed, data = command(*line[1:]), command(*line[1:], "--json")

    rows = {row[1]: row for row in (text.split("\t") for text in listed.stdout.splitlines())}
    assert {key: (row[0], row[3], *row[6:]) for key, row in rows.items()} == {
        "raw/\\x1b[31m\\xc2\\xa0\\\\": (PHOTOS, str(2 << 20), "aborted", ""),
        "in-use": (PHOTOS, str(1 << 20), "kept", "a part arrived recently"),
    }
    assert [len(row) for row in rows.values()] == [8, 8]
    assert len(data.stdout.splitlines()) == 2


def test_user_who_cannot_list_buckets_is_told_to_name_them(cloud: Cloud, command: Command) -> None:
    command.credentials = cloud.add_credentials(policy=role_policy({"BUCKETS": f"{PHOTOS},{LOGS}"}))

    ran = command("inventory", "--all-buckets", "--min-age-hours", "200")

    assert ran.exit_code == 1
    assert "`cos-sweeper check --min-age-hours 200 --bucket NAME@REGION`" in ran.stderr


@example(text="=ls")
@given(text=st.text(min_size=1, alphabet=st.characters(exclude_characters="\0", codec="utf-8")))
def test_word_for_a_shell_is_read_back_as_it_was(text: str) -> None:
    word = command_line.shell_word(text)

    assert word.isprintable()
    assert not word.startswith("=")  # the path of a command, for zsh
    assert subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout == text.encode()


@pytest.mark.parametrize(
    ("arguments", "settings", "exit_code"),
    [
        (["drain", PHOTOS, "--dry-run"], {}, 0),
        (["drain", PHOTOS, "--dry-run", "--confirm", BUCKET], {}, 3),
        (["drain", PHOTOS], {"DRY_RUN": "true"}, 3),
        (["abort", "--dry-run", "--", PHOTOS, "-a"], {}, 0),
        (["abort", "--dry-run", "--yes", "--", PHOTOS, "-a"], {}, 3),
        (["abort", "--", PHOTOS, "-a"], {"DRY_RUN": "true"}, 3),
        (["sweep", "--bucket", PHOTOS, "--dry-run"], {}, 0),
        (["sweep", "--bucket", PHOTOS, "--dry-run", "--abort"], {}, 3),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None,
)
def test_dry_run_is_complete_where_it_is_all_that_is_asked_for(
    arguments: list[str], settings: dict[str, str], exit_code: int, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "-a", hours_since_start=300)

    ran = command(*arguments, **settings)

    assert (ran.exit_code, len(cloud.uploads(BUCKET))) == (exit_code, 1)
    assert exit_code or [words for words in printed(ran) if words[1] == arguments[0] and "--dry-run" not in words]


@pytest.mark.parametrize("verb", ["abort", "explain"])
def test_key_that_a_shell_cannot_read_is_shown_in_a_form_that_it_can(verb: str, cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "raw/\x1b[31m", hours_since_start=3)

    ran = command(verb, PHOTOS, "raw/\x1b[31m", *(["--dry-run"] if verb == "abort" else []))

    assert "For a shell: $'raw/\\x1b[31m'" in ran.stderr
