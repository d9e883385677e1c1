"""
Events as the platform sends them, by each of the ways in.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cos_sweeper.core.model import Bucket, Upload
from tests.simulation.in_memory.terms import HELD

WAYS = ("direct", "ckafka", "cmq", "cls", "eventbridge", "tdmq", "http")


def timer(narrowing: Mapping[str, Any]) -> dict[str, Any]:
    """A timer that fires."""
    return {"Type": "Timer", "TriggerName": "t", "Time": "", "Message": json.dumps(narrowing) if narrowing else ""}


def failed(uploads: Sequence[Upload], way: str) -> dict[str, Any]:
    """Word of uploads that failed. In a batch each has a record of its own where there are records."""
    named = [_one(one, place) for place, one in enumerate(uploads)]
    message = named[0] if len(named) == 1 else {"uploads": named}
    texts = [json.dumps(one) for one in named]
    if way == "ckafka":
        return {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}} for text in texts]}
    if way == "cmq":
        return {"Records": [{"CMQ": {"topicName": "t", "msgBody": text}} for text in texts]}
    if way == "cls":
        batch = json.dumps({"records": [{"content": text} for text in texts]}).encode()
        return {"clslogs": {"data": base64.b64encode(gzip.compress(batch, mtime=0)).decode()}}
    if way == "eventbridge":
        return {"specversion": "1.0", "data": message}
    if way == "tdmq":
        return {"specversion": "1.0", "data": {"msgBody": json.dumps(message)}}
    if way == "http":
        return {"httpMethod": "POST", "headers": {}, "body": json.dumps(message)}
    return message


def completed(objects: Sequence[tuple[Bucket, str, datetime]]) -> dict[str, Any]:
    """COS's own word of completed objects."""
    return {"Records": [_completed(*one) for one in objects]}


def _one(upload: Upload, place: int) -> dict[str, str]:
    """Every other one as the SDK spells it. With its region where the event has one anyway, or where it is wrong."""
    bucket = upload.bucket
    if place % 2 and bucket in HELD:
        return {"bucket": bucket.name, "key": upload.key, "uploadId": upload.upload_id}
    return {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.upload_id, "Region": bucket.region}


def _completed(bucket: Bucket, key: str, at: datetime) -> dict[str, Any]:
    name, _, appid = bucket.name.rpartition("-")
    return {
        "cos": {
            "cosBucket": {"name": name, "appid": appid},
            "cosObject": {"key": f"/{appid}/{name}/{key}"},
        },
        "event": {"eventName": "cos:ObjectCreated:CompleteMultipartUpload", "eventTime": int(at.timestamp())},
    }
