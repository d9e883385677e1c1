"""
A rejected event is stored without any secret.
"""

import base64
import contextlib
import gzip
import json
import re
from typing import Any

import pytest

from cos_sweeper.core.redaction import HIDDEN, Redactor
from cos_sweeper.scf.rejected_events import document
from tests.function import PHOTOS
from tests.integration.events import batch

BUCKET = PHOTOS.partition("@")[0]


BATCH = gzip.compress(json.dumps({"records": [{"content": '{"password": "hunter2"}'}]}).encode())


@pytest.mark.parametrize(
    "sent",
    [
        {"clslogs": {"data": base64.b64encode(BATCH + BATCH).decode()}},
        batch("bucket=a&password=hunter2"),
        batch("retries: 3\ndb_password: hunter2\n"),
        batch("""{'token': 'hunter2', """),
        batch("tokens=[hunter2, hunter2"),
        {"httpMethod": "POST", "isBase64Encoded": True, "body": base64.b64encode(b'\xff"hunter2"').decode()},
    ],
    ids=["two_members", "form", "yaml", "python", "list", "not_utf_8"],
)
def test_rejected_event_that_is_no_json_is_stored_without_secrets(sent: dict[str, Any]) -> None:
    written = document(sent, [], Redactor(())).decode()

    texts = [written, *(_unpacked(one) for one in re.findall(r"[\w+/]{20,}=*", written))]
    assert [text for text in texts if "hunter2" in text] == []


def test_rejected_event_keeps_what_stands_beside_a_secret() -> None:
    kept = json.loads(document(batch("bucket=a&password=hunter2&key=raw/1"), [], Redactor(())))["event"]

    (record,) = kept["Records"]
    assert record["Ckafka"]["msgBody"] == f'bucket=a&password="{HIDDEN}"&key=raw/1'


def _unpacked(text: str) -> str:
    raw = base64.b64decode(text + "=" * (-len(text) % 4))
    with contextlib.suppress(OSError, EOFError):
        raw = gzip.decompress(raw)
    return raw.decode(errors="replace")
