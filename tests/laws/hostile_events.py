"""
Hypothesis strategies for events: every trigger's envelope around anything that may stand in it.
"""

import base64
import gzip
import json
from typing import Any

from hypothesis import strategies as st

from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS

JSON = {"content-type": "application/json"}
BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
UPLOAD_ID = "1585130821" + "cb" * 32
REPORTS = "sweeper-reports"
HOSTILE = [
    "",
    " ",
    "/",
    "//",
    ".",
    "..",
    "a/.",
    "a/..",
    "../x",
    "/k",
    "a//b",
    "a/./b",
    "a/../b",
    "%2F",
    "a%2Fb",
    "?uploads",
]
HOSTILE += [
    "a?b",
    "a#b",
    "a+b c",
    "猫.jpg",
    "\x00",
    "a\nb",
    "\ud800",
    "k" * 900,
    "a&uploadId=",
    "?",
    "#",
    "k\r\nHost: x",
]
words = st.one_of(st.sampled_from([*HOSTILE, "raw/cat.mp4"]), st.text(max_size=20))
upload_ids = st.one_of(st.just(UPLOAD_ID), st.sampled_from([*HOSTILE, UPLOAD_ID + "\n", "x y"]), st.text(max_size=12))
buckets = st.sampled_from(
    [BUCKET, OTHER, "elsewhere-1250000000", BUCKET + "\n", "", "..", "evil.com/", BUCKET + ".evil.com"]
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
uploads = st.fixed_dictionaries(
    {"bucket": buckets, "key": words, "uploadId": upload_ids},
    optional={"region": st.sampled_from(["ap-guangzhou", "evil.com", ""]), "Key": words, "UploadId": upload_ids},
)
messages = st.one_of(
    uploads, st.fixed_dictionaries({"uploads": st.lists(st.one_of(uploads, anything), max_size=3)}), anything
)
narrowings = st.fixed_dictionaries(
    {},
    optional={
        "buckets": st.lists(buckets, max_size=3),
        "prefixes": st.lists(words, max_size=3),
        "min_age_hours": st.sampled_from([0, 1, 72, 100, 1e9, -1, "72", None]),
        "min_idle_hours": st.sampled_from([0, 1, 24, 100, True]),
        "max_aborts": st.sampled_from([0, 1, 5, "all"]),
        "dry_run": st.sampled_from([True, False, "false"]),
        "key": words,
    },
)


def gzipped(value: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


def enveloped(message: object) -> st.SearchStrategy[Any]:
    """The same message by each of the ways in."""
    text = json.dumps(message)
    cos = {
        "cosBucket": {"name": "photos", "appid": "1250000000"},
        "cosObject": {"key": f"/1250000000/photos/{text[:9]}"},
    }
    completed = {"eventName": "cos:ObjectCreated:CompleteMultipartUpload", "eventTime": 1545205770}
    return st.sampled_from(
        [
            message,
            {"Records": [{"Ckafka": {"msgBody": text}}, {"CMQ": {"msgBody": text}}, message]},
            {"Records": [{"cos": cos, "event": completed}]},
            {"clslogs": {"data": gzipped({"records": [{"content": text}]})}},
            {"specversion": "1.0", "data": message},
            {"specversion": "0", "data": {"msgBody": text}},
            {"httpMethod": "POST", "headers": {**JSON, "authorization": f"Bearer {TOKEN}"}, "body": text},
            {"httpMethod": "POST", "headers": {"authorization": "Bearer wrong"}, "body": text},
            {"Type": "Timer", "Message": text},
        ]
    )


events = st.one_of(
    messages.flatmap(enveloped),
    narrowings.map(lambda narrowing: {"Type": "Timer", "Message": json.dumps(narrowing)}),
    anything,
)
environments = st.fixed_dictionaries(
    {},
    optional={
        "BUCKETS": st.sampled_from([PHOTOS, "*"]),
        "PREFIXES": st.sampled_from(["raw/", "raw/,logs/"]),
        "EXCLUDE_PREFIXES": st.sampled_from(["raw/", "logs/old"]),
        "EVENT_MIN_IDLE_MINUTES": st.sampled_from(["0", "5"]),
        "DRY_RUN": st.booleans().map(str),
        "MIN_AGE_HOURS": st.sampled_from(["1", "72"]),
        "REPORT": st.just(f"{PHOTOS}/{REPORTS}"),
        "LIFECYCLE_COVERAGE": st.booleans().map(str),
    },
)
