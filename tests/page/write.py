"""
Writes the page of every sample, to look at: python -m tests.page.write FOLDER.
"""

import sys
from pathlib import Path

from cos_sweeper.report import page
from tests.page.samples import SAMPLES


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sample in SAMPLES.items():
        html = page.render(sample())
        (folder / f"{name}.html").write_bytes(html)
        print(f"{len(html):>9,} bytes  {folder / name}.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
