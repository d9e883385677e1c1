"""
The table of `make foreign` itself: what is a row of it, and when it fails.
"""

from tests.emulator.public import Cloud
from tests.foreign.__main__ import line, summary
from tests.foreign.checks import BUCKET, Client, NotInstalled, World, expect, rows, version_of


def finds_an_empty_bucket_and_an_empty_folder(world: World) -> None:
    expect("what is there", ([*world.folder.iterdir()], world.object_keys(), world.uploads()), ([], [], []))
    world.file(size=1)
    world.cloud.seed(BUCKET)


def is_surprised(_: World) -> None:
    expect("keys", ["a"], ["b"])


def raises(_: World) -> None:
    raise KeyError("a")


def fails_in_a_command(world: World) -> None:
    world.run("sh", "-c", "echo why >&2; exit 3")


AGAIN = finds_an_empty_bucket_and_an_empty_folder
GOOD = Client("good", lambda: "1.0", (AGAIN, AGAIN))
BAD = Client("bad", lambda: "1.0", (is_surprised, raises, fails_in_a_command))


def test_each_check_is_a_row_in_a_world_of_its_own_that_says_what_is_not_as_expected(cloud: Cloud) -> None:
    printed = [" ".join(line(row).split()) for client in (GOOD, BAD) for row in rows(client, cloud)]

    assert printed == [
        *["good 1.0 finds an empty bucket and an empty folder as expected"] * 2,
        "bad 1.0 is surprised NOT AS EXPECTED: keys: ['a'] instead of ['b']",
        "bad 1.0 raises NOT AS EXPECTED: KeyError: 'a'",
        "bad 1.0 fails in a command NOT AS EXPECTED: exit code 3: why",
    ]


def test_client_that_is_not_there_is_a_row_that_says_so(cloud: Cloud) -> None:
    [row] = rows(Client("none", lambda: version_of(["/no/such/command"]), (is_surprised,)), cloud)

    assert not row.is_installed
    assert "!!! NOT INSTALLED: " in line(row)
    assert "/no/such/command" in line(row)


def test_table_fails_where_a_row_is_not_as_expected_or_nothing_was_run(cloud: Cloud) -> None:
    def missing() -> str:
        raise NotInstalled("why")

    good, bad, none = (list(rows(each, cloud)) for each in (GOOD, BAD, Client("none", missing)))

    assert summary(good + none) == ("operations: 2, not as expected: 0, clients not installed: 1", 0)
    assert summary(good + bad) == ("operations: 5, not as expected: 3, clients not installed: 0", 1)
    assert [summary(each)[1] for each in (none, [])] == [1, 1]
