"""
What every row of the benchmark aborts: the names of the bucket, of its uploads and of whose they are.

Upload n has one key and one id, both told by n, so that a server needs to remember nothing.
"""

import hashlib
from functools import lru_cache

BUCKET = "bench-1250000000"
REGION = "ap-guangzhou"
HOST = f"{BUCKET}.cos.{REGION}.myqcloud.com"
SECRET_ID = "AKIDbenchbenchbenchbenchbenchbenchbe"
SECRET_KEY = "benchbenchbenchbenchbenchbenchbe"
# As long as the temporary credentials' are, which travel with every request and are signed.
TOKEN = "bench" * 50
ACCOUNT = "qcs::cam::uin/100000000001:uin/100000000001"
INITIATOR = "qcs::cam::uin/100000000001:uin/100000000011"
# November 2023: old enough for every policy.
STARTED_SECONDS = 1_700_000_000
STARTED = "2023-11-14T22:13:20.000Z"


def key(number: int) -> str:
    """The key of an upload, in the order of the numbers."""
    return f"logs/2023/11/14/{number:09}.log.gz"


@lru_cache(maxsize=1 << 14)
def upload_id(of_key: str) -> str:
    """Ten digits of seconds and 64 of hexadecimal, as COS's are."""
    return f"{STARTED_SECONDS}{hashlib.sha256(of_key.encode()).hexdigest()}"


def number_of(of_key: str) -> int:
    """The number of the upload with this key."""
    return int(of_key.rpartition("/")[2].partition(".")[0])


def uploads(count: int) -> list[tuple[str, str]]:
    """Keys and ids of the first so many uploads."""
    return [(name, upload_id(name)) for name in (key(number) for number in range(count))]


def named(number: int) -> dict[str, str]:
    """An event that names an upload."""
    return {"bucket": BUCKET, "key": key(number), "uploadId": upload_id(key(number))}


def environment(port: int) -> dict[str, str]:
    """The environment of a function whose COS is a responder on this machine."""
    return {
        "BUCKETS": f"{BUCKET}@{REGION}",
        "COS_ENDPOINT": f"http://127.0.0.1:{port}",
        "TENCENTCLOUD_SECRETID": SECRET_ID,
        "TENCENTCLOUD_SECRETKEY": SECRET_KEY,
        "TENCENTCLOUD_SESSIONTOKEN": TOKEN,
        "DRY_RUN": "false",
        "MAX_ABORTS": "none",
    }
