"""
Events that several tests send.
"""

from datetime import datetime, timezone
from typing import Any

from tests.function import event


def completed(key: str, when: datetime | None = None) -> dict[str, Any]:
    """COS's event for an object of PHOTOS that was completed then; now without a time."""
    raw: dict[str, Any] = event("cos_completed")
    (record,) = raw["Records"]
    record["cos"]["cosObject"]["key"] = f"/1250000000/photos/{key}"
    record["cos"]["cosObject"]["url"] = f"http://photos-1250000000.cos.ap-guangzhou.myqcloud.com/{key}"
    record["cos"]["cosBucket"].update(name="photos", appid="1250000000")
    record["event"]["eventTime"] = int((when or datetime.now(timezone.utc)).timestamp())
    return raw


def batch(*bodies: str) -> dict[str, Any]:
    """A CKafka batch of these messages."""
    return {
        "Records": [{"Ckafka": {"topic": "t", "partition": 1, "offset": n, "msgBody": b}} for n, b in enumerate(bodies)]
    }
