"""
Makes docs/report.png, the picture in the README, from the page that `make demo` leaves: python -m tests.page.picture.

The picture is the first screen.
"""

import asyncio
import sys
from pathlib import Path

from tests.page.browser import browser, program

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "build" / "demo" / "report.html"
PICTURE = ROOT / "docs" / "report.png"
WIDTH, HEIGHT = 1280, 860


async def take(page: Path, picture: Path) -> None:
    """Write the first screen of a page."""
    executable = program()
    assert executable, "no Chromium on this machine"
    async with browser(executable) as connection, connection.page() as tab:
        await tab.open(page.as_uri(), WIDTH, HEIGHT)
        await tab.screenshot(picture, whole=False)


if __name__ == "__main__":
    if not PAGE.exists():
        sys.exit(f"{PAGE} is missing: run `make demo` first")
    asyncio.run(take(PAGE, PICTURE))
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")
