"""
docs/facts.md and `make verify` know the same facts: none that is doubtful is without a check, and no check without a
fact.
"""

import re
from collections.abc import Iterator

from tests.fixtures import HANDLER
from tests.tools.test_docs import quoted, rows, text
from tests.verify import table
from tests.verify.checks.all import CHECKS

KINDS = {"documented", "run", "seen", "inferred", "unknown"}
DOUBTFUL = {"inferred", "unknown"}


def facts() -> Iterator[list[str]]:
    for heading in re.findall(r"(?m)^## (.*)$", text("docs/facts.md")):
        yield from (row for row in rows("docs/facts.md", heading) if len(row) == 4)


def test_every_fact_says_how_it_is_known() -> None:
    found = list(facts())

    assert len(found) > 50
    assert [row[0] for row in found if row[1] not in KINDS] == []
    assert {row[0] for row in rows("docs/facts.md", "What we rely on")} == KINDS


def test_every_fact_has_a_check_or_the_reason_why_not() -> None:
    names = {one.name for one in CHECKS}
    checks = {row[0]: quoted(row[3]) for row in facts() if not row[3].startswith("none: ")}

    assert [fact for fact, its_checks in checks.items() if not its_checks] == []
    assert {name for its_checks in checks.values() for name in its_checks} == names


def test_code_that_rests_on_a_fact_exists() -> None:
    paths = {path for row in facts() for path in quoted(row[2]) if path.endswith(".py")}

    assert len(paths) > 20
    assert [
        path for path in paths if not any((root / path).is_file() for root in (HANDLER, HANDLER / "cos_sweeper"))
    ] == []


def test_doubtful_fact_names_what_rests_on_it() -> None:
    assert [
        row[0] for row in facts() if row[1] in DOUBTFUL and not (quoted(row[2]) or row[2].startswith("nothing: "))
    ] == []


def test_exit_codes_in_the_document_are_those_of_the_code() -> None:
    shown = {int(row[0]) for row in rows("docs/facts.md", "Verifying") if row[0].isdigit()}

    assert shown == {
        table.ALL_AS_EXPECTED,
        table.SOMETHING_DIFFERENT,
        table.NOT_RUN,
        table.SOMETHING_NOT_CHECKED,
        table.SOMETHING_LEFT,
        table.INTERRUPTED,
    }
