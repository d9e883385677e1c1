"""
What stands for a key where keys are hashed.
"""

import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from cos_sweeper.core.key_mask import MASKED, MAX_CACHED, PLAIN, KeyMask

SECRET = "an-example-secret-of-keys"
keys = st.one_of(
    st.lists(st.text(max_size=8), min_size=1, max_size=6).map("/".join),
    st.binary(max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


@given(key=keys)
def test_plain_mask_shows_the_key(key: str) -> None:
    assert (PLAIN.key(key), PLAIN.prefix(key), PLAIN.is_on) == (key, key, False)


@given(key=keys)
@example(key="/")
@example(key="a//b/")
def test_each_segment_is_hashed_with_all_that_is_before_it(key: str) -> None:
    masked = KeyMask(SECRET).key(key)

    ends = [place + 1 for place, character in enumerate(key) if character == "/"]
    ends += [] if key.endswith("/") or not key else [len(key)]
    digests = [
        hmac.new(SECRET.encode(), key[:end].encode("utf-8", "surrogatepass"), "sha256").hexdigest() for end in ends
    ]
    expected = "/".join(f"~{digest[:16]}" for digest in digests) + ("/" if key.endswith("/") else "")
    assert masked == (key if MASKED.fullmatch(key) else expected)


@given(directory=keys, name=keys)
def test_mask_of_a_key_begins_with_the_mask_of_its_directory(directory: str, name: str) -> None:
    mask = KeyMask(SECRET)

    assert mask.key(f"{directory}/{name}").startswith(mask.prefix(f"{directory}/"))


@given(key=keys)
def test_masked_key_is_not_masked_again(key: str) -> None:
    mask = KeyMask(SECRET)

    assert mask.key(mask.key(key)) == mask.key(key)


@given(asked=st.lists(keys, max_size=20))
def test_mask_does_not_depend_on_what_was_masked_before(asked: list[str]) -> None:
    used = KeyMask(SECRET)

    assert [used.key(key) for key in asked] == [KeyMask(SECRET).key(key) for key in asked]


def test_mask_is_the_same_beyond_the_bound_of_its_memory() -> None:
    used = KeyMask(SECRET)
    before = used.key("deep/er/key")

    for number in range(MAX_CACHED + 2):
        used.key(f"{number}/key")

    assert used.key("deep/er/key") == before


def test_other_secret_gives_other_masks_and_digests() -> None:
    one, other = KeyMask(SECRET), KeyMask(SECRET[::-1])

    assert one.key("a/b") != other.key("a/b")
    assert len({mask.digest("text") for mask in (one, other, PLAIN)}) == 3
