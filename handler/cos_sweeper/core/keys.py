"""
Checks which keys and upload ids may be sent to COS, and which prefixes can match a key.

Without these checks the SDK turns a malformed key or upload id into another operation. Values in, values out.
"""

import re

# Accepts more forms than the one seen, but no character that could change the meaning of a request.
UPLOAD_ID = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}")
MAX_KEY_BYTES = 850


def validate_key(key: str, upload_id: str) -> str | None:
    """
    Why this upload must not be passed to the SDK, or None when it may.

    Without an upload id the SDK sends Delete Object, and without a key Delete Bucket. Some other keys are sent to
    another path than the signed one. (Tested with cos-python-sdk-v5 1.9.44.)
    """
    if not upload_id:
        return "the upload id is empty: the request would delete the object"
    if not UPLOAD_ID.fullmatch(upload_id):
        return "the upload id is malformed: give it as COS lists it"
    if key in ("", "/"):
        return "the key is empty: the request would address the bucket"
    if key.startswith("/"):
        return "the key starts with '/', which the SDK drops: give the key as COS lists it"
    if key.rpartition("/")[2] in (".", ".."):
        return "the key's last segment is '.' or '..', which HTTP clients remove from the path"
    return _why_not_text(key)


def _why_not_text(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key is not valid UTF-8"
    return None if size <= MAX_KEY_BYTES else f"the key has {size} bytes; COS allows {MAX_KEY_BYTES}"


def validate_prefix(key: str) -> str:
    r"""Why no key can begin with this prefix, or ''. COS: keys do not start with '/' or '\\'."""
    if key.startswith(("/", "\\")):
        return "keys never start with '/' or '\\'"
    try:
        key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    return ""
