from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.listing import Index, Page, Query, key_of, order, page

KEYS = st.text(st.sampled_from(["a", "b", "/", "~", "\x00", "\x7f", "é", "中", "\uffff", "😀", "\udc80", "\udcff"]))
IDS = st.text("01", min_size=1, max_size=2)
ENTRIES = st.sets(st.tuples(KEYS.filter(bool), IDS), max_size=30)
LIMITS = st.integers(1, 7)
DELIMITERS = st.sampled_from(["", "/", "//", "a", "中"])


def index_of(entries: set[tuple[str, str]]) -> Index[tuple[str, str]]:
    index: Index[tuple[str, str]] = Index()
    index.put_all(((order(key), upload_id), (key, upload_id)) for key, upload_id in entries)
    return index


def pages(index: Index[tuple[str, str]], prefix: str, delimiter: str, limit: int) -> list[Page[tuple[str, str]]]:
    """All pages, by following the markers."""
    pages, marker = [], ("", "")
    while True:
        pages.append(page(index, Query(prefix, delimiter, *marker, limit=limit)))
        following = pages[-1].next_marker
        if following is None:
            return pages
        assert following > marker or order(following[0]) > order(marker[0])
        marker = following


def as_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def expected_groups(entries: set[tuple[str, str]], prefix: str, delimiter: str) -> set[str]:
    if not delimiter:
        return set()
    rests = {key[len(prefix) :] for key, _ in entries if key.startswith(prefix)}
    return {prefix + rest[: rest.index(delimiter)] + delimiter for rest in rests if delimiter in rest}


@given(KEYS, KEYS)
def test_keys_are_ordered_as_their_bytes_are(one: str, other: str) -> None:
    assert (order(one) < order(other)) == (as_bytes(one) < as_bytes(other))
    assert key_of(order(one)) == one


@given(ENTRIES, KEYS, DELIMITERS, LIMITS)
def test_walking_the_pages_yields_the_whole_listing_exactly_once_in_order(
    entries: set[tuple[str, str]], prefix: str, delimiter: str, limit: int
) -> None:
    walked = pages(index_of(entries), prefix, delimiter, limit)

    listed = [entry for each in walked for entry in each.entries]
    groups = [group for each in walked for group in each.common_prefixes]
    wanted = {
        (key, upload_id)
        for key, upload_id in entries
        if key.startswith(prefix) and not (delimiter and delimiter in key[len(prefix) :])
    }
    assert listed == sorted(wanted, key=lambda entry: (as_bytes(entry[0]), entry[1]))
    assert groups == sorted(expected_groups(entries, prefix, delimiter), key=as_bytes)


@given(ENTRIES, KEYS, DELIMITERS, LIMITS)
def test_pages_are_full_but_the_last_and_common_prefixes_count(
    entries: set[tuple[str, str]], prefix: str, delimiter: str, limit: int
) -> None:
    *full, last = pages(index_of(entries), prefix, delimiter, limit)

    assert all(len(each.entries) + len(each.common_prefixes) == limit for each in full)
    assert len(last.entries) + len(last.common_prefixes) <= limit


@given(ENTRIES, KEYS, IDS)
def test_page_starts_after_both_markers_wherever_they_point(
    entries: set[tuple[str, str]], key_marker: str, id_marker: str
) -> None:
    listed = page(index_of(entries), Query(key_marker=key_marker, id_marker=id_marker)).entries

    after = (as_bytes(key_marker), id_marker) if key_marker else (b"", "")
    assert set(listed) == {(key, upload_id) for key, upload_id in entries if (as_bytes(key), upload_id) > after}


@given(ENTRIES, KEYS.filter(bool))
def test_key_marker_alone_skips_every_upload_of_that_key(entries: set[tuple[str, str]], key_marker: str) -> None:
    listed = page(index_of(entries), Query(key_marker=key_marker)).entries

    assert set(listed) == {entry for entry in entries if as_bytes(entry[0]) > as_bytes(key_marker)}


@given(ENTRIES, IDS)
def test_id_marker_alone_is_ignored(entries: set[tuple[str, str]], id_marker: str) -> None:
    assert page(index_of(entries), Query(id_marker=id_marker)) == page(index_of(entries), Query())


def test_key_marker_inside_a_common_prefix_does_not_list_that_prefix_again() -> None:
    index = index_of({("a/1", "0"), ("a/2", "0"), ("b", "0")})

    listed = page(index, Query(delimiter="/", key_marker="a/1"))

    assert listed.common_prefixes == ()
    assert listed.entries == (("b", "0"),)


def test_marker_after_a_common_prefix_is_the_prefix_itself_without_an_id() -> None:
    index = index_of({("a/1", "0"), ("a/2", "0"), ("b", "0")})

    assert page(index, Query(delimiter="/", limit=1)).next_marker == ("a/", "")
