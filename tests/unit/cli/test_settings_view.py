"""
The list of settings has every setting, as it is documented.
"""

import re

from cos_sweeper.cli import settings_view
from cos_sweeper.core.settings import READERS
from tests.fixtures import HANDLER

ROW = re.compile(r"^\| `([A-Z_]+)` \| `?([^|`]*)`? \|", re.MULTILINE)
# What the documentation says in words.
WORDS = {"none", "required", "all keys", "the cloud"}


def test_list_of_settings_is_that_of_the_function_with_the_documented_defaults() -> None:
    text = (HANDLER.parent / "docs" / "settings.md").read_text("utf-8")
    documented = {name: "" if default in WORDS else default for name, default in ROW.findall(text) if name in READERS}

    assert {name: one.default for name, one in settings_view.described().items()} == documented
    assert {*documented} == {*READERS}
