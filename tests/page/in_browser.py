"""
report.html in a real Chromium, opened from a file as a person would: `make page` runs this, `make test` does not.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cos_sweeper.report import page
from tests.page.browser import Page, browser, program
from tests.page.samples import SAMPLES

Scene = Callable[[Page, str], Awaitable[None]]
TAB, ENTER, RIGHT, ESCAPE = ("Tab", 9), ("Enter", 13, "\r"), ("ArrowRight", 39), ("Escape", 27)
# What a reader sees of our own words: no key, no command.
WORDS = (
    "[...document.querySelectorAll('main *')].filter(e => !e.childElementCount && e.checkVisibility()"
    " && !e.closest('pre, bdi, code')).map(e => e.textContent)"
)

# The same as one text, with a mark where something else stands.
OWN_WORDS = (
    "(() => { const copy = document.querySelector('main').cloneNode(true);"
    " document.querySelector('main').after(copy);"
    " copy.querySelectorAll('details').forEach(e => { e.open = true; });"
    " copy.querySelectorAll('pre, bdi').forEach(e => e.replaceWith('X'));"
    " const text = copy.innerText; copy.remove(); return text; })()"
)
HAN, WIDE = "\u4e00-\u9fff", "，。：；、（）“”"
# What Chinese text does not have: a space between its words or beside its punctuation, punctuation of another script,
# a number or a name that touches a word.
UNCHINESE = (
    f".*[{HAN}{WIDE}][ \u00a0]+[{HAN}{WIDE}].*",
    f".*[{WIDE}] .*|.* [{WIDE}].*",
    f".*[{HAN}][,:;.!?].*|.*[,:;] ?[{HAN}].*",
    f".*[{HAN}][0-9A-Za-z].*|.*[0-9A-Za-z%][{HAN}].*",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every sample as a file, by its address."""
    folder = tmp_path_factory.mktemp("pages")
    return {name: written(folder / f"{name}.html", make()) for name, make in SAMPLES.items()}


def written(file: Path, report: dict[str, Any]) -> str:
    file.write_bytes(page.render(report))
    return file.as_uri()


def play(scene: Scene, address: str) -> None:
    """Carry out a scene in a tab of its own."""

    async def run() -> None:
        executable = program()
        assert executable, "no Chromium on this machine"
        async with browser(executable) as connection, connection.page() as tab:
            await scene(tab, address)
            assert tab.complaints == []

    asyncio.run(run())


@pytest.mark.parametrize("name", SAMPLES)
def test_page_sends_no_request_breaks_no_rule_and_fits_every_width(files: dict[str, str], name: str) -> None:
    async def scene(tab: Page, address: str) -> None:
        for dark in (False, True):
            await tab.open(address, dark=dark)
            for width in (320, 380, 768, 1280, 2560):
                await tab.resize(width, 900)
                assert await tab.evaluate("document.scrollingElement.scrollWidth") <= width
        assert set(tab.requests) <= {address, "data:,"}

    play(scene, files[name])


@pytest.mark.parametrize("name", ["typical", "inventory", "hostile", "huge", "many_buckets"])
@pytest.mark.parametrize("width", [380, 1280])
def test_same_bytes_have_the_same_pixels_at_every_level(files: dict[str, str], name: str, width: int) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address, width)
        await tab.evaluate("document.querySelectorAll('#tree details').forEach(e => { e.open = true; })")
        rectangles = "[...document.querySelectorAll('#tree .bar')].map(e => e.getBoundingClientRect())"
        bars = await tab.evaluate(f"{rectangles}.map(r => [r.left, r.width])")
        levels = await tab.evaluate(
            "new Set([...document.querySelectorAll('#tree .name')].map(e => e.getBoundingClientRect().left)).size"
        )

        assert levels > 2
        assert max(left for left, _ in bars) - min(left for left, _ in bars) < 1
        assert max(length for _, length in bars) - min(length for _, length in bars) < 1

    play(scene, files[name])


