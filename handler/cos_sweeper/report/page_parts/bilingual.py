"""
Text in English and in Chinese, side by side in the page: its style shows one, and English without a script.
"""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from cos_sweeper.report.page_parts import numbers
from cos_sweeper.report.page_parts.groups import Sum


@dataclass(frozen=True, slots=True)
class Text:
    """The same in both languages, ready for HTML."""

    en: Markup
    zh: Markup

    def __html__(self) -> Markup:
        """Both, marked with their language; once where they are equal."""
        if self.en == self.zh:
            return self.en
        return Markup('<span lang="en">{}</span><span lang="zh">{}</span>').format(self.en, self.zh)


def t(en: str, zh: str, **values: Any) -> Text:
    """
    A text of ours in both languages. It may have markup; the values are escaped when they are filled in.

    A value that is a Text itself is filled in in each language.
    """
    return Text(
        Markup(en).format(**{name: _in(value, "en") for name, value in values.items()}),
        Markup(zh).format(**{name: _in(value, "zh") for name, value in values.items()}),
    )


def _in(value: Any, language: str) -> Any:
    return getattr(value, language) if isinstance(value, Text) else value


def known(pair: tuple[str, str] | None, code: str) -> Text:
    """The names of a code, or the code itself where we know none."""
    return Text(escape(pair[0]), escape(pair[1])) if pair else Text(escape(code), escape(code))


def first_upper(text: Text) -> Text:
    """The same as the beginning of a line."""
    return Text(text.en[:1].upper() + text.en[1:], text.zh)


def uploads(number: int) -> Text:
    """How many uploads."""
    return t("{n} upload" if number == 1 else "{n} uploads", "{n} 个上传", n=numbers.count(number))


def size(sum_: Sum, like: int = 0) -> Text:
    """A size that stands alone, marked where it is a lower bound. like: a larger size beside it."""
    if not sum_.has_size:
        return t("unknown size", "未知大小")
    text = ("≥ " if sum_.is_least else "") + numbers.size(sum_.bytes, like)
    return Text(escape(text), escape(text))


def in_words(sum_: Sum, like: int = 0) -> Text:
    """A size as part of a sentence."""
    text = size(Sum(sum_.uploads, sum_.bytes, sum_.size_unknown), like)
    return t("at least {size}", "至少 {size}", size=text) if sum_.is_least and sum_.has_size else text


def in_unit(sum_: Sum, unit: numbers.Unit) -> Text:
    """A size in the unit of its picture, without the unit."""
    text = ("≥ " if sum_.is_least and sum_.has_size else "") + (unit.show(sum_.bytes) if sum_.has_size else "?")
    return Text(escape(text), escape(text))


def cost(sum_: Sum, currency: str) -> Text | None:
    """The price of a month, None where there is none."""
    if sum_.per_month is None or not sum_.bytes:
        return None
    amount = numbers.money(sum_.per_month)
    if sum_.is_least:
        en, zh = "at least {amount} {currency} a month", "每月至少 {amount} {currency}"
        return t(en, zh, amount=amount, currency=currency)
    return t("{amount} {currency} a month", "每月 {amount} {currency}", amount=amount, currency=currency)
