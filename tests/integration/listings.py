"""
What the tests of markers share: uploads that fill pages, and what a run makes of them.
"""

from typing import Any

from tests.emulator.public import Cloud, Request, Seeded
from tests.function import PHOTOS, Invocation
from tests.integration.chains import OUTCOMES

BUCKET = PHOTOS.partition("@")[0]
ENCODINGS = ("once", "once_unannounced", "plain", "plain_announced", "twice", "plus")
# The names of these folders have several meanings, or are read wrongly when their encoding is.
FOLDERS = ("a b/", "a+b/", "a%20b/", "a%2Bb/", "100%/", "x%2Fy/", "é ü/", "%25/", "p q+r%2B/")
PAGE = 1000


def fill(cloud: Cloud, key: str, count: int, **more: Any) -> None:
    """Seed uploads that started recently."""
    cloud.seed(BUCKET, key, count=count, hours_since_start=1, part_size=1, **more)


def abandoned(cloud: Cloud, key: str, upload_id: str | None = None) -> Seeded:
    (seeded,) = cloud.seed(BUCKET, key, hours_since_start=200, part_size=1, upload_id=upload_id)
    return seeded


def ids(cloud: Cloud) -> set[str]:
    return {upload.upload_id for upload in cloud.uploads(BUCKET)}


def requests(cloud: Cloud, operation: str) -> list[Request]:
    return [one for one in cloud.requests() if one.operation == operation]


def listings(cloud: Cloud) -> list[Request]:
    return requests(cloud, "ListMultipartUploads")


def outcomes(result: Invocation) -> dict[str, Any]:
    """The status of a run and its counts, which must add up, without those of nothing."""
    assert result.error is None, result.output
    counts = {name: result.report[name] for name in OUTCOMES if result.report[name]}
    assert sum(counts.values()) == result.report["uploads"]
    return {"status": result.report["status"], **counts}
