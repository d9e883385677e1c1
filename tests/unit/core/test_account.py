"""
The account: bands and their edges, policies, the corner, lists of uploads, failures and keys.
"""

import json
import zlib
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import path_sums, policy
from cos_sweeper.core.account import Account, Observation
from cos_sweeper.core.errors import AccountUnreadable
from cos_sweeper.core.model import PartsSeen
from cos_sweeper.core.policy import Policy
from tests.fixtures import HOUR, LOGS, NOW, PHOTOS
from tests.laws.accounts import account_of
from tests.profiles import examples

DAY = 24 * HOUR
LIMITS = Policy(min_age=7 * DAY, min_idle=3 * DAY)
DAYS = st.sampled_from([0, 1, 3, 7, 14, 30, 90])
moments = st.tuples(DAYS, st.integers(-1, 1)).map(lambda both: NOW - both[0] * DAY - both[1] * timedelta(seconds=1))


def upload(**changes: Any) -> Observation:
    usual = Observation(
        PHOTOS, "raw/a", "STANDARD", "", NOW - 40 * DAY, PartsSeen(10, 1, NOW - 40 * DAY), "aborted", "", "freed", "1"
    )
    return usual._replace(**changes)


def report(*seen: Observation, inventory: bool = False, limits: Policy = LIMITS) -> dict[str, Any]:
    return account_of(seen, inventory=inventory).as_json(limits, None)


@settings(max_examples=examples(100))
@given(
    started=moments,
    newest=st.none() | moments,
    age=st.sampled_from([1, 3, 7, 14, 30]),
    idle=st.sampled_from([0, 1, 3, 7]),
)
def test_policies_agree_with_the_policy_itself(started: Any, newest: Any, age: int, idle: int) -> None:
    seen = upload(started=started, seen=PartsSeen(10, 1, newest), group="left", outcome="would_abort")
    table = report(seen, inventory=True)["policies"]
    cell = table["cells"][table["age_days"].index(age)][table["idle_days"].index(idle)]

    would_go = NOW - started > age * DAY and (not idle or NOW - max(started, newest or started) > idle * DAY)
    is_active = newest is not None and NOW - newest <= 3 * DAY
    assert cell == {"uploads": would_go, "bytes": 10 * would_go, "active": would_go and is_active}


def test_sweep_shows_only_policies_that_are_at_least_as_strict_as_its_own() -> None:
    cells = report(upload())["policies"]["cells"]

    known = [[cell is not None for cell in row] for row in cells]
    assert known == [[False] * 4, [False] * 4, *[[False, False, True, True]] * 3]
    assert cells[4][3] == {"uploads": 1, "bytes": 10, "active": 0}


@pytest.mark.parametrize(
    ("reason", "uploads"),
    [
        (policy.STARTED_RECENTLY, 1),
        (policy.PART_RECENT, 1),
        (policy.NEW_PART, 1),
        (policy.EXCLUDED, 0),
        (policy.COMMITTERS, 0),
        (policy.OUTSIDE, 0),
        *((doubt, 0) for doubt in policy.DOUBTS),
    ],
)
def test_other_policy_aborts_nothing_that_its_key_or_a_doubt_keeps(reason: str, uploads: int) -> None:
    kept = upload(group="kept", outcome="kept", reason=reason)

    assert report(kept, inventory=True)["policies"]["cells"][0][0]["uploads"] == uploads


def test_corner_holds_what_is_old_and_still_receiving_parts() -> None:
    recent = PartsSeen(10, 1, NOW - DAY)
    corner = [
        upload(group="kept", outcome="kept", reason=policy.PART_RECENT, seen=recent),
        upload(group="kept", outcome="kept", reason=policy.PART_RECENT, seen=None),
        upload(group="kept", outcome="still_receiving", reason="", seen=recent),
    ]
    matrix = report(*corner, upload(group="kept", outcome="kept", reason=policy.STARTED_RECENTLY))["matrix"]

    assert (matrix["corner"]["uploads"], matrix["corner"]["bytes"], matrix["corner"]["size_unknown"]) == (3, 20, 1)
    assert matrix["unread"] == [0, 0, 0, 0, 0, 1, 0]
    assert matrix["cells"][5][0]["uploads"] == 2
    assert not any(cell["uploads"] for row in matrix["found"] for cell in row)


def test_young_uploads_whose_parts_were_not_read_are_counted_by_age() -> None:
    young = [
        upload(group="kept", outcome="kept", reason=policy.STARTED_RECENTLY, seen=None, started=NOW - days * DAY)
        for days in (0, 1, 2, 7)
    ]
    matrix = report(*young, upload(seen=None, started=None, group="kept", reason=policy.AGE_UNKNOWN))["matrix"]

    assert matrix["unread"] == [2, 1, 1, 0, 0, 0, 0]
    assert matrix["age_unknown"]["uploads"] == 1