def test_tree_opens_and_closes_with_the_keyboard(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        for _ in range(80):
            await tab.press(*TAB)
            if await tab.evaluate("document.activeElement.matches('#tree summary')"):
                break
        before = await tab.evaluate("document.activeElement.parentNode.open")
        await tab.press(*ENTER)

        assert await tab.evaluate("document.activeElement.parentNode.open") is not before

    play(scene, files["typical"])


def test_table_sorts_with_the_keyboard_and_says_how(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        numbers = "[...document.querySelectorAll('#uploads tbody tr')].map(e => Number(e.cells[2].dataset.v))"
        await tab.evaluate("document.querySelectorAll('#uploads thead button')[2].focus()")
        await tab.press(*ENTER)
        down = await tab.evaluate(numbers)
        await tab.press(*ENTER)

        assert down == sorted(down, reverse=True)
        assert await tab.evaluate(numbers) == sorted(down)
        assert (
            await tab.evaluate("document.querySelectorAll('#uploads th')[2].getAttribute('aria-sort')") == "ascending"
        )

    play(scene, files["typical"])


def test_filter_keeps_matching_rows_and_the_rows_above_them(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        shown = "[...document.querySelectorAll('#tree .name')].filter(e => e.checkVisibility()).map(e => e.innerText)"
        fill = "e => { e.value = %r; e.dispatchEvent(new Event('input')); }"
        await tab.evaluate(f"({fill % 'mysql'})(document.getElementById('filter-tree'))")
        matching = await tab.evaluate(shown)
        await tab.evaluate(f"({fill % ''})(document.getElementById('filter-tree'))")

        assert [name.split("\n")[0] for name in matching] == [
            "backup-db-1250012345",
            "weekly/mysql/",
            "misc-26/weekly/mysql/",
        ]
        assert len(await tab.evaluate(shown)) > 10
        await tab.evaluate(f"({fill % 'lidar'})(document.getElementById('filter-uploads'))")
        rows = await tab.evaluate(
            "[...document.querySelectorAll('#uploads tbody tr:not([hidden])')].map(e => e.innerText)"
        )
        assert rows
        assert all("lidar" in row for row in rows)

    play(scene, files["typical"])


def test_slider_moved_by_a_key_says_what_that_policy_would_do(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        first = await tab.evaluate("document.getElementById('said').innerText")
        await tab.evaluate("document.getElementById('by-idle').value = 0; document.getElementById('by-age').focus()")
        await tab.press(*RIGHT)

        assert first.startswith("Would abort 2,008 uploads, 3.30\u00a0TiB. None of them")
        assert "still receive parts" in await tab.evaluate("document.getElementById('said').innerText")
        assert await tab.evaluate("document.querySelectorAll('.chosen').length") == 1

    play(scene, files["inventory"])


def test_link_to_records_shows_the_command_and_leaves_the_reader_where_he_is(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        glass = "document.querySelectorAll('#tree .go')[4]"
        await tab.evaluate(f"{glass}.scrollIntoView({{behavior: 'instant', block: 'center'}})")
        await tab.evaluate(f"{glass}.focus({{preventScroll: true}})")
        before = await tab.evaluate("scrollY")
        await tab.press(*ENTER)
        shown = (await tab.evaluate("document.getElementById('command').innerText")).split("\n")

        assert shown[0] == "Records: uploads/mobile/android/8.15/"
        assert "It prints 548 lines, and more only where several runs looked at one upload." in shown
        assert await tab.evaluate("document.getElementById('query').textContent") == (
            """zgrep -hF '{"bucket":"media-ingest-1250012345@ap-guangzhou","key":"uploads/mobile/android/8.15/' """
            """uploads/*outcomes-*.jsonl.gz | grep -E '"outcome":"(aborted|deferred|failed)"'"""
        )
        await tab.press(*ESCAPE)
        assert await tab.evaluate("document.activeElement.matches('#tree .go')")
        assert await tab.evaluate("[document.getElementById('command').open, scrollY]") == [False, before]

    play(scene, files["typical"])


def test_long_table_shows_its_first_rows_until_it_is_opened_or_searched(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        for opening in (
            "document.querySelector('[data-fold=uploads]').click()",
            "(e => { e.value = '/'; e.dispatchEvent(new Event('input')); })(document.getElementById('filter-uploads'))",
        ):
            await tab.open(address, 380)
            rows = "[...document.querySelectorAll('#uploads tbody tr')].filter(e => e.checkVisibility()).length"
            before = await tab.evaluate(rows)
            await tab.evaluate("document.querySelectorAll('#uploads thead button')[2].click()")

            assert (before, await tab.evaluate(rows)) == (10, 10)
            await tab.evaluate(opening)
            assert await tab.evaluate(rows) == await tab.evaluate(
                "document.querySelectorAll('#uploads tbody tr').length"
            )

    play(scene, files["typical"])


def test_filter_without_a_match_says_so(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        fill = "(e => { e.value = %r; e.dispatchEvent(new Event('input')); })(document.getElementById('filter-tree'))"
        said = "document.querySelector('#where .none').checkVisibility()"

        assert await tab.evaluate(said) is False
        await tab.evaluate(fill % "nowhere")
        assert await tab.evaluate(said) is True
        await tab.evaluate(fill % "")
        assert await tab.evaluate(said) is False

    play(scene, files["typical"])


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_scrolls_inside_of_a_page_on_a_phone_but_grids(files: dict[str, str], name: str) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address, 380)
        inner = "[...document.querySelectorAll('main *')].filter(e => ['auto', 'scroll'].includes(getComputedStyle(e)"
        await tab.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        for axis, size in (("overflowX", "Width"), ("overflowY", "Height")):
            long = f"{inner}.{axis}) && e.scroll{size} > e.client{size} + 1 && !e.matches('.files'))"
            assert await tab.evaluate(f"{long}.map(e => e.outerHTML.slice(0, 200))") == []

    play(scene, files[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_chinese_page_has_no_english_sentence_and_comes_back(files: dict[str, str], name: str) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address)
        english = await tab.evaluate("document.querySelector('main').innerText")
        await tab.evaluate("document.getElementById('language').click()")
        chinese = await tab.evaluate("document.querySelector('h1').innerText")

        assert await tab.evaluate("document.documentElement.lang") == "zh-CN"
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        for word in (" the ", " uploads", " is ", " of "):
            assert await tab.evaluate(f"{WORDS}.filter(t => t.includes({word!r}))") == []
        text = await tab.evaluate(OWN_WORDS)
        assert [found[0] for rule in UNCHINESE for found in re.finditer(rule, text)] == []
        await tab.evaluate("document.getElementById('language').click()")
        assert await tab.evaluate("document.querySelector('main').innerText") == english

    play(scene, files[name])


def test_page_without_a_script_is_english_whole_and_has_no_dead_control(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address, with_script=False)
        seen = await tab.call("DOM.getDocument", depth=-1)
        await tab.call("DOM.enable")
        root = seen["root"]["nodeId"]

        async def boxes(selector: str) -> int:
            found = await tab.call("DOM.querySelectorAll", nodeId=root, selector=selector)
            return sum([await has_box(tab, node) for node in found["nodeIds"]])

        assert await boxes("button, input") == 0
        assert await boxes("h1 [lang=zh]") == 0
        assert await boxes("h1 [lang=en]") == 1
        assert await boxes("#tree .bar") > 10
        assert await boxes("#said") == 1

    play(scene, files["typical"])


async def has_box(tab: Page, node: int) -> bool:
    try:
        box = await tab.call("DOM.getBoxModel", nodeId=node)
    except AssertionError:
        return False
    return bool(box["model"]["width"])


def test_paper_is_light_and_has_no_controls(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address, dark=True)
        await tab.call(
            "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
        )

        assert await tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        controls = "[...document.querySelectorAll('button, input, nav')].filter(e => !e.closest('thead'))"
        assert await tab.evaluate(f"{controls}.some(e => e.checkVisibility())") is False

    play(scene, files["typical"])


def test_theme_can_be_switched_against_that_of_the_system(files: dict[str, str]) -> None:
    async def scene(tab: Page, address: str) -> None:
        colours = []
        for dark in (False, True):
            await tab.open(address, dark=dark)
            for _ in range(2):
                colours.append(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
                await tab.evaluate("document.getElementById('theme').click()")
            await tab.evaluate("try { localStorage.clear() } catch (error) {}")

        light, black = "rgb(255, 255, 255)", "rgb(15, 19, 24)"
        assert colours == [light, black, black, light]

    play(scene, files["zero"])


# The contrast of every text that is seen with what is behind it, worst first: WCAG asks for 4.5, for large text for 3.
CONTRAST = """
(() => {
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const part = value => value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(one).backgroundColor);
      if (a) return [r, g, b];
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')].filter(one =>
    one.checkVisibility() && !one.closest('.vh, svg, script, style') &&
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())
  ).map(one => {
    const style = getComputedStyle(one);
    const [a, b] = [light(colour(style.color)), light(behind(one))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    return [(a + 0.05) / (b + 0.05) / needed, one.outerHTML.slice(0, 120)];
  }).sort((x, y) => x[0] - y[0]).slice(0, 5);
})()
"""


@pytest.mark.parametrize("name", ["typical", "inventory", "missing_shard", "hostile"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(files: dict[str, str], name: str, theme: str) -> None:
    async def scene(tab: Page, address: str) -> None:
        await tab.open(address, dark=theme == "dark")
        worst = await tab.evaluate(CONTRAST)

        assert len(worst) == 5
        assert [text for ratio, text in worst if ratio < 1] == []

    play(scene, files[name])
