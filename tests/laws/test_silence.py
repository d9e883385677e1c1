"""
Silence: no credential, token, signature or webhook leaves in a log, response, report, stored event or exception.
"""

import base64
import hashlib
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core.settings import CREDENTIALS, SECRETS
from tests.emulator.public import Cloud, Credentials
from tests.fixtures import TOKEN
from tests.function import PHOTOS, Function, Invocation, event, named, timer
from tests.integration.objects import stored
from tests.laws.buckets import BUCKET
from tests.laws.hostile_events import JSON, REPORTS
from tests.profiles import examples


def planted(cloud: Cloud) -> Iterator[str]:
    yield from (cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "", TOKEN)


def everything_that_leaves(result: Invocation, records: list[logging.LogRecord]) -> str:
    raised = "".join(traceback.format_exception(result.error)) if result.error else ""
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in records)
    return "\n".join([result.output, json.dumps(result.answer), raised, logged])


@pytest.mark.parametrize("operation", ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 503])
@pytest.mark.parametrize(
    "inside", ["<Error><Code>{}</Code><RequestId>{}</RequestId></Error>", "{}{}", "<Key>{}{}</Key>"]
)
def test_silence_holds_for_everything_that_leaves_the_function(
    operation: str,
    status: int,
    inside: str,
    cloud: Cloud,
    function: Function,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (upload,) = cloud.seed(BUCKET)
    echo = " ".join([*planted(cloud), "Authorization: q-sign-algorithm=sha1&q-ak=A&q-signature=c0ffee"])
    headers = {"x-cos-request-id": echo}
    cloud.fault(operation, raw=inside.format(echo, echo), status=status, headers=headers)

    with caplog.at_level(logging.DEBUG):
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("qcloud_cos")]:
            logging.getLogger(name).setLevel(logging.DEBUG)
        sweep = function(timer(), BUCKETS="*")
        failure = function(named(BUCKET, upload.key, upload.upload_id))
        over_http = function(
            {
                "httpMethod": "POST",
                "headers": {**JSON, "Authorization": f"Bearer {TOKEN}"},
                "body": json.dumps(event("direct")),
            }
        )

    assert operation in {request.operation for request in cloud.requests()}
    for result in (sweep, failure, over_http):
        leaving = everything_that_leaves(result, caplog.records)
        assert not [secret for secret in [*planted(cloud), "c0ffee"] if secret in leaving]


# The middle of every secret: a text that stands nowhere else, and that no way of writing changes. Reasons quote what
# they reject and cut it; with the middle, more than the half of a secret would be shown.
MIDDLES = {name: hashlib.sha256(name.encode()).hexdigest()[:14] for name in SECRETS}
ends = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=10, max_size=20)
url_ends = st.text("ABCxyz019-._~%2F+=:@!$'()*,;", min_size=10, max_size=20)
WRITTEN: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    quote_plus,
    json.dumps,
    lambda text: json.dumps(json.dumps({"inner": text})),
    lambda text: base64.b64encode(text.encode()).decode(),
)


@st.composite
def secret_settings(draw: st.DrawFn) -> dict[str, str]:
    """A value for every secret setting."""
    values = {name: f"{draw(ends)}{MIDDLES[name]}{draw(ends)}" for name in SECRETS if name not in CREDENTIALS}
    inner = f"{draw(url_ends)}{MIDDLES['NOTIFY_URL']}{draw(url_ends)}"
    form = draw(
        st.sampled_from(["/hooks/{}", "/hooks/{}/send?channel=ops", "/send?key={}", "/send?{}", "/a/b?c=d&e={}"])
    )
    return values | {"NOTIFY_URL": "https://alerts.example.com" + form.format(inner.replace("%", "%25"))}


def parts_of(name: str, value: str) -> list[str]:
    """What of a secret is sent back to the function: all of it, and of a URL what follows the host."""
    return [value, value.partition("example.com")[2]] if name == "NOTIFY_URL" else [value]


@settings(max_examples=examples(30))
@given(values=secret_settings(), write=st.sampled_from(WRITTEN), chance=st.randoms(), is_broken=st.booleans())
def test_silence_holds_for_every_secret_setting_however_it_is_written(
    values: dict[str, str],
    write: Callable[[str], str],
    chance: Random,
    cloud: Cloud,
    function: Function,
    *,
    is_broken: bool,
) -> None:
    cloud.reset()
    role = cloud.role
    credentials = {name: f"<{MIDDLES[name]}/+=>" for name in CREDENTIALS}
    stolen = [*parts(values), *credentials.values()]
    chance.shuffle(stolen)
    echo = " ".join(write(secret) for secret in stolen)
    cloud.fault("ListMultipartUploads", status=404, headers={"x-cos-request-id": echo})
    message = {"bucket": echo, "key": echo, "uploadId": "1", "note": echo, echo: echo}
    environ: dict[str, Any] = {**values, "RECORD_KEYS": "plain", "REPORT": f"{PHOTOS}/{REPORTS}"}
    environ |= {"BUCKETS": "nonsense"} if is_broken else {}

    known = Credentials(role.secret_id, role.secret_key, role.token)
    done = [function(one, role=known, **environ) for one in (message, {"Records": [message]}, timer())]
    foreign = Credentials(*(credentials[name] for name in CREDENTIALS))
    done += [function(one, role=foreign, **environ) for one in (message, timer())]

    objects = json.dumps(stored(cloud, PHOTOS, f"{REPORTS}/"))
    leaving = "\n".join([*(everything_that_leaves(one, []) for one in done), objects])
    # Those of the role change from run to run; each run knows its own.
    assert [name for name in values if is_in(leaving, MIDDLES[name])] == []
    own = "\n".join(everything_that_leaves(one, []) for one in done[3:])
    assert [name for name in CREDENTIALS if is_in(own, MIDDLES[name])] == []
    assert is_broken or "hidden" in leaving


def parts(values: dict[str, str]) -> list[str]:
    return [part for name, value in values.items() for part in parts_of(name, value)]


def is_in(text: str, middle: str) -> bool:
    """Whether the middle of a secret stands in a text, or in Base64 at one of the three places where it can begin."""
    coded = [base64.b64encode(bytes(before) + middle.encode()).decode()[4:16] for before in range(3)]
    return any(one in text for one in (middle, *coded))
