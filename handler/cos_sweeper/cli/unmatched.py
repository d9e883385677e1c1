"""
Options that narrow or protect, and match nothing: most often they are misspelled, so a person hears of each.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from cos_sweeper.cli.config import Config
from cos_sweeper.cli.tables import shown_key
from cos_sweeper.cli.words import t
from cos_sweeper.core import key_readings
from cos_sweeper.core.model import Bucket, ListedUpload, Page
from cos_sweeper.core.policy import EXCLUDED, Policy, keep_by_readings

NONE = timedelta(0)


class Unmatched:
    """The prefixes of the command line under which no upload was listed so far. Each is told once."""

    def __init__(self, config: Config) -> None:
        self._prefixes = set(config.prefixes or ())
        self._excluded = {one: Policy(NONE, NONE, exclude_prefixes=(one,)) for one in config.excluded_prefixes}

    def page(self, page: Page) -> None:
        """A page was listed."""
        if self._prefixes or self._excluded:
            for listed in page.listed:
                self._note(listed)

    def _note(self, listed: ListedUpload) -> None:
        keys = key_readings.of(listed)
        self._prefixes -= {one for one in self._prefixes if any(key.startswith(one) for key in keys)}
        for one in [one for one, policy in self._excluded.items() if _is_excluded(keys, policy)]:
            del self._excluded[one]

    def told(self) -> Iterator[str]:
        """A sentence for each, after a listing that came to its end."""
        for option, prefixes in (("--prefix", sorted(self._prefixes)), ("--exclude-prefix", sorted(self._excluded))):
            for one in prefixes:
                text = shown_key(one)
                yield t("`{option} {text}` matches nothing: no upload was listed under it.", option=option, text=text)
        self._prefixes, self._excluded = set(), {}


def _is_excluded(keys: Sequence[str], policy: Policy) -> bool:
    kept = keep_by_readings(keys, policy)
    return kept is not None and kept.reason == EXCLUDED


def unmatched_buckets(config: Config, allowed: Sequence[Bucket]) -> Iterator[str]:
    """A sentence for each `--exclude-bucket` that excludes none of the buckets to work on."""
    only = {text.partition("@")[0] for text in config.only}
    names = {bucket.name for bucket in allowed if not only or bucket.name in only}
    for one in config.excluded_buckets:
        if one not in names:
            yield t(
                "`--exclude-bucket {text}` matches nothing: it is none of the buckets to work on.", text=shown_key(one)
            )
