from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.checksums import combined, crc64
from tests.emulator.contents import BLOCK_BYTES, Content, ContentGone, Contents, Cut, Joined, joined, pieces

SIZES = st.sampled_from([0, 1, 7, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5])


def body(size: int, seed: int = 0) -> bytes:
    return bytes((seed + at * at) % 251 for at in range(min(size, 997))) * (size // 997 + 1)


def kept(contents: Contents, *fed: bytes) -> Content | None:
    receiver = contents.receive()
    for data in fed:
        receiver.feed(data)
    return receiver.content()


@given(sizes=st.lists(SIZES, max_size=4), start=st.integers(0, 300_000), length=st.integers(0, 300_000))
def test_content_reads_like_bytes_however_it_came_was_joined_or_cut(sizes: list[int], start: int, length: int) -> None:
    sent = [body(size, seed)[:size] for seed, size in enumerate(sizes)]
    whole = b"".join(sent)
    wanted = whole[start : start + length]

    with closing(Contents()) as contents:
        for form in (kept(contents, *sent), joined([kept(contents, data) for data in sent])):
            assert form is not None
            assert (len(form), form[:], form[start : start + length]) == (len(whole), whole, wanted)
            assert b"".join(pieces(Cut(form, range(len(whole))[start : start + length]))) == wanted


@pytest.fixture
def contents() -> Iterator[Contents]:
    with closing(Contents(keep_bytes=10)) as ten_bytes:
        yield ten_bytes


def test_room_is_free_again_when_nobody_refers_to_a_content(contents: Contents) -> None:
    first = kept(contents, b"12345678")
    assert kept(contents, b"1", b"23") is None
    copy = Joined([first]) if first is not None else None
    del first
    assert contents.kept_bytes == 8
    del copy

    assert contents.kept_bytes == 0
    again = kept(contents, b"abcdefghij")
    assert again is not None
    assert again[:] == b"abcdefghij"


def test_content_from_before_a_reset_is_gone_and_gives_no_room_back(contents: Contents) -> None:
    old = kept(contents, b"old")
    assert old is not None

    contents.clear()
    new = kept(contents, b"new")

    assert new is not None
    with pytest.raises(ContentGone):
        old[:]
    del old
    assert (new[:], contents.kept_bytes) == (b"new", 3)


def test_one_unknown_part_makes_the_whole_unknown() -> None:
    assert joined([b"a", None]) is None
    assert combined([(1, 1), (None, 0)]) is None


@given(parts=st.lists(st.binary(max_size=50), max_size=5))
def test_checksums_of_parts_combine_to_that_of_the_whole(parts: list[bytes]) -> None:
    step_by_step = 0
    for part in parts:
        step_by_step = crc64(part, step_by_step)

    assert combined((crc64(part), len(part)) for part in parts) == crc64(b"".join(parts)) == step_by_step


def test_checksum_is_the_one_that_catalogues_give() -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
