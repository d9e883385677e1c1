"""
What a page reports to: it checks whose upload that is, and passes the report on with the function's token.

A WSGI application for /abandoned-uploads of your site. Your authentication puts the user into REMOTE_USER, and it gives
users temporary keys for `users/NAME/` alone. BUCKET, FUNCTION_URL and HTTP_TOKEN are in the environment.
"""

import json
import os

from send_by_function_url import send

MAX_BYTES = 8192


def application(environ, start_response):
    """Answer one request."""
    status = report(environ)
    start_response(status, [("Content-Length", "0")])
    return []


def report(environ):
    """Check and pass on one report; returns the status."""
    if environ["REQUEST_METHOD"] != "POST" or environ.get("CONTENT_TYPE") != "application/json":
        return "415 Unsupported Media Type"  # a page of another site cannot send JSON unless you let it
    user, length = environ.get("REMOTE_USER"), int(environ.get("CONTENT_LENGTH") or 0)
    try:
        named = json.loads(environ["wsgi.input"].read(min(length, MAX_BYTES)))
        key, upload_id = named["key"], named["uploadId"]
        if not (user and upload_id and isinstance(upload_id, str) and key.startswith(f"users/{user}/")):
            return "403 Forbidden"
    except (ValueError, LookupError, TypeError, AttributeError):
        return "400 Bad Request"
    send([{"bucket": os.environ["BUCKET"], "key": key, "uploadId": upload_id}])
    return "204 No Content"
