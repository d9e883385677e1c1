"""
The sentences of click, which reads the command line, in the language in use.

click looks its texts up with gettext, which needs compiled catalogues in files. Here `words` takes the place of that
look-up, so that the Chinese of these texts stands in `chinese/`, as that of all others. Nothing is replaced before the
command runs, and a text that a later click words differently is shown in English.
"""

import gettext
import sys

from cos_sweeper.cli import words


def use_words() -> None:
    """Let click take its texts from `words`."""
    ours = {gettext.gettext: words.translated, gettext.ngettext: _counted}
    for module in [module for name, module in sys.modules.items() if name.startswith("click.")]:
        found = {
            name: ours[value] for name, value in vars(module).items() if value in (gettext.gettext, gettext.ngettext)
        }
        vars(module).update(found)


def _counted(one: str, many: str, number: int) -> str:
    return words.translated(one if number == 1 else many)
