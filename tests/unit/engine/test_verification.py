"""
Aborts that were acknowledged, and uploads that are still there.
"""

import asyncio
from dataclasses import dataclass, field

import pytest

from cos_sweeper.core.errors import NoSuchUpload
from cos_sweeper.core.model import Bucket, Part, PartsPage, Upload
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import verification
from tests.unit.engine.listed_store import IN_STEP, OLD, ListedStore, swept


@dataclass(slots=True)
class Stubborn(ListedStore):
    """A store in which some uploads survive so many aborts. most: requests at a time, without the listing's."""

    lives: dict[str, int] = field(default_factory=dict)
    aborts: list[str] = field(default_factory=list)
    now: int = 0
    maximum: int = 0

    async def parts(self, upload: Upload, _: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        await self._in_flight()
        if upload in self.gone:
            raise NoSuchUpload("NoSuchUpload", 404)
        return PartsPage((Part(OLD, 5),), None, IN_STEP)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        await self._in_flight()
        self.aborts.append(upload.key)
        if self.aborts.count(upload.key) > self.lives.get(upload.key, 0):
            self.gone.add(upload)
        return Receipt("id")

    async def pause(self, _: float) -> bool:
        for _round in range(20):
            await asyncio.sleep(0)
        return True

    def give_back(self, _: Bucket) -> None:
        """No rate limit here."""

    def is_throttled(self, _: Bucket) -> bool:
        return False

    async def _in_flight(self) -> None:
        self.now += 1
        self.maximum = max(self.maximum, self.now)
        await asyncio.sleep(0)
        self.now -= 1


def stubborn(lives: dict[str, int], pages: int = 4, uploads: int = 5) -> Stubborn:
    keys = [[f"{page}{number}" for number in range(uploads)] for page in range(pages)]
    return Stubborn([[(key, key, OLD) for key in page] for page in keys], lives=lives)


@pytest.mark.parametrize("workers", [1, 2, 7, 50])
@pytest.mark.parametrize("lives", [{"00": 1}, {"00": 3, "01": 2, "12": 1, "34": 9}, {"30": 9, "31": 9}])
def test_uploads_are_all_counted_however_many_wait_for_another_look(workers: int, lives: dict[str, int]) -> None:
    store = stubborn(lives)

    result = swept(store, workers=workers, verify="all")

    report = result.report_builder.build()
    survivors = sum(count > 3 for count in lives.values())
    assert (report.counts["aborted"], report.counts["failed"], report.uploads) == (20 - survivors, survivors, 20)
    assert result.remaining is None
    assert store.maximum <= workers


def test_upload_that_finds_too_many_waiting_fails_for_now_and_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_WAITING", 2)
    store = stubborn({f"0{number}": 9 for number in range(5)}, pages=1)

    result = swept(store, workers=5, verify="all", retries=True)

    assert result.remaining is not None
    assert len(result.remaining.targets) == 3
    assert result.report_builder.build().failed == {"StillThere": 2}


def test_sample_that_is_still_there_makes_what_was_acknowledged_beside_it_be_looked_at() -> None:
    store = stubborn(dict.fromkeys(("00", "01", "02", "03", "04"), 9), pages=1)

    report = swept(store, workers=5, verify="recent").report_builder.build()

    assert (report.counts["aborted"], report.counts["failed"]) == (0, 5)


@pytest.mark.parametrize("workers", [1, 5])
def test_verification_that_is_off_looks_at_no_upload_again(workers: int) -> None:
    store = stubborn({"00": 9}, pages=1)

    report = swept(store, workers=workers, verify="none").report_builder.build()

    assert (report.counts["aborted"], sorted(store.aborts)) == (5, ["00", "01", "02", "03", "04"])
