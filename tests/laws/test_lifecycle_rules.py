"""
Only the command writes lifecycle rules, one request for each bucket, and nothing that a bucket has is lost by it.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.cos.lifecycle_xml import lifecycle_rules
from tests.command import Command
from tests.emulator.public import Cloud, send
from tests.function import PHOTOS
from tests.lifecycle_documents import documents
from tests.profiles import examples

BUCKET = PHOTOS.partition("@")[0]
READS = {"GetBucketLifecycle", "GetBucketObjectLockConfiguration"}


def exchange(cloud: Cloud, method: str, body: bytes | None = None) -> bytes:
    return send(cloud, method, BUCKET, params={"lifecycle": ""}, body=body, credentials=cloud.owner).body


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@settings(max_examples=examples(30))
@given(document=documents(), prefix=st.sampled_from(["", "a/", "tmp/", "中 文/"]), days=st.integers(3, 400))
def test_added_rule_loses_nothing(document: bytes, prefix: str, days: int, cloud: Cloud, folder: Path) -> None:
    cloud.reset()
    cloud.lifecycle_checks(on=False)
    exchange(cloud, "PUT", document)
    mark = cloud.mark()

    ran = Command(cloud, folder)(
        "lifecycle", "--yes", "--json", "--add-rule", str(days), "--prefix", prefix, BUCKETS=PHOTOS
    )

    (done,) = ran.json["buckets"]
    stored = exchange(cloud, "GET")
    sent = [request for request in cloud.requests(mark) if request.operation not in READS]
    if done["result"] == "written":
        kept = Path(done["old_document"]).read_bytes()
        added = len(stored) - len(document)
        assert kept == document
        assert [stored[:at] + stored[at + added :] for at in range(len(document) + 1)].count(document) > 0
        assert lifecycle_rules(stored)[:-1] == lifecycle_rules(document)
        assert (lifecycle_rules(stored)[-1].prefix, lifecycle_rules(stored)[-1].days) == (prefix, days)
        assert [(request.method, request.operation) for request in sent] == [("PUT", "PutBucketLifecycle")]
    else:
        assert (stored, sent) == (document, [])


def test_nothing_that_is_deployed_can_write_lifecycle_rules() -> None:
    package = Path(__file__).parents[2] / "handler"
    deployed = [path for path in package.rglob("*.py") if "cli" not in path.relative_to(package).parts]

    assert len(deployed) > 50
    assert [str(path) for path in deployed if "put_bucket" in path.read_text("utf-8").lower()] == []
