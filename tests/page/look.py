"""
Pictures of every sample in light and dark, on a phone and on a screen, and on paper: python -m tests.page.look FOLDER.
"""

import asyncio
import sys
from pathlib import Path

from cos_sweeper.report import page
from tests.page.browser import browser, program
from tests.page.samples import SAMPLES

VIEWS = (("phone", 380, 800), ("screen", 1280, 900))


async def look(folder: Path, names: list[str]) -> None:
    """Write HTML, PNG and PDF of the samples into a folder."""
    executable = program()
    assert executable, "no Chromium here"
    folder.mkdir(parents=True, exist_ok=True)
    async with browser(executable) as connection:
        for name in names:
            file = folder / f"{name}.html"
            file.write_bytes(page.render(SAMPLES[name]()))
            for dark in (False, True):
                for view, width, height in VIEWS:
                    async with connection.page() as tab:
                        await tab.open(file.as_uri(), width, height, dark=dark)
                        await tab.screenshot(folder / f"{name}-{view}-{'dark' if dark else 'light'}.png")
            async with connection.page() as tab:
                await tab.open(file.as_uri())
                await tab.pdf(folder / f"{name}.pdf")
                print(name, *tab.complaints)


if __name__ == "__main__":
    asyncio.run(look(Path(sys.argv[1]), sys.argv[2:] or list(SAMPLES)))
