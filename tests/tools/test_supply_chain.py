"""
The supply chain's two small tools: hashes behind pins, and what an audit's findings come to.
"""

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


def test_vulnerability_fails_and_names_the_version_that_fixes_it() -> None:
    vulnerable = {"name": "idna", "version": "3.0", "vulns": [{"id": "CVE-1", "fix_versions": ["3.7"]}]}

    lines, failed = verdict([vulnerable, {"name": "six", "version": "1.17.0", "vulns": []}])

    assert failed
    assert lines == ["idna 3.0: CVE-1, fixed in 3.7", "2 of 2 packages audited, 1 findings"]


def test_package_that_could_not_be_audited_is_reported_and_is_no_finding() -> None:
    lines, failed = verdict(
        [{"name": "idna", "skip_reason": "not found"}, {"name": "six", "version": "1", "vulns": []}]
    )

    assert not failed
    assert lines[0].startswith("!!! NOT AUDITED")
    assert lines[1] == "1 of 2 packages audited, 0 findings"