def test_found_freed_and_kept_are_never_mixed() -> None:
    groups = ("freed", "left", "failed", "kept", "kept", "gone")
    totals = report(*(upload(group=group, reason="x", outcome=group) for group in groups))["totals"]

    assert {name: (one["uploads"], one["bytes"]) for name, one in totals.items()} == {
        "open": (5, 50), "found": (3, 30), "freed": (1, 10), "left": (1, 10), "failed": (1, 10), "kept": (2, 20),
    }  # fmt: skip


def test_kept_uploads_are_in_prefixes_and_lists_of_an_inventory_only() -> None:
    kept = upload(group="kept", outcome="kept", reason=policy.STARTED_RECENTLY)

    for inventory in (False, True):
        result = report(kept, inventory=inventory)
        shown = (result["prefixes"]["tree"], result["initiators"]["rows"], result["largest"], result["oldest"])
        assert [len(rows) for rows in shown] == [int(inventory)] * 4


def test_tree_goes_as_deep_as_needed_and_counts_uploads_beside_subdirectories() -> None:
    keys = ("top", "a/b/c/1", "a/b/c/2", "a/b/d/1", "a/b/direct")
    (bucket,) = report(*(upload(key=key) for key in keys))["prefixes"]["tree"]

    assert (bucket["name"], bucket["prefix"], bucket["freed"]["uploads"]) == (str(PHOTOS), "", 5)
    assert [(child["name"], child["prefix"]) for child in bucket["children"]] == [("a/b/", "a/b/"), ("", "")]
    below = bucket["children"][0]
    assert [(one["name"], one["prefix"], one["freed"]["uploads"]) for one in below["children"]] == [
        ("c/", "a/b/c/", 2), ("", "a/b/", 1), ("d/", "a/b/d/", 1),
    ]  # fmt: skip
    assert below["other"] is None


def test_tree_of_ten_thousand_directories_is_short_and_exact() -> None:
    seen = [
        upload(
            key=f"{number % 100:02}/{number:05}/x", seen=PartsSeen(number, 1, None), bucket=(PHOTOS, LOGS)[number % 2]
        )
        for number in range(10_000)
    ]
    prefixes = report(*seen)["prefixes"]
    names = json.dumps(prefixes).count('"name"')

    assert 100 < names <= 200
    assert sum(node["freed"]["bytes"] for node in prefixes["tree"]) == sum(range(10_000))
    assert sum(node["other"]["prefixes"] for node in prefixes["tree"] if node["other"]) < 10_000


def test_initiators_are_named_by_account_and_user_with_their_largest_prefix() -> None:
    rows = report(
        upload(initiator="qcs::cam::uin/100:uin/200", key="a/b/c/x", seen=PartsSeen(30, 1, None)),
        upload(initiator="qcs::cam::uin/100:uin/200", key="z/x", seen=PartsSeen(20, 1, None)),
        upload(initiator="somebody", key="x"),
    )["initiators"]["rows"]

    shown = [(row["account"], row["user"], row["top_bucket"], row["top_prefix"], row["freed"]["bytes"]) for row in rows]
    assert shown == [("100", "200", str(PHOTOS), "a/b/", 50), ("", "somebody", str(PHOTOS), "", 10)]


def test_initiators_beyond_the_shown_ones_are_one_exact_row() -> None:
    table = report(*(upload(initiator=f"{number:03}", seen=PartsSeen(number, 1, None)) for number in range(30)))[
        "initiators"
    ]

    assert [row["id"] for row in table["rows"]] == [f"{number:03}" for number in range(29, 4, -1)]
    assert (table["other"]["initiators"], table["other"]["freed"]["bytes"]) == (5, 0 + 1 + 2 + 3 + 4)


def test_largest_and_oldest_uploads_are_the_first_twenty() -> None:
    result = report(
        *(upload(upload_id=f"{n}", seen=PartsSeen(n, 1, None), started=NOW - (100 - n) * DAY) for n in range(25))
    )

    assert [row["bytes"] for row in result["largest"]] == list(range(24, 4, -1))
    assert [row["upload_id"] for row in result["oldest"]] == [str(number) for number in range(20)]


def test_failures_show_three_examples_for_each_code() -> None:
    example = {"status": 403, "cos_request_id": "id", "detail": "no", "permanent": True}
    failed = [upload(group="failed", reason="AccessDenied", key=f"{n}", example=example) for n in range(5)]
    (row,) = report(*failed)["failures"]

    assert (row["code"], row["uploads"], row["bytes"], row["permanent"]) == ("AccessDenied", 5, 50, True)
    assert [one["key"] for one in row["examples"]] == ["0", "1", "2"]
    assert {name: row["examples"][0][name] for name in ("status", "cos_request_id", "detail")} == {
        "status": 403, "cos_request_id": "id", "detail": "no",
    }  # fmt: skip


def test_failures_name_the_permissions_of_all_requests_that_failed() -> None:
    actions = ("name/cos:ListParts", "", "name/cos:AbortMultipartUpload", "name/cos:ListParts")
    parts = [Account() for _ in actions]
    for account, action in zip(parts, actions, strict=True):
        account.add(upload(group="failed", reason="AccessDenied", example={"action": action}), NOW)
    parts[0].add_failed_listing(None, "AccessDenied", {})
    for account in parts[1:]:
        parts[0].merge(account)
    (row,) = Account.read(parts[0].lines()).as_json(LIMITS)["failures"]

    assert row["actions"] == ["name/cos:AbortMultipartUpload", "name/cos:GetService", "name/cos:ListParts"]


