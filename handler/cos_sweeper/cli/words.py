"""
The texts of the command in English and Chinese.

A text is written in English where it is used, `t("…")`. Its Chinese is in `chinese/`, a module for each command, and is
read only when it is needed. A text without a translation is shown in English.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)

_chosen = [ENGLISH]


def use(language: str) -> None:
    """Show all texts in this language from now on."""
    _chosen[0] = language


def language() -> str:
    """The language in use."""
    return _chosen[0]


def language_of(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language of `--lang`, else of the locale. It is needed before the arguments are parsed."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            value = value if equals else "".join(arguments[index + 1 : index + 2])
            if value.lower().startswith(LANGUAGES):
                return CHINESE if value.lower().startswith(CHINESE) else ENGLISH
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return CHINESE if locale.lower().startswith("zh") else ENGLISH


def t(text: str, /, **values: object) -> str:
    """The text in the language in use, with its values. A value stands for `{name}`."""
    shown = translated(text)
    return shown.format(**values) if values else shown


def translated(text: str) -> str:
    """The text in the language in use, as it is written."""
    return _chinese().get(text, text) if language() == CHINESE else text


def pair(texts: tuple[str, str]) -> str:
    """One of (English, Chinese), as the report has its texts."""
    return texts[1] if language() == CHINESE else texts[0]


def sentence(text: str) -> str:
    """The text with its full stop."""
    return text if text.endswith((".", "。", "!", "?", "？")) else text + ("。" if language() == CHINESE else ".")


def colon() -> str:
    """What stands between a name and what is said of it."""
    return "：" if language() == CHINESE else ": "


@lru_cache(maxsize=1)
def _chinese() -> Mapping[str, str]:
    from cos_sweeper.cli import chinese

    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(chinese.__path__):
        found.update(importlib.import_module(f"{chinese.__name__}.{module.name}").TEXTS)
    return found
