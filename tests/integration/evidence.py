"""
What the tests of an abort's evidence share.
"""

from typing import Any

from tests.function import PHOTOS, Function, Invocation, timer

BUCKET = PHOTOS.partition("@")[0]
PART_RECENT = "a part arrived recently"


def sweep(function: Function, **settings: Any) -> Invocation:
    return function(timer(buckets=[BUCKET]), WORKERS="1", **settings)
