"""
An example event for each trigger, as the platform sends it. Values in, values out.

An example is harmless as it comes: a timer's has `dry_run`, and the others name an upload that does not exist.
"""

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cos_sweeper.core.model import Bucket

KEY = "example/not-there.bin"
# As COS makes them: the time of the start, then 64 hexadecimal digits.
UPLOAD_ID = "1700000000" + "0" * 64
TOKEN = "<HTTP_TOKEN>"  # noqa: S105 - the place of the token
TOPIC = "upload-failures"
# COS's own short codes, as far as they are documented. The function does not read them.
SHORT_CODES = {"ap-guangzhou": "gz", "ap-chengdu": "cd"}

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """What stands in the events. buckets: at least one; the first is the one of the upload."""

    buckets: Sequence[Bucket]
    now: datetime
    key: str = KEY
    upload_id: str = UPLOAD_ID
    has_token: bool = True

    @property
    def bucket(self) -> Bucket:
        """The bucket of the upload."""
        return self.buckets[0]

    @property
    def message(self) -> dict[str, str]:
        """What names one upload."""
        return {"bucket": self.bucket.name, "key": self.key, "uploadId": self.upload_id}

    @property
    def text(self) -> str:
        """The same as text."""
        return json.dumps(self.message, ensure_ascii=False)


def event(trigger: str, example: Example) -> Event:
    """The event of a trigger, one of TRIGGERS."""
    return TRIGGERS[trigger](example)


def _timer(example: Example) -> Event:
    return _timed(example, {"buckets": [one.name for one in example.buckets], "dry_run": True})


def _inventory(example: Example) -> Event:
    return _timed(example, {"buckets": [one.name for one in example.buckets], "inventory": True})


def _timed(example: Example, argument: Mapping[str, Any]) -> Event:
    return {
        "Type": "Timer",
        "TriggerName": "nightly",
        "Time": f"{example.now:%Y-%m-%dT%H:%M:%SZ}",
        "Message": json.dumps(argument),
    }


def _direct(example: Example) -> Event:
    return {**example.message, "region": example.bucket.region}


def _ckafka(example: Example) -> Event:
    record = {"topic": TOPIC, "partition": 0, "offset": 1, "msgKey": "None", "msgBody": example.text}
    return {"Records": [{"Ckafka": record}]}


def _cmq(example: Example) -> Event:
    record = {
        "type": "topic",
        "topicOwner": _appid(example.bucket),
        "topicName": TOPIC,
        "subscriptionName": "cos-sweeper",
        "publishTime": f"{example.now:%Y-%m-%dT%H:%M:%S.000Z}",
        "msgId": "1",
        "requestId": "1",
        "msgBody": example.text,
        "msgTag": "",
    }
    return {"Records": [{"CMQ": record}]}


def _cls(example: Example) -> Event:
    batch = {
        "topic_id": "00000000-0000-4000-8000-000000000000",
        "topic_name": TOPIC,
        "records": [{"timestamp": str(int(example.now.timestamp() * 1_000_000)), "content": example.text}],
    }
    packed = gzip.compress(json.dumps(batch, ensure_ascii=False).encode(), mtime=0)
    return {"clslogs": {"data": base64.b64encode(packed).decode()}}


def _eventbridge(example: Example) -> Event:
    return {
        "specversion": "1.0",
        "id": "00000000-0000-4000-8000-000000000000",
        "type": "upload:failed",
        "source": "uploader",
        "subject": f"qcs::eb:{example.bucket.region}:uid/{_appid(example.bucket)}:eventbusid/eb-example",
        "time": str(int(example.now.timestamp() * 1000)),
        "region": example.bucket.region,
        "datacontenttype": "application/json;charset=utf-8",
        "data": example.message,
    }


def _cos(example: Example) -> Event:
    bucket, appid = example.bucket, _appid(example.bucket)
    name = bucket.name.removesuffix(f"-{appid}")
    cos_object = {
        "url": f"http://{bucket.name}.cos.{bucket.region}.myqcloud.com/{quote(example.key, safe='/')}",
        "meta": {"x-cos-request-id": "", "Content-Type": ""},
        "vid": "",
        "key": f"/{appid}/{name}/{example.key}",
        "size": 1,
    }
    cos_bucket = {"region": SHORT_CODES.get(bucket.region, bucket.region), "name": name, "appid": appid, "s3Region": ""}
    happened = {
        "eventName": "cos:ObjectCreated:CompleteMultipartUpload",
        "eventVersion": "1.0",
        "eventTime": int(example.now.timestamp()),
        "eventSource": "qcs::cos",
        "requestParameters": {"requestSourceIP": "203.0.113.10", "requestHeaders": {}},
        "eventQueue": f"qcs:0:scf:{bucket.region}:appid/{appid}:default.cos-sweeper.$LATEST",
        "reservedInfo": "",
        "reqid": 1,
    }
    record = {
        "cosSchemaVersion": "1.0",
        "cosObject": cos_object,
        "cosBucket": cos_bucket,
        "cosNotificationId": "unkown",  # as COS spells it
    }
    return {"Records": [{"cos": record, "event": happened}]}


def _http(example: Example) -> Event:
    token = {"authorization": f"Bearer {TOKEN}"} if example.has_token else {}
    return {
        "body": example.text,
        "headers": {"content-type": "application/json", **token, "x-scf-remote-addr": "203.0.113.9"},
        "httpMethod": "POST",
        "path": "/",
        "queryString": {},
    }


def _appid(bucket: Bucket) -> str:
    return bucket.name.rpartition("-")[2]


TRIGGERS: Mapping[str, Callable[[Example], Event]] = {
    "timer": _timer,
    "inventory": _inventory,
    "direct": _direct,
    "ckafka": _ckafka,
    "cmq": _cmq,
    "cls": _cls,
    "eventbridge": _eventbridge,
    "cos": _cos,
    "http": _http,
}
