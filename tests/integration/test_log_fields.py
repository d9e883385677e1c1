"""
What CLS can search: it drops every field of a line that is neither a text nor a number.
"""

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, named, timer

BUCKET = PHOTOS.partition("@")[0]


def test_log_fields_are_texts_or_numbers(cloud: Cloud, function: Function) -> None:
    (upload, _) = cloud.seed(BUCKET, "raw/{n}", count=2)
    cloud.fault("AbortMultipartUpload", reset="before", key=upload.key)
    runs = [
        function(named(BUCKET, upload.key, upload.upload_id), DRY_RUN="true"),
        function({"nothing": "known"}),
        function(timer()),
        function(timer(), BUCKETS="gone-1250000000@ap-beijing"),
        function(timer(), DRY_RUN="perhaps"),
    ]

    lines = [line for run in runs for line in run.log]

    assert {type(value) for line in lines for value in line.values()} == {str, int}
    assert [run.lines("run.finished")[0]["dry_run"] for run in runs[:2]] == ["true", "false"]
    assert [line["status"] for line in lines if line["event"] == "upload.failed"] == [""]
