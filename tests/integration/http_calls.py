"""
Calls over HTTP, what they answer, and the uploads that are held before and after.
"""

import json
from typing import Any

from tests.emulator.public import Cloud, HeldUpload
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, event, named

BUCKET = PHOTOS.partition("@")[0]


def held(cloud: Cloud) -> list[HeldUpload]:
    return [upload for bucket in (PHOTOS, LOGS) for upload in cloud.uploads(bucket.partition("@")[0])]


def post(*uploads: dict[str, str], token: str | None = TOKEN, method: str = "POST") -> dict[str, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"uploads": uploads} if len(uploads) != 1 else uploads[0])
    return {**event("http_function_url"), "body": body, "headers": headers, "httpMethod": method}


def seeded(cloud: Cloud, count: int) -> list[dict[str, str]]:
    return [named(BUCKET, each.key, each.upload_id) for each in cloud.seed(BUCKET, "raw/{n}.mp4", count=count)]


def status_of(answer: dict[str, Any] | None) -> int:
    assert answer is not None
    assert answer["headers"]["Content-Type"].startswith("application/json")
    json.loads(answer["body"])
    return int(answer["statusCode"])