def test_listing_that_failed_counts_no_upload() -> None:
    account = Account()
    account.add_failed_listing(PHOTOS, "NoSuchBucket", {"status": 404, "permanent": True})
    (row,) = Account.read(account.lines()).as_json(LIMITS)["failures"]

    assert (row["uploads"], row["listings"], row["permanent"]) == (0, 1, True)
    assert row["actions"] == ["name/cos:ListMultipartUploads"]
    assert row["examples"][0]["bucket"] == str(PHOTOS)


@pytest.mark.parametrize(
    ("key", "shown", "encoding"),
    [("日/x", "日/x", "utf-8"), ("a%/\udcff", "a%25/%FF", "percent"), ("a\ud800", "a%ED%A0%80", "percent")],
    ids=["text", "bytes", "surrogate"],
)
def test_key_that_is_not_utf8_is_shown_with_percent_signs(key: str, shown: str, encoding: str) -> None:
    (row,) = report(upload(key=key))["largest"]

    assert (row["key"], row["key_encoding"]) == (shown, encoding)


def test_hashed_keys_are_marked() -> None:
    account = account_of([upload()], inventory=False)

    assert account.as_json(LIMITS, hashed=True)["largest"][0]["key_encoding"] == "hmac"


@given(st.data())
def test_account_that_is_cut_off_or_changed_is_not_read(data: st.DataObject) -> None:
    lines = list(account_of([upload(), upload(group="kept", seen=None)], inventory=False).lines())
    cut = data.draw(st.integers(0, len(lines) - 1))

    for broken in (lines[:cut], lines[cut + 1 :], [*lines, lines[cut]], ["{}", *lines], [*lines[:cut], "[", *lines]):
        with pytest.raises(AccountUnreadable):
            Account.read(broken)


def test_account_of_another_version_is_not_read() -> None:
    first, *rest = Account().lines()

    with pytest.raises(AccountUnreadable, match="version"):
        Account.read([first.replace("2", "3", 1), *rest])


def test_leaf_of_the_tree_has_nothing_below_it_and_a_bucket_is_always_a_node() -> None:
    (bucket,) = report(upload(key="a/b/x"))["prefixes"]["tree"]
    (leaf,) = bucket["children"]

    assert (bucket["name"], leaf["name"], leaf["children"], leaf["other"]) == (str(PHOTOS), "a/b/", [], None)


def test_only_prefixes_below_a_fold_are_marked_as_incomplete() -> None:
    account = Account(limit=3)
    for number in range(8):
        account.add(upload(key=f"a/{number}/x", seen=PartsSeen(number, 1, None)), NOW)
    account.add(upload(key="b/x", seen=PartsSeen(100, 1, None)), NOW)
    account.prefixes.compact()
    prefixes = account.as_json(LIMITS)["prefixes"]
    (bucket,) = prefixes["tree"]
    a, b = sorted(bucket["children"], key=lambda child: str(child["name"]))

    assert prefixes["error_bound"] > 0
    assert [node["at_least"] for node in (bucket, a, b)] == [False, False, False]
    assert {child["at_least"] for child in a["children"]} == {True}
    assert (a["freed"]["bytes"], b["freed"]["bytes"]) == (sum(range(8)), 100)


def test_directory_whose_children_all_stay_away_is_shown_without_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cos_sweeper.core.prefix_usage.MAX_NODES", 2)
    (bucket,) = report(upload(key="a/1/x"), upload(key="a/2/x"), upload(key="b/x"))["prefixes"]["tree"]
    (a,) = bucket["children"]

    assert (a["name"], a["children"], a["other"]) == ("a/", [], None)
    assert (bucket["other"]["prefixes"], bucket["other"]["freed"]["bytes"]) == (1, 10)


def test_lists_of_what_was_freed_since_have_only_new_aborts() -> None:
    earlier = account_of([upload(key="old")], inventory=False)
    later = Account.read(earlier.lines())
    later.add(upload(key="new"), NOW)
    later.add(upload(key="left", group="left", outcome="would_abort"), NOW)
    result = later.freed_since(earlier).as_json(LIMITS)

    assert [[row["key"] for row in result[name]] for name in ("largest", "oldest")] == [["new"], ["new"]]


def test_account_of_long_names_stays_small_and_loses_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_sums, "MAX_BYTES", 1 << 20)
    account, chance = Account(), Random(7)
    for _ in range(20_000):
        account.add(upload(key=f"{chance.randbytes(350).hex()}/{chance.randbytes(50).hex()}/x"), NOW)

    lines = list(account.lines())

    # Without a limit in bytes they are above 10 MiB.
    assert len(zlib.compress("\n".join(lines).encode(), 1)) < 7 << 20
    (bucket,) = account.as_json(LIMITS)["prefixes"]["tree"]
    assert (bucket["freed"]["uploads"], bucket["freed"]["bytes"]) == (20_000, 200_000)
