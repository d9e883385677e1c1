"""
What the tests of several runs share.
"""

from typing import Any

from tests.function import event
from tests.integration.chains import LOG_BUCKET

CONFLICT = {"status": 409, "code": "UploadConflict"}


def completed(key: str) -> dict[str, Any]:
    """COS's own event: this object of the logs was completed now."""
    raw: dict[str, Any] = event("cos_completed")
    record = raw["Records"][0]
    record["cos"]["cosBucket"] |= {"name": "logs", "appid": "1250000000"}
    record["cos"]["cosObject"] |= {
        "key": f"/1250000000/logs/{key}",
        "url": f"http://{LOG_BUCKET}.cos.ap-singapore.myqcloud.com/{key}",
    }
    record["event"]["eventTime"] = 10**10
    return raw
