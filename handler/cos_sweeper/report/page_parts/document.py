"""
The templates, filled in: one HTML file with its style and its script inside, and a policy that allows nothing else.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cos_sweeper.report.page_parts import bilingual, commands, numbers, printable, rules, words
from cos_sweeper.report.page_parts.answers import name_of
from cos_sweeper.report.page_parts.groups import Json, bar, found, read
from cos_sweeper.report.page_parts.view import Limits, View

WHOLE_PAGE = "page.html"
TEMPLATES = Path(__file__).with_name("templates")
# How many rows a page has; the next ones are for a report whose page is too large.
LIMITS = (Limits(1000, 500), Limits(400, 200), Limits(100, 60), Limits(20, 12), Limits(0, 0))


def fitting(report: Json, maximum: int) -> bytes:
    """The page with as many rows as fit into `maximum` bytes."""
    pages = (_page(report, limits) for limits in LIMITS)
    page = next(pages)
    while len(page) > maximum and (smaller := next(pages, None)):
        page = smaller
    return page


def _page(report: Json, limits: Limits) -> bytes:
    view = View(report, limits)
    text = _environment().get_template(WHOLE_PAGE).render(view=view, report=report, **_embedded())
    return text.encode("utf-8", "replace")


@lru_cache(maxsize=1)
def _embedded() -> dict[str, str]:
    """Style and script as they stand in the page, and the hashes by which the browser knows them."""
    style, script = (Markup((TEMPLATES / name).read_text("utf-8")) for name in ("style.css", "script.js"))
    return {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Every value is escaped; a name that is not defined is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        t=bilingual.t,
        words=words,
        known=bilingual.known,
        commands=commands,
        rules=rules,
        comma=bilingual.COMMA,
        colon=bilingual.COLON,
        stop=bilingual.STOP,
        gap=bilingual.GAP,
    )
    environment.filters.update(FILTERS)
    return environment


FILTERS: dict[str, Callable[..., Any]] = {
    "bar": bar,
    "bucket": printable.bucket,
    "cost": bilingual.cost,
    "count": numbers.count,
    "detail": bilingual.detail,
    "figure": numbers.figure,
    "first_upper": bilingual.first_upper,
    "found": found,
    "in_plain_unit": lambda one, unit: unit.show(one.bytes),
    "in_words": bilingual.in_words,
    "left_because": bilingual.left_because,
    "limit": bilingual.limit,
    "in_unit": bilingual.in_unit,
    "key": printable.key,
    "plain": printable.plain,
    "quote": partial(quote, safe=""),
    "read": read,
    "read_size": numbers.size,
    "size": bilingual.size,
    "span": bilingual.span,
    "upload_share": lambda part, whole: numbers.share(part.uploads, whole.uploads),
    "uploads": bilingual.uploads,
    "user": name_of,
    "visible": printable.visible,
    "visible_lines": printable.visible_lines,
    "warning": bilingual.warning,
}
