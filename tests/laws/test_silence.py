"""
Silence: no credential, token or signature leaves in a log, response, report or exception.
"""

import json
import logging
import traceback
from collections.abc import Iterator

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import Function, Invocation, event, named, timer
from tests.laws.buckets import BUCKET
from tests.laws.hostile_events import JSON


def planted(cloud: Cloud) -> Iterator[str]:
    yield from (cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "", TOKEN)


def everything_that_leaves(result: Invocation, records: list[logging.LogRecord]) -> str:
    raised = "".join(traceback.format_exception(result.error)) if result.error else ""
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in records)
    return "\n".join([result.output, json.dumps(result.answer), raised, logged])


@pytest.mark.parametrize("operation", ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 503])
@pytest.mark.parametrize(
    "inside", ["<Error><Code>{}</Code><RequestId>{}</RequestId></Error>", "{}{}", "<Key>{}{}</Key>"]
)
def test_silence_holds_for_everything_that_leaves_the_function(
    operation: str,
    status: int,
    inside: str,
    cloud: Cloud,
    function: Function,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (upload,) = cloud.seed(BUCKET)
    echo = " ".join([*planted(cloud), "Authorization: q-sign-algorithm=sha1&q-ak=A&q-signature=c0ffee"])
    headers = {"x-cos-request-id": echo}
    cloud.fault(operation, raw=inside.format(echo, echo), status=status, headers=headers)

    with caplog.at_level(logging.DEBUG):
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("qcloud_cos")]:
            logging.getLogger(name).setLevel(logging.DEBUG)
        sweep = function(timer(), BUCKETS="*")
        failure = function(named(BUCKET, upload.key, upload.upload_id))
        over_http = function(
            {
                "httpMethod": "POST",
                "headers": {**JSON, "Authorization": f"Bearer {TOKEN}"},
                "body": json.dumps(event("direct")),
            }
        )

    assert operation in {request.operation for request in cloud.requests()}
    for result in (sweep, failure, over_http):
        leaving = everything_that_leaves(result, caplog.records)
        assert not [secret for secret in [*planted(cloud), "c0ffee"] if secret in leaving]
