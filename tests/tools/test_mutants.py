"""
What is broken when every guard is broken once, and how the survivors are reported.
"""

import pytest

from tests.mutants.making import Mutant, mutants
from tests.mutants.results import HARMLESS, harmless, is_well, lines_of
from tests.mutants.running import PACKAGE, ROOT, TESTS, Ended

SOURCE = '''
LIMIT = 5
def f(a: "x < 5", b, log):
    """Under 5."""
    if a < 3 and not b:
        log.info("few", most=7)
        return min(a, b)
    try:
        check(a)
    except (KeyError, TypeError):
        raise ValueError(f"no {a[:9]}")
'''


def mutant(change: str) -> Mutant:
    return Mutant("policy", "policy.screen", 7, "if kept:", change, "")


def test_mutants_break_every_guard_once_and_leave_texts_logs_and_annotations_alone() -> None:
    assert {(one.where, one.line, one.change) for one in mutants("m", SOURCE)} == {
        ("m", 2, "5 → 6"),
        ("m", 2, "5 → 4"),
        ("m.f", 5, "a < 3 and (not b) → True"),
        ("m.f", 5, "a < 3 and (not b) → False"),
        ("m.f", 5, "a < 3 and (not b) → a < 3"),
        ("m.f", 5, "a < 3 and (not b) → not b"),
        ("m.f", 5, "a < 3 → a <= 3"),
        ("m.f", 5, "3 → 4"),
        ("m.f", 5, "3 → 2"),
        ("m.f", 5, "not b → b"),
        ("m.f", 7, "return min(a, b) → pass"),
        ("m.f", 7, "min → max"),
        ("m.f", 9, "check(a) → pass"),
        ("m.f", 10, "except (KeyError, TypeError) → except ()"),
        ("m.f", 10, "(KeyError, TypeError) → (TypeError,)"),
        ("m.f", 10, "(KeyError, TypeError) → (KeyError,)"),
        ("m.f", 11, "raise ValueError(f'no {a[:9]}') → pass"),
    }


def test_condition_that_names_a_value_still_names_it() -> None:
    sources = [one.source for one in mutants("m", "if found := look():\n    use(found)\nelse:\n    leave()\n")]

    assert "if (found := look()) or True:" in sources[0]
    assert "if (found := look()) and False:" in sources[1]


def test_survivor_needs_a_reason() -> None:
    killed = [Ended(mutant(f"{n}"), "red") for n in range(9)]
    survivor = Ended(mutant("kept → True"), "green")
    known = harmless("About.\n\npolicy.screen\nif kept:\nkept → True\nbecause it is so\n")

    assert is_well([*killed, survivor], known)
    assert not is_well([*killed, survivor], {})
    assert not is_well([*killed[:8], survivor], known)
    assert "because it is so" in "\n".join(lines_of([*killed, survivor], known))
    assert "survived, not explained:" in "\n".join(lines_of([*killed, survivor], {}))


def test_reason_for_a_mutant_that_is_killed_is_reported() -> None:
    report = "\n".join(lines_of([Ended(mutant("kept → True"), "red")], {mutant("kept → True").key: "it is so"}))

    assert "said to be harmless, but noticed:" in report


@pytest.mark.parametrize("block", ["f\nold\nbecause so", "f\nold\nchange"], ids=["no_change", "no_reason"])
def test_block_that_lacks_something_is_an_error(block: str) -> None:
    with pytest.raises(ValueError, match="not a function"):
        harmless(f"About.\n\n{block}\n")


def test_reasons_can_all_be_read() -> None:
    assert all(reason for reason in harmless(HARMLESS.read_text("utf-8")).values())


@pytest.mark.parametrize(("module", "tests"), TESTS.items(), ids=list(TESTS))
def test_module_and_its_tests_exist(module: str, tests: str) -> None:
    assert (ROOT / PACKAGE / f"{module}.py").exists()
    assert all((ROOT / "tests" / "unit" / f"{name}.py").exists() for name in tests.split())
