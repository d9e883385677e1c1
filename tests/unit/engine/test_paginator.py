"""
The way through listings.
"""

import asyncio

import pytest

from cos_sweeper.core.errors import CosRejected
from cos_sweeper.core.model import (
    Bucket,
    BucketsPage,
    Cursor,
    Page,
)
from cos_sweeper.engine.paginator import Paginator, every_bucket
from tests.fixtures import NOW, PHOTOS


def walk_through(start: Cursor, *markers: Cursor | None) -> Cursor | None:
    listed_by = Paginator(start)
    for marker in markers:
        listed_by.advance(Page((), marker))
    return listed_by.next


@pytest.mark.parametrize(
    "markers",
    [
        (("a", "1"),),
        (("b", "1"), ("b", "1")),
        (("b", "1"), ("b", "2"), ("b", "1")),
        (("c", "1"), ("b", "2")),
        (("b\udcff", "1"), ("b猫", "1")),
    ],
    ids=["before_the_start", "same", "circle", "back", "back_by_bytes"],
)
def test_listing_that_goes_back_or_in_circles_is_rejected(markers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(CosRejected) as caught:
        walk_through(Cursor("b", "0"), *(Cursor(*marker) for marker in markers))

    assert caught.value.code == "MarkerStuck"


def test_listing_may_repeat_an_id_under_another_key_and_go_back_in_ids_of_one_key() -> None:
    way = [Cursor("b", "9"), Cursor("b", "5"), Cursor("c", "9"), Cursor("c", "5"), Cursor("d", "9"), None]

    assert walk_through(Cursor(), *way) is None


@pytest.mark.parametrize(
    ("name", "region", "is_one"),
    [
        (PHOTOS.name, PHOTOS.region, True),
        (f"{PHOTOS.name}.evil", PHOTOS.region, False),
        ("photos", PHOTOS.region, False),
        (PHOTOS.name, f"{PHOTOS.region}.evil", False),
        (PHOTOS.name, "", False),
    ],
)
def test_bucket_is_swept_only_with_a_valid_name_and_region(name: str, region: str, *, is_one: bool) -> None:
    found = Bucket(name, region)

    class Two:
        async def buckets(self, marker: str) -> BucketsPage:
            return {"": BucketsPage((found,), "m"), "m": BucketsPage((PHOTOS,), None)}[marker]

    expected = tuple(dict.fromkeys((*((found,) if is_one else ()), PHOTOS)))
    assert asyncio.run(every_bucket(Two(), NOW)) == (expected, NOW)  # type: ignore[arg-type]
