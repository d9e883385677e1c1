"""
Reports unfinished uploads to the Function URL in FUNCTION_URL, with the function's bearer token in HTTP_TOKEN.

For servers only: who has the token can have any upload aborted that the function's settings allow.
"""

import json
import os
import time
import urllib.error
import urllib.request


def send(uploads, attempts=3):
    """Send one event that names these uploads. Returns when all are processed; raises when one is not."""
    headers = {"Authorization": f"Bearer {os.environ['HTTP_TOKEN']}", "Content-Type": "application/json"}
    body = json.dumps({"uploads": uploads}).encode()
    for attempt in range(1, attempts + 1):
        try:
            urllib.request.urlopen(
                urllib.request.Request(os.environ["FUNCTION_URL"], body, headers), timeout=60
            ).close()
            return
        except urllib.error.HTTPError as failure:
            if failure.code != 503 or attempt == attempts:  # only after a 503 it is worth trying again
                raise
            time.sleep(5 * attempt)
