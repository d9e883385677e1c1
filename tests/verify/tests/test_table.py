"""
The account of a run: what it shows, how it ends, and in which order a terminal and a page have it.
"""

import json

import pytest

from tests.emulator.public import Cloud
from tests.verify import table
from tests.verify.cleanup import Cleaned
from tests.verify.outcome import AsExpected, Check, Different, NotChecked, Outcome, Result, judge
from tests.verify.running import Run
from tests.verify.tests.scene import Scene
from tests.verify.world import World


async def nothing(_: World) -> Outcome:
    return judge(True, "")  # noqa: FBT003 - any outcome


def run_of(*outcomes: Outcome, **more: object) -> Run:
    return Run([Result(Check(f"check-{n}", f"Claim {n}.", nothing), one) for n, one in enumerate(outcomes)], **more)  # type: ignore[arg-type]


GOOD, BAD, NOTHING = AsExpected("well"), Different("odd"), NotChecked("no key")


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (run_of(GOOD), 0),
        (run_of(GOOD, BAD, NOTHING), 1),
        (run_of(GOOD, NOTHING), 3),
        (run_of(GOOD, BAD, cleaned=Cleaned(left=["a"])), 4),
        (run_of(GOOD, defect="KeyError"), 4),
        (run_of(GOOD, interrupted=True, cleaned=Cleaned(left=["a"])), 130),
    ],
    ids=["all", "different", "not checked", "left", "defect", "interrupted"],
)
def test_exit_code_is_that_of_the_worst(run: Run, code: int) -> None:
    assert table.exit_code(run) == code


def test_what_matters_is_last_in_a_terminal_and_first_on_a_page(cloud: Cloud) -> None:
    scene = Scene(cloud)
    account = table.account_of(scene.world_of(scene.options({})), run_of(GOOD, NOTHING, BAD), 3)

    text, markdown = table.as_text(account, 80), table.as_markdown(account)

    assert text.index("check-0") < text.index("check-1") < text.index("check-2")
    assert markdown.index("check-2") < markdown.index("check-1") < markdown.index("check-0")
    assert "1 as expected, 1 not as expected, 1 not checked" in text
    assert [one["result"] for one in json.loads(table.as_json(account))["checks"]] == [
        "as expected",
        "not checked",
        "not as expected",
    ]


def test_what_cos_says_cannot_break_the_table_or_show_a_secret(cloud: Cloud) -> None:
    scene = Scene(cloud)
    world = scene.world_of(scene.options({}))
    world.hide("100000000001", "<account>")
    said = f"a|b\n\033[31m{cloud.owner.secret_key} uin/100000000001 photos-1250000000 Authorization: q-ak=AKIDx"
    account = table.account_of(world, run_of(Different(said)), 0)

    for shown in (table.as_text(account), table.as_markdown(account), table.as_json(account)):
        assert "\033" not in shown
        for secret in (cloud.owner.secret_key, "100000000001", "1250000000", "AKIDx"):
            assert secret not in shown
    assert len([line for line in table.as_markdown(account).splitlines() if line.startswith("| `")]) == 1
    assert "a\\|b" in table.as_markdown(account)


def test_colours_are_for_a_terminal_alone(cloud: Cloud) -> None:
    scene = Scene(cloud)
    account = table.account_of(scene.world_of(scene.options({})), run_of(GOOD, BAD), 0)

    assert "\033" not in table.as_text(account)
    assert table.as_text(account, colours=True).count("\033[") == 4
