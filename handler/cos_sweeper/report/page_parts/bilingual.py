"""
Text in English and in Chinese, side by side in the page: its style shows one, and English without a script.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from cos_sweeper.report.page_parts import details, numbers, printable, words
from cos_sweeper.report.page_parts.groups import Sum

COUNTED = re.compile(r"\} (?=[个天次行])")
HAN = re.compile("[\u4e00-\u9fff]")


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
        Markup(_closed_up(zh, values)).format(**{name: _in(value, "zh") for name, value in values.items()}),
    )


def _closed_up(zh: str, values: Mapping[str, Any]) -> str:
    """
    Without the space before a value that begins with a Chinese word: spaces stand beside numbers and names only.

    A number stays with the word that counts.
    """
    for name, value in values.items():
        if isinstance(value, Text) and HAN.match(value.zh):
            zh = zh.replace(f" {{{name}}}", f"{{{name}}}")
    return COUNTED.sub("}\u00a0", zh)


def _in(value: Any, language: str) -> Any:
    return getattr(value, language) if isinstance(value, Text) else value


COMMA, COLON, STOP, GAP = t(", ", "，"), t(": ", "："), t(". ", "。"), t(" ", "")


def known(pair: tuple[str, str] | None, code: str) -> Text:
    """The names of a code, or the code itself where we know none."""
    return Text(escape(pair[0]), escape(pair[1])) if pair else Text(escape(code), escape(code))


def first_upper(text: Text) -> Text:
    """The same as the beginning of a line."""
    return Text(text.en[:1].upper() + text.en[1:], text.zh)


def uploads(number: int) -> Text:
    """How many uploads."""
    return t("{n} upload" if number == 1 else "{n} uploads", "{n} 个上传", n=numbers.count(number))


UNITS_OF_TIME = {"d": ("{n} d", "{n} 天"), "h": ("{n} h", "{n} 小时")}


def span(seconds: float | None) -> Text:
    """A time span in a table; a dash where it is unknown."""
    if seconds is None:
        return t("–", "–")
    number, unit = numbers.span(seconds)
    return t(*UNITS_OF_TIME[unit], n=number)


def limit(hours: float) -> Text:
    """A limit of the settings in a sentence: in days where they are whole."""
    if hours % 24 == 0:
        return t("{n} day" if hours == 24 else "{n} days", "{n} 天", n=f"{hours / 24:g}")
    return t("{n} hour" if hours == 1 else "{n} hours", "{n} 小时", n=f"{hours:g}")


def size(sum_: Sum, like: int = 0) -> Text:
    """A size that stands alone, marked where it is a lower bound. like: a larger size beside it."""
    if not sum_.has_size:
        return t("unknown size", "未知大小")
    text = ("≥ " if sum_.is_least else "") + numbers.size(sum_.bytes, like)
    return Text(escape(text), escape(text))


def in_words(sum_: Sum, like: int = 0) -> Text:
    """A size as part of a sentence."""
    text = size(Sum(sum_.uploads, sum_.bytes, sum_.size_unknown), like)
    return t("at\u00a0least {size}", "至少\u00a0{size}", size=text) if sum_.is_least and sum_.has_size else text


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
        en, zh = "at\u00a0least {amount}\u00a0{currency} a\u00a0month", "每月至少\u00a0{amount}\u00a0{currency}"
        return t(en, zh, amount=amount, currency=currency)
    return t(
        "{amount}\u00a0{currency} a\u00a0month", "每月\u00a0{amount}\u00a0{currency}", amount=amount, currency=currency
    )


def left_because(reason: str) -> Text:
    """Why an upload is still there, or why a sweep stopped."""
    name, colon, code = reason.partition(": ")
    if name not in words.LEFT:
        return _as_given(reason)
    return (
        t("{name} ({code})", "{name}（{code}）", name=known(words.LEFT[name], ""), code=code)
        if colon
        else known(words.LEFT[name], "")
    )


def detail(text: str) -> Text:
    """What the coverage of a bucket says besides its state."""
    return Text(printable.key(text), printable.key(details.in_chinese(text)))


def warning(item: Any) -> Text:
    """A warning of the report: its meaning, and whatever else it says."""
    if not isinstance(item, Mapping):
        return _as_given(str(item))
    code = str(item.get("code") or item.get("event") or "")
    detail = str(item.get("detail", ""))
    number = re.match(r"\d+", str(item.get("lines", detail)))
    if code not in words.WARNINGS:
        return _as_given(", ".join(f"{name} {value}" for name, value in item.items()))
    said = t(*words.WARNINGS[code], n=number[0] if number else "?")
    shown = [value for name, value in item.items() if name not in ("code", "event", "lines")]
    if "{n}" in words.WARNINGS[code][0] or not shown:
        return said
    for value in shown:
        said = t("{said} {value}", "{said}{value}", said=said, value=_with_stop(str(value)))
    return said


def _with_stop(text: str) -> Text:
    if text in words.REASONS:
        return t("{text}.", "{name}。", text=first_upper(known((text, text), "")), name=words.REASONS[text][0])
    return t("{text}.", "{text}。", text=printable.key(text))


def _as_given(text: str) -> Text:
    shown = printable.key(text)
    return Text(shown, shown)
