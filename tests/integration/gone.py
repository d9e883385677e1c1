"""
What the tests of uploads that COS does not know share.
"""

from typing import Any

from tests.emulator.public import Cloud, Seeded
from tests.function import LOGS, PHOTOS, Invocation
from tests.integration.chains import OUTCOMES

BUCKET, OTHER = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
UNCHECKED = "already_gone_unchecked"


def seeded(cloud: Cloud, key: str = "raw/a", bucket: str = BUCKET, **more: Any) -> Seeded:
    (one,) = cloud.seed(bucket, key, part_size=1, **{"hours_since_start": 200, **more})
    return one


def left(cloud: Cloud, bucket: str = BUCKET) -> list[str]:
    return [one.upload_id for one in cloud.uploads(bucket)]


def outcomes(result: Invocation) -> dict[str, Any]:
    """The status of a run and its counts, which must add up, without those of nothing."""
    return outcomes_of(result.report)


def outcomes_of(report: dict[str, Any]) -> dict[str, Any]:
    counts = {name: report[name] for name in OUTCOMES if report[name]}
    assert sum(counts.values()) == report["uploads"]
    return {"status": report["status"], **counts}


def keys_requested(cloud: Cloud, since: int = 0) -> list[tuple[str, str, int | None]]:
    """The requests about single uploads: operation, key and status."""
    about = ("ListParts", "AbortMultipartUpload")
    return [(one.operation, one.key, one.status) for one in cloud.requests(since) if one.operation in about]
