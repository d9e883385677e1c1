"""
The example events have the platform's shapes, and the function decodes each of them.
"""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.cli import event_templates
from cos_sweeper.cli.event_templates import TRIGGERS, Example
from cos_sweeper.core.model import AbortRequest, CompletedObject, SweepRequest
from cos_sweeper.scf import events
from tests.fixtures import LOGS, NOW, PHOTOS
from tests.function import event

FILES = {
    "timer": "timer",
    "inventory": "timer",
    "direct": "direct_with_region",
    "ckafka": "ckafka",
    "cmq": "cmq",
    "cls": "cls",
    "eventbridge": "eventbridge",
    "cos": "cos_completed",
    "http": "http_function_url",
}


def shape(value: Any) -> Any:
    """The names, and the kinds of the values, where they do not depend on the example."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items() if name not in ("Authorization",)}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def unpacked(raw: Any) -> Any:
    if "clslogs" not in raw:
        return raw
    batch = json.loads(gzip.decompress(base64.b64decode(raw["clslogs"]["data"])))
    return {**batch, "records": batch["records"][:1]}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_example_has_the_shape_that_the_platform_sends(trigger: str) -> None:
    made = event_templates.event(trigger, Example((PHOTOS, LOGS), NOW))

    assert shape(unpacked(made)) == shape(unpacked(event(FILES[trigger])))


@given(
    key=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="+%"), min_size=1, max_size=9
    ).filter(lambda one: one[0] not in "/\\" and one == one.strip("/") and one.rpartition("/")[2] not in (".", "..")),
    upload_id=st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True),
    trigger=st.sampled_from([one for one in TRIGGERS if one not in ("timer", "inventory", "cos")]),
)
def test_example_names_the_upload_that_was_asked_for(key: str, upload_id: str, trigger: str) -> None:
    decoded = events.decode(event_templates.event(trigger, Example((LOGS,), NOW, key, upload_id)), None)

    (request,) = decoded.requests
    assert isinstance(request, AbortRequest)
    assert (request.bucket, request.key, request.upload_id) == (LOGS.name, key, upload_id)


def test_examples_of_sweeps_are_narrowed_to_the_buckets_and_abort_nothing() -> None:
    for trigger in ("timer", "inventory"):
        (request,) = events.decode(event_templates.event(trigger, Example((PHOTOS, LOGS), NOW)), None).requests

        assert isinstance(request, SweepRequest)
        assert request.dry_run or request.inventory
        assert {PHOTOS.name, LOGS.name} == {str(one).partition("@")[0] for one in request.buckets or ()}


def test_example_of_a_completed_object_is_of_now() -> None:
    (request,) = events.decode(event_templates.event("cos", Example((LOGS,), NOW, "a/中 b.bin")), None).requests

    assert isinstance(request, CompletedObject)
    assert (request.bucket, request.key, request.completed_at) == (LOGS.name, "a/中 b.bin", NOW)


def test_example_of_a_function_url_shows_where_the_token_goes_only_if_one_is_needed() -> None:
    headers = [event_templates.event("http", Example((LOGS,), NOW, has_token=one))["headers"] for one in (True, False)]

    assert ["authorization" in one for one in headers] == [True, False]
    assert headers[0]["authorization"] == "Bearer <HTTP_TOKEN>"
