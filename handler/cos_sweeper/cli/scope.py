"""
The buckets that a command works on, out of those that BUCKETS allows.
"""

from collections.abc import Sequence

from cos_sweeper.cli.config import Config
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import t
from cos_sweeper.core.model import Bucket

MAX_NAMED = 5


def chosen(allowed: Sequence[Bucket], config: Config) -> tuple[Bucket, ...]:
    """
    Those that `--bucket` names, or all that are allowed, without EXCLUDE_BUCKETS.

    allowed: by BUCKETS, or for `*` those that can be listed. Raises Misused for a bucket that is not among them.
    """
    excluded = config.settings.exclude_buckets
    left = [bucket for bucket in allowed if bucket.name not in excluded]
    if not config.only:
        return tuple(left)
    for name in (text.partition("@")[0] for text in config.only):
        if name in excluded:
            origin = config.origin("EXCLUDE_BUCKETS")
            raise Misused(
                t("The bucket {name} is excluded.", name=name), t("EXCLUDE_BUCKETS ({origin}) names it.", origin=origin)
            )
    return tuple(dict.fromkeys(_named(text, left, config) for text in config.only))


def _named(text: str, left: Sequence[Bucket], config: Config) -> Bucket:
    name, _, region = text.partition("@")
    for bucket in left:
        if bucket.name == name and region in ("", bucket.region):
            return bucket
    if config.settings.buckets is None:
        raise Misused(
            t("These credentials can list no bucket {name}.", name=text), t("They can list: {names}", names=_few(left))
        )
    raise Misused(
        t("The bucket {name} is not among the allowed ones.", name=text),
        t("BUCKETS ({origin}) allows: {names}", origin=config.origin("BUCKETS"), names=_few(left)),
    )


def _few(buckets: Sequence[Bucket]) -> str:
    shown = ", ".join(str(bucket) for bucket in buckets[:MAX_NAMED])
    more = len(buckets) - MAX_NAMED
    return (shown + (t(" and {n} more", n=more) if more > 0 else "")) or t("none")
