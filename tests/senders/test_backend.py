"""
What the browser's backend passes on, and what it refuses.
"""

import io
from typing import Any

import pytest

from tests.senders.clients import BUCKET, World

KEY = "users/li/a.mov"
JSON = "application/json"


def test_report_of_a_users_own_upload_is_passed_on(world: World, backend: Any) -> None:
    mine, other = world.cloud.seed(BUCKET, KEY, count=2)

    assert _status(backend, f'{{"key": "{KEY}", "uploadId": "{mine.upload_id}"}}') == 204

    assert world.aborts() == [(KEY, mine.upload_id)]
    assert other.upload_id in [each.upload_id for each in world.cloud.uploads(BUCKET)]


@pytest.mark.parametrize(
    ("status", "body", "environ"),
    [
        (403, '{"key": "users/wang/a.mov", "uploadId": "1"}', {}),
        (403, '{"key": "users/lisa/a.mov", "uploadId": "1"}', {}),
        (403, '{"key": "users/li/a.mov", "uploadId": ""}', {}),
        (403, '{"key": "users//a.mov", "uploadId": "1"}', {"REMOTE_USER": ""}),
        (415, '{"key": "users/li/a.mov", "uploadId": "1"}', {"CONTENT_TYPE": "text/plain"}),
        (415, '{"key": "users/li/a.mov", "uploadId": "1"}', {"REQUEST_METHOD": "GET"}),
        (400, "{", {}),
        (400, '["users/li/a.mov", "1"]', {}),
        (400, '{"key": ["users/li/"], "uploadId": "1"}', {}),
        (400, '{"key": "users/li/a.mov"}', {}),
        (400, '{"uploads": [{"key": "users/wang/a.mov", "uploadId": "1"}]}', {}),
        (403, '{"key": "users/li/a.mov", "uploadId": ["1"]}', {}),
        (400, " " * 9000, {}),
    ],
)
def test_report_that_a_page_must_not_make_is_refused(
    world: World, backend: Any, status: int, body: str, environ: dict[str, str]
) -> None:
    assert _status(backend, body, **environ) == status

    assert world.cloud.invocations() == []


def _status(backend: Any, body: str, **environ: str) -> int:
    statuses: list[str] = []
    usual = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": JSON, "CONTENT_LENGTH": str(len(body)), "REMOTE_USER": "li"}
    backend({**usual, "wsgi.input": io.BytesIO(body.encode()), **environ}, lambda status, _: statuses.append(status))
    return int(statuses[0][:3])
