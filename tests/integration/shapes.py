"""
What the tests of event shapes share.
"""

import base64
import gzip
import json
import time
from collections.abc import Callable
from typing import Any

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import PHOTOS, Invocation, event, named

BUCKET = PHOTOS.partition("@")[0]
BOM = "\ufeff"


def held(cloud: Cloud) -> list[str]:
    """The keys of the unfinished uploads that are left."""
    return [upload.key for upload in cloud.uploads(BUCKET)]


def message(cloud: Cloud, key: str = "raw/1.mp4") -> dict[str, str]:
    """An upload that is there, and the message that names it."""
    (upload,) = cloud.seed(BUCKET, key)
    return named(BUCKET, upload.key, upload.upload_id)


def completed(path: str = "raw/2026/1.mp4", **changes: Any) -> dict[str, Any]:
    """COS's event of a completed object. path: behind appid and bucket. changes: in `cosObject` and in `event`."""
    raw: dict[str, Any] = event("cos_completed")
    record = raw["Records"][0]
    cos_object = {"key": f"/1250000000/photos/{path}", "url": None}
    record["cos"]["cosObject"] |= cos_object | {name: changes[name] for name in changes if name in cos_object}
    record["event"] |= {"eventTime": int(time.time())}
    record["event"] |= {name: changes[name] for name in changes if name not in cos_object}
    return raw


def post(body: object, **changes: Any) -> dict[str, Any]:
    """A request to the Function URL by a caller who has the token."""
    raw: dict[str, Any] = event("http_function_url")
    return {**raw, "body": body if isinstance(body, str) else json.dumps(body), **changes}


def cls(text: str, wrap: Callable[[bytes], str] = lambda data: base64.b64encode(data).decode()) -> dict[str, Any]:
    """A CLS batch, packed. wrap: its way of base64."""
    return {"clslogs": {"data": wrap(gzip.compress(text.encode(), mtime=0))}}


def rejected(result: Invocation) -> str:
    """The only reason of an event that was rejected whole."""
    assert result.report["rejected"] == len(result.report["rejections"]) == 1
    assert result.report["aborted"] == 0
    reason: str = result.report["rejections"][0]["reason"]
    return reason


ENVELOPE = {key: value for key, value in event("eventbridge").items() if key != "data"}
JSON_TYPE = "application/json"
BEARER = f"Bearer {TOKEN}"
