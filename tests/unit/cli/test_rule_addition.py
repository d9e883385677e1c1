"""
Adding a rule loses nothing that the command can see, whatever happens between its steps.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cos_sweeper.cli import rule_addition
from cos_sweeper.cli.rule_addition import Changed, Different, NotWritten, Outcome, Written
from cos_sweeper.core.errors import CosRejected, StoreError, Unavailable
from cos_sweeper.core.model import Bucket
from tests.fixtures import PHOTOS, FakeClock

OLD = b"<LifecycleConfiguration><Rule><ID>old</ID><Filter/><Status>Enabled</Status><X/></Rule></LifecycleConfiguration>"


@dataclass
class FakeStore:
    """One bucket's document. on_read: what happens before the read with this number, the first is 1."""

    document: bytes | None = OLD
    on_read: dict[int, Callable[["FakeStore"], None]] = field(default_factory=dict)
    writes: list[bytes] = field(default_factory=list)
    fails: StoreError | None = None
    keeps: Callable[[bytes], bytes] = field(default=lambda document: document)
    is_lost: bool = False
    reads: int = 0

    async def read(self, bucket: Bucket) -> bytes | None:
        assert bucket == PHOTOS
        self.reads += 1
        if self.reads in self.on_read:
            self.on_read[self.reads](self)
        return self.document

    async def write(self, bucket: Bucket, document: bytes) -> None:
        assert bucket == PHOTOS
        self.writes.append(document)
        if not self.is_lost:
            self.document = self.keeps(document)
        if self.fails:
            raise self.fails


def becomes(document: bytes | None) -> Callable[[FakeStore], None]:
    return lambda store: setattr(store, "document", document)


def fails(_: FakeStore) -> None:
    raise Unavailable("ReadTimeout")


def added(store: FakeStore) -> Outcome:
    clock = FakeClock()

    async def run() -> Outcome:
        wanted = rule_addition.edit(PHOTOS, await store.read(PHOTOS), "tmp/", 30)
        return await rule_addition.write(store, wanted, clock, clock.sleep)

    return asyncio.run(run())


def test_rule_is_written_once_after_the_document_was_read_again() -> None:
    store = FakeStore()

    assert added(store) == Written(0.0, is_exact=True)
    assert [OLD[:-25] in one and b"<Prefix>tmp/</Prefix>" in one for one in store.writes] == [True]
    assert store.reads == 3


@pytest.mark.parametrize("now", [None, OLD.replace(b"<X/>", b"<X />")])
def test_document_that_changed_since_it_was_shown_is_not_written(now: bytes | None) -> None:
    store = FakeStore(on_read={2: becomes(now)})

    assert added(store) == Changed()
    assert store.writes == []


def test_document_that_cos_writes_in_another_layout_counts_as_written() -> None:
    store = FakeStore(keeps=lambda document: document.replace(b"<Rule>", b"\n  <Rule>"))

    assert added(store) == Written(0.0, is_exact=False)


@pytest.mark.parametrize(("stored", "lost"), [(OLD, 0), (OLD.replace(b"<X/>", b""), 1), (None, 1), (b"not xml", None)])
def test_other_document_after_the_write_is_reported_with_what_it_lost(stored: bytes | None, lost: int | None) -> None:
    store = FakeStore(on_read={3: becomes(stored)})

    assert added(store) == Different(lost)


def test_write_without_an_answer_that_reached_cos_counts_as_written() -> None:
    store = FakeStore(fails=Unavailable("ReadTimeout", is_retryable=True))

    assert added(store) == Written(0.0, is_exact=True)
    assert len(store.writes) == 1


def test_write_without_an_answer_that_did_not_reach_cos_is_not_sent_again() -> None:
    store = FakeStore(fails=Unavailable("ReadTimeout", is_retryable=True), is_lost=True)

    assert added(store) == NotWritten("ReadTimeout", is_certain=False)
    assert len(store.writes) == 1


@pytest.mark.parametrize("status", [301, 400, 412])
def test_write_that_cos_rejects_is_read_back_and_counts_as_what_is_there(status: int) -> None:
    answer = CosRejected("InvalidArgument", status)
    rejected, stored, other = FakeStore(fails=answer, is_lost=True), FakeStore(fails=answer), FakeStore(fails=answer)
    other.keeps = lambda _: b"<LifecycleConfiguration/>"

    assert added(rejected) == NotWritten("InvalidArgument", is_certain=True)
    assert added(stored) == Written(0.0, is_exact=True)
    assert added(other) == Different(1, "InvalidArgument")


def test_document_that_is_nested_deep_is_not_taken_for_the_one_that_was_written() -> None:
    deep = b"<Rule>" + b"<a>" * 3000 + b"</a>" * 3000 + b"</Rule></Lifecycle"

    assert added(FakeStore(keeps=lambda document: document.replace(b"</Lifecycle", deep))) == Different(None)


def test_document_that_cannot_be_read_back_is_reported() -> None:
    assert added(FakeStore(on_read={3: fails})) == Different(None, "ReadTimeout")


def test_old_document_that_cos_shows_for_a_moment_is_read_again() -> None:
    store = FakeStore(on_read={3: becomes(OLD)})
    store.on_read[4] = lambda one: setattr(one, "document", one.writes[0])

    assert added(store) == Written(0.0, is_exact=True)
