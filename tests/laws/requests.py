"""
Which requests may leave at all.
"""

import json
from urllib.parse import parse_qs

from tests.emulator.public import Request
from tests.laws.hostile_events import REPORTS

COVERAGE = {"GetBucketLifecycle": "lifecycle", "GetBucketObjectLockConfiguration": "object-lock"}


def is_lawful(request: Request) -> bool:
    query = parse_qs(request.raw_query, keep_blank_values=True)
    if request.method == "DELETE":
        return len(request.raw_path) > 1 and set(query) == {"uploadId"} and bool(query["uploadId"][0])
    if request.method == "PUT":
        return request.raw_path.startswith(f"/{REPORTS}/") and not query
    if request.operation == "GetObject":
        return request.method == "GET" and request.raw_path.startswith(f"/{REPORTS}/") and not query
    if request.operation == "GetBucket":
        return request.method == "GET" and query["prefix"][0].startswith(f"{REPORTS}/")
    if request.operation in COVERAGE:
        return request.method == "GET" and request.raw_path == "/" and set(query) == {COVERAGE[request.operation]}
    reads = {"ListMultipartUploads", "ListParts", "GetService"}
    return request.method == "GET" and request.operation in reads


def is_message(request: bytes, url: str) -> bool:
    """Whether a request is a notification: one POST of JSON to exactly this URL."""
    host, _, target = url.partition("://")[2].partition("/")
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    return line == f"POST /{target} HTTP/1.1" and f"Host: {host}" in headers and isinstance(json.loads(body), dict)
