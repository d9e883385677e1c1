"""
The supply chain's two small tools: hashes behind pins, and what an audit's findings come to.
"""

import json
from typing import Any

import pytest

from tests.tools.audit import verdict
from tests.tools.lock import with_hashes

A, B = (f"--hash=sha256:{digit * 64}" for digit in "ab")


def test_hashes_are_written_behind_their_pins_and_the_rest_stays() -> None:
    locked = f"six==1.17.0 \\\n    {A} \\\n    {B}\n    # via\n    #   -r -\nidna==3.20 \\\n    {B}\n"

    text = with_hashes("# Why.\nidna==3.20\n\n# More.\nsix==1.17.0", locked)

    assert text == f"# Why.\nidna==3.20 \\\n    {B}\n\n# More.\nsix==1.17.0 \\\n    {A} \\\n    {B}\n"


def test_pin_without_hashes_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_hashes("idna==3.20", "")


AUDITED = {"name": "six", "version": "1.17.0", "vulns": []}
VULNERABLE = {"name": "idna", "version": "3.0", "vulns": [{"id": "CVE-1", "fix_versions": ["3.7"]}]}
SKIPPED = {"name": "idna", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("found", "said", "fails"),
    [
        ([AUDITED], "1 of 1 packages audited, 0 findings", False),
        ([VULNERABLE, AUDITED], "idna 3.0: CVE-1, fixed in 3.7", True),
        ([SKIPPED, AUDITED], "not audited, although others were: idna", True),
        ([SKIPPED, SKIPPED], "!!! NOT AUDITED", False),
        ([], "0 of 0 packages audited", True),
    ],
    ids=["clean", "vulnerable", "one skipped", "all skipped", "nothing"],
)
def test_audit_fails_unless_everything_was_audited_or_nothing_could_be(
    found: list[dict[str, Any]], said: str, *, fails: bool
) -> None:
    lines, failed = verdict(json.dumps({"dependencies": found}), "")

    assert (said in "\n".join(lines), failed) == (True, fails)


@pytest.mark.parametrize(
    ("complaints", "fails"),
    [
        ("Traceback\nConnectionError: Could not connect to the vulnerability feed", False),
        ("requests.exceptions.ProxyError: Cannot reach the proxy", False),
        ("timed out after 300 seconds", False),
        ("ValueError: requirements.txt:3 is no requirement", True),
        ("", True),
    ],
)
def test_audit_that_says_nothing_fails_unless_its_data_is_out_of_reach(complaints: str, *, fails: bool) -> None:
    lines, failed = verdict("", complaints)

    assert (failed, lines[0].startswith("!!! NOT AUDITED")) == (fails, not fails)
