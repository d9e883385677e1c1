"""
Uploads a file, tries again where that may help, and reports the uploads that it leaves when it gives up.

    SEND_BY=send_by_invoke python upload.py BUCKET REGION KEY FILE   # or send_by_function_url, send_by_ckafka

Do NOT report an attempt that you will repeat: the next `upload_file` continues it, and an abort would take its parts.
"""

import os
import sys
from importlib import import_module

from qcloud_cos import CosClientError, CosConfig, CosServiceError
from tracking import TrackingClient

ATTEMPTS = 3
sender = import_module(os.environ.get("SEND_BY", "send_by_invoke"))


def upload(bucket, region, key, path, unfinished):
    """Upload a file. unfinished: a dict for what `TrackingClient` started and did not complete."""
    keys = {"SecretId": os.environ["TENCENTCLOUD_SECRET_ID"], "SecretKey": os.environ["TENCENTCLOUD_SECRET_KEY"]}
    client = TrackingClient(CosConfig(Region=region, **keys))
    client.unfinished = unfinished
    try:
        for _ in range(ATTEMPTS - 1):
            try:
                return client.upload_file(bucket, key, path)
            except (CosClientError, CosServiceError) as failure:
                print("trying again after:", failure, file=sys.stderr)
        return client.upload_file(bucket, key, path)
    finally:  # completed, or given up: what is unfinished now (also of an older state of the file) nobody continues
        if unfinished:
            sender.send(list(unfinished.values()))
            unfinished.clear()


if __name__ == "__main__":
    upload(*sys.argv[1:], unfinished={})
