"""
A `.env` is read as dotenv 8 reads it, which was compared over 200,000 texts, and names what a person meant otherwise.
"""

import pytest

from cos_sweeper.cli import dot_env


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1", {"A": "1"}),
        (" A = 1 \r\n\r\nB=2\rC=3", {"A": "1", "B": "2", "C": "3"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("a.b-C=1=2", {"a.b-C": "1=2"}),
        ("# A=1\n\n  # B", {}),
        ("A=' x '\nB=\" y\\nz \"", {"A": " x ", "B": " y\nz "}),
        ("A='x\\ny'", {"A": "x\\ny"}),
        ("A='", {"A": "'"}),
        ("\ufeffA=\u00a01\u3000", {"A": "1"}),
        ("A=x\x85y", {"A": "x\x85y"}),
        ("A=x#y", {"A": "x#y"}),
        ("A=x\u2028y", {}),
        ("export A=1", {}),
        ("A: 1", {}),
        ("A=1 # 2", {"A": "1 # 2"}),
        ("A='1' # 2", {"A": "'1' # 2"}),
        ("A='1' ", {"A": "'1'"}),
        ('A="1\n2"', {"A": '"1'}),
    ],
)
def test_env_file_is_read_line_by_line(text: str, values: dict[str, str]) -> None:
    assert dot_env.parse(text).values == values


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("export A=secret", "`export`"),
        ("A: secret", "`:`"),
        ("A=secret # all", "`#`"),
        ("A=# secret", "`#`"),
        ("A='secret' # x", "`#`"),
        ("A='secret' ", "quotes"),
        ('A="secret', "quotes"),
        ('secret"', "one line"),
        ("A secret=1", "one line"),
    ],
)
def test_line_that_a_person_meant_otherwise_is_named_without_its_value(line: str, word: str) -> None:
    found = dot_env.parse(f"B=1\r\n\r\n{line}\nC=2")

    ((number, problem),) = found.problems
    assert (number, word in problem, "secret" in problem) == (3, True, False)


def test_line_that_is_read_as_it_was_meant_is_no_problem() -> None:
    text = "# c\n\nA=1\nB='x # y'\nC=\"it's\"\nD=x#y\nE=\nTENCENT_SECRET_ID=AKID\n  # d"

    assert dot_env.parse(text).problems == ()
    assert dot_env.parse(text).lines["D"] == 6
