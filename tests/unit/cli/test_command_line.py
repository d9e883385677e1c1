"""
Words for a shell: what it reads back is what was meant.
"""

import subprocess

import pytest

from cos_sweeper.cli.command_line import shell_text

KEYS = {
    "lit\\x2fcat": "lit\\\\x2fcat",
    "a\u00a0b": "a\\xc2\\xa0b",
    "it's": "it\\'s",
    "a\x1bb\n": "a\\x1bb\\x0a",
    "a\udcff": "a\\xff",
    "照片/é": "照片/é",
}


@pytest.mark.parametrize(("key", "text"), KEYS.items())
def test_text_in_dollar_quotes_is_the_key(key: str, text: str) -> None:
    assert shell_text(key) == text
    read = subprocess.run(["bash", "-c", f"printf %s $'{text}'"], capture_output=True, check=True).stdout
    assert read == key.encode("utf-8", "surrogateescape")


def test_text_of_a_lone_surrogate_is_printable() -> None:
    assert shell_text("\ud800") == "\\xed\\xa0\\x80"
