"""
Makes docs/report.png, the picture in the README: python -m tests.page.picture [report.json].

Without a report it shows a made-up one. The picture is the first screen.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from cos_sweeper.report import page
from tests.page.browser import browser, program
from tests.page.samples import typical

PICTURE = Path(__file__).parents[2] / "docs" / "report.png"
WIDTH, HEIGHT = 1280, 860


async def take(report: Path | None, picture: Path) -> None:
    """Write the first screen of a report's page."""
    executable = program()
    assert executable, "no Chromium on this machine"
    values = json.loads(report.read_bytes()) if report else typical()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_bytes(page.render(values))
        async with browser(executable) as connection, connection.page() as tab:
            await tab.open(file.as_uri(), WIDTH, HEIGHT)
            await tab.screenshot(picture, whole=False)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if sys.argv[1:] else None, PICTURE))
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")
