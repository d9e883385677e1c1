"""
The line of progress: what has no room in the terminal is left out, and nothing is cut.
"""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from cos_sweeper.cli.console import Console
from cos_sweeper.cli.progress import Counted


@given(width=st.integers(8, 200), listed=st.integers(0, 10**9), failed=st.integers(0, 10**6))
def test_line_fits_and_each_figure_is_whole(width: int, listed: int, failed: int) -> None:
    counted = Counted(Console(stderr=io.StringIO()), "Looking", clock=lambda: 1.0)
    counted.listed, counted.failed = listed, failed
    every = counted.line().split(" · ")

    shown = counted.line(width).split(" · ")

    assert Text(" · ".join(shown)).cell_len <= width
    assert shown == every[: len(shown)]
    assert width < 150 or shown == every
