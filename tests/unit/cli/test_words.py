"""
Every text of the command has a translation with the same values, in one place.
"""

import importlib
import pkgutil
import string
from collections.abc import Iterator

import pytest

from cos_sweeper.cli import chinese, words
from tests.unit.cli.texts import every_text, of_click


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    yield
    words.use(words.ENGLISH)


def translations() -> list[tuple[str, str, str]]:
    modules = [
        importlib.import_module(f"{chinese.__name__}.{one.name}") for one in pkgutil.iter_modules(chinese.__path__)
    ]
    return [(module.__name__, text, zh) for module in modules for text, zh in module.TEXTS.items()]


def values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_of_the_command_has_its_chinese() -> None:
    known = {text for _, text, _ in translations()}

    assert {text: place for text, place in every_text().items() if text not in known} == {}


def test_no_translation_is_left_over_or_stands_twice() -> None:
    texts = [text for _, text, _ in translations()]

    assert {text for text in texts if texts.count(text) > 1} == set()
    assert {*texts} - {*every_text()} - of_click() == set()


def test_translations_have_the_values_of_their_texts() -> None:
    assert [text for _, text, zh in translations() if values(text) != values(zh)] == []


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (["check", "--lang", "zh"], {}, "zh"),
        (["check", "--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["check", "--lang"], {}, "en"),
    ],
    ids=["nothing", "locale", "stronger_locale", "option", "option_over_locale", "option_without_value"],
)
def test_language_is_that_of_the_option_or_the_locale(
    arguments: list[str], environ: dict[str, str], language: str
) -> None:
    assert words.language_of(arguments, environ) == language


def test_text_is_shown_in_the_language_in_use_with_its_values() -> None:
    english = words.t("There is no option {name}.", name="--x")

    words.use(words.CHINESE)

    assert (english, words.t("There is no option {name}.", name="{y}")) == ("There is no option --x.", "没有选项 {y}。")
