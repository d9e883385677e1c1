"""
What cos-js-sdk-v5 leaves behind in a real Chromium, claim by claim, as docs/client-leaks.md makes them.
"""

from typing import Any

from tests.senders.clients import World
from tests.senders.in_browser import KEY, pytestmark, visit

__all__ = ["pytestmark"]
FAIL = "cos.uploadFile(params).catch((failure) => failure.UploadId)"
TWICE = "cos.uploadFile(params).catch(() => cos.uploadFile(params)).catch((failure) => failure.UploadId)"
STORED = """
new Promise((done) => setInterval(() => localStorage.cos_sdk_upload_cache && done(localStorage.cos_sdk_upload_cache)))
"""


def test_failed_upload_aborts_nothing_and_its_error_names_the_upload(world: World, backend: Any) -> None:
    world.cloud.fault("UploadPart", key=KEY, status=403, code="AccessDenied", skip=1)

    (named,), _ = visit(world, backend, FAIL)

    assert [each.upload_id for each in world.held()] == [named]
    assert world.aborts() == []


def test_repeat_in_one_page_after_a_failed_part_continues(world: World, backend: Any) -> None:
    world.cloud.fault("UploadPart", key=KEY, status=403, code="AccessDenied", skip=1)

    visit(world, backend, TWICE)

    assert len(world.held()) == 1


def test_page_that_is_loaded_again_knows_the_upload_and_continues_it(world: World, backend: Any) -> None:
    world.cloud.fault("UploadPart", key=KEY, status=403, code="AccessDenied", skip=1)

    (named, stored, again), _ = visit(world, backend, f"{FAIL}.then(async (id) => (await {STORED}, id))", STORED, FAIL)

    assert named in stored
    assert again == named
    assert [each.upload_id for each in world.held()] == [named]
