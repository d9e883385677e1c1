"""
What somebody who means harm, or a broken client, may put into an event.

Strategies for raw events of every trigger, each of which was a valid one before it was spoiled. What is too large to be
printed stands in an example as a `Giant`; `made` puts the real thing there, `text_of` writes it into JSON text.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from cos_sweeper.core import checkpoint
from cos_sweeper.core.model import CHAIN_FAILED, CHECKPOINT, PROBE
from tests.fixtures import TOKEN
from tests.function import EVENTS, LOGS, PHOTOS, event
from tests.laws.checkpoints import plans

BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
UPLOAD_ID = "1585130821" + "cb" * 32
KEY = "raw/cat.mp4"
NAMED = {"bucket": BUCKET, "key": KEY, "uploadId": UPLOAD_ID}
GONE = object()

# Giants, and what JSON text can say that values cannot


@dataclass(frozen=True, slots=True)
class Giant:
    """A value that is described by its kind and size."""

    kind: str
    size: int

    def built(self) -> Any:
        """The value itself. No digits beyond what JSON is read with."""
        return MAKERS[self.kind](self.size)

    def text(self) -> str:
        """The value as JSON text; deeper, longer, than a value of Python could be written."""
        if self.kind == "lists in lists":
            return "[" * self.size + "]" * self.size
        if self.kind == "objects in objects":
            return '{"uploads":' * self.size + "0" + "}" * self.size
        return "9" * self.size if self.kind == "digits" else json.dumps(self.built())


@dataclass(frozen=True, slots=True)
class Twice:
    """An object in which a name stands twice."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Verbatim:
    """What goes into JSON text as it is."""

    text: str


def _nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = wrap(value)
    return value


MAKERS: dict[str, Callable[[int], Any]] = {
    "lists in lists": lambda size: _nested(size, lambda inner: [inner]),
    "objects in objects": lambda size: _nested(size, lambda inner: {"uploads": inner}),
    "digits": lambda size: int("9" * min(size, 4000)),
    "letters": lambda size: "k" * size,
    "cats": lambda size: "🐈" * size,
    "controls": lambda size: "\x01" * size,
    "numbers in a list": lambda size: [0] * size,
    "uploads in a list": lambda size: [NAMED] * size,
}


def built(value: Any) -> Any:
    """The same with its giants in place."""
    match value:
        case Giant():
            return value.built()
        case Twice():
            return {value.name: built(value.second)}
        case Verbatim():
            return value.text
        case dict():
            return {name: built(inner) for name, inner in value.items()}
        case list():
            return [built(inner) for inner in value]
    return value


def text_of(value: Any) -> str:
    """The same as JSON text, giants, names that stand twice and all."""
    match value:
        case Giant():
            return value.text()
        case Twice():
            return f"{{{_pair(value.name, value.first)}, {_pair(value.name, value.second)}}}"
        case Verbatim():
            return value.text
        case dict():
            return "{" + ", ".join(_pair(name, inner) for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(text_of(inner) for inner in value) + "]"
    return json.dumps(value)


def _pair(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {text_of(value)}"


# Words

KEYS = [KEY, "", "/", "//", ".", "..", "a/..", "a/.", "../x", "/k", "a//b", "a/../b", "?uploads", "a?b", "a#b", "%2F"]
KEYS += ["k\r\nHost: evil.com", "a&uploadId=", "\x00", "a\x00b", "\ud800", "bad\udcff", "猫", "k" * 850, "k" * 851]
KEYS += ["猫" * 283, "猫" * 284, "\ufeff", "\u2028", "e\u0301", "raw/", "raw/..", "raw/cat.mp4\n", "RAW/CAT.MP4", "*"]
IDS = [
    UPLOAD_ID,
    UPLOAD_ID + "\n",
    " " + UPLOAD_ID,
    "",
    " ",
    "x",
    "?",
    "x&y",
    "x#",
    "../",
    "x y",
    "\x00",
    "１２３",
    "é",
]
IDS += ["\ud800", "9" * 10 + "a" * 64, "0" * 74, "x" * 256, "x" * 257, UPLOAD_ID.upper(), "%00", "*"]
BUCKETS = [
    BUCKET,
    OTHER,
    BUCKET + "\n",
    "photos-1250000001",
    "photos-１２５００００００0",
    "*",
    "..",
    "",
    ".",
    "photos",
]
BUCKETS += [PHOTOS, BUCKET.upper(), BUCKET + ".evil.com", "evil.com/", f"../{BUCKET}", f"{BUCKET}\0"]
REGIONS = [
    "ap-guangzhou",
    "ap-singapore",
    "ap-guangzhou\n",
    "AP-GUANGZHOU",
    "",
    "evil.com",
    "..",
    "*",
    "ap-guangzhou/x",
]
FIELDS = ["Records", "Ckafka", "CMQ", "cos", "event", "clslogs", "specversion", "data", "msgBody", "Type", "Message"]
FIELDS += ["httpMethod", "headers", "body", "isBase64Encoded", "uploads", "bucket", "key", "uploadId", "region", "Key"]
FIELDS += ["records", "content", "eventName", "eventTime", "buckets", "prefixes", "max_aborts", "dry_run", CHECKPOINT]
FIELDS += ["version", "as_of", "policies", "todo", "number", "run_id", "\ud800", "", "__class__"]
FIELDS += ["limit", "aborted", "fraction", "stalled", "began", "attempts", "blocked", "sent", "swept", "markers", "end"]
FIELDS += ["prior_failures", "shard", CHAIN_FAILED, PROBE]
NUMBERS = [0, 1, -1, 2**31, 2**63, 10**11, 10**12, 10**13, 10**25, -(10**25), 0.5, 1e-320, 1e308, -0.0]
NUMBERS += [float("nan"), float("inf"), float("-inf")]

words = st.sampled_from([*KEYS, *IDS, *BUCKETS, *REGIONS, *FIELDS, "true", "2026-11-22T12:00:00+00:00", "upload"])
depths = st.sampled_from([2, 50, 900, 5000])
sizes = st.sampled_from([300, 5_000, 100_000])
giants = st.one_of(
    st.builds(Giant, st.sampled_from(["lists in lists", "objects in objects"]), depths),
    st.builds(Giant, st.sampled_from(["letters", "cats", "controls", "digits"]), sizes),
    st.builds(Giant, st.sampled_from(["numbers in a list", "uploads in a list"]), st.sampled_from([20, 1_500, 10_500])),
)
scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.integers(), words, st.text(max_size=12))
anything = st.one_of(
    scalars,
    giants,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
        max_leaves=6,
    ),
)
in_text = st.one_of(
    anything,
    st.builds(Twice, st.sampled_from(FIELDS), scalars, scalars),
    st.sampled_from(["NaN", "-Infinity", "1e999", "01", "'", "[1,]", "\x01", '"\\ud800"', "/**/0"]).map(Verbatim),
)

# Spoiling what was valid


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, the value itself first."""
    yield here
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield from paths(inner, (*here, name))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same value with something else in one place; GONE takes it out."""
    if not path:
        return None if new is GONE else new
    copy = value.copy()
    if len(path) > 1:
        copy[path[0]] = put(value[path[0]], path[1:], new)
    elif new is GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = new
    return copy


@st.composite
def spoiled(draw: st.DrawFn, valid: st.SearchStrategy[Any], bad: st.SearchStrategy[Any], maximum: int = 3) -> Any:
    """A valid value with up to `most` things wrong, anywhere in it."""
    value = draw(valid)
    for _ in range(draw(st.integers(0, maximum))):
        # Not the whole of it, where there is more: `anything` is an event of its own.
        path = draw(st.sampled_from(list(paths(value))[1:] or [()]))
        if isinstance(_at(value, path), dict) and draw(st.booleans()):
            path = (*path, draw(st.sampled_from(FIELDS)))
            value = put(value, path, draw(bad))
        else:
            value = put(value, path, draw(bad | st.just(GONE)))
    return value


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


# Messages

uploads = st.fixed_dictionaries(
    {"bucket": st.sampled_from(BUCKETS), "key": st.sampled_from(KEYS), "uploadId": st.sampled_from(IDS)},
    optional={"region": st.sampled_from(REGIONS), "Key": st.sampled_from(KEYS), "UploadId": st.sampled_from(IDS)},
)
valid_uploads = st.sampled_from([NAMED, {"Bucket": OTHER, "Key": KEY, "UploadId": UPLOAD_ID, "Region": "ap-singapore"}])
named = valid_uploads | uploads
messages = named | st.fixed_dictionaries({"uploads": st.lists(named, min_size=1, max_size=4)})
texts = st.one_of(
    spoiled(messages, in_text).map(text_of),
    spoiled(messages, in_text, maximum=1).map(text_of).map(lambda text: text[: len(text) // 2]),
    st.sampled_from(["", " ", "\ufeff{}", "{}{}", "{} x", "null", "0", '"x"', "[]", "{", "not JSON", "\x00", "\ud800"]),
)
narrowings = st.fixed_dictionaries(
    {},
    optional={
        "buckets": st.lists(st.sampled_from(BUCKETS), max_size=3),
        "prefixes": st.lists(st.sampled_from(KEYS), max_size=3),
        "min_age_hours": st.sampled_from([0, 72, 72.5, 100, 10**6, *NUMBERS]),
        "min_idle_hours": st.sampled_from([0, 24, 100, 10**6, *NUMBERS]),
        "max_aborts": st.sampled_from([1, 5, *NUMBERS]),
        "dry_run": st.booleans(),
    },
)

# Archives

Pack = Callable[[bytes], bytes]
ARCHIVES: dict[str, Pack] = {
    "whole": gzip.compress,
    "cut short": lambda data: gzip.compress(data)[:-5],
    "hardly begun": lambda data: gzip.compress(data)[:7],
    "two in one": lambda data: gzip.compress(data) + gzip.compress(data),
    "rubbish behind": lambda data: gzip.compress(data) + b"rubbish",
    "wrong checksum": lambda data: gzip.compress(data)[:-8] + b"\0\0\0\0" + gzip.compress(data)[-4:],
    "wrong length": lambda data: gzip.compress(data)[:-4] + b"\xff\xff\xff\xff",
    "zlib": zlib.compress,
    "none": bytes,
    "rubbish": lambda data: b"\x1f\x8b\x08\xff" + data,
    "bomb": lambda data: gzip.compress(data + b" " * (20 << 20), 1),
    "not UTF-8": lambda data: gzip.compress(data + b"\xff"),
}
CODINGS: dict[str, Callable[[bytes], str]] = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "lines": lambda data: base64.encodebytes(data).decode(),
    "cut": lambda data: base64.b64encode(data).decode()[:-1],
    "for URLs": lambda data: base64.urlsafe_b64encode(b"\xff\xff" + data).decode(),
    "hexadecimal": bytes.hex,
    "not ASCII": lambda data: base64.b64encode(data).decode() + "é",
    "lone surrogate": lambda data: base64.b64encode(data).decode() + "\ud800",
}


@dataclass(frozen=True, slots=True)
class Archive:
    """A text as CLS packs it, or nearly so."""

    text: str
    pack: str
    coding: str

    def built(self) -> str:
        """What stands in the event."""
        return CODINGS[self.coding](ARCHIVES[self.pack](self.text.encode("utf-8", "surrogatepass")))


def usually(usual: str, names: dict[str, Any]) -> st.SearchStrategy[str]:
    """Every other time the usual one: with two things wrong the second is never reached."""
    return st.just(usual) | st.sampled_from(sorted(names))


batches = st.lists(texts, max_size=3).map(lambda found: {"records": [{"content": text} for text in found]})
archives = st.builds(
    Archive,
    spoiled(batches, in_text, maximum=1).map(text_of) | texts,
    usually("whole", ARCHIVES),
    usually("base64", CODINGS),
).map(lambda archive: archive.built())

# Events

HEADERS: list[Any] = [
    {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"},
    {"Authorization": f"bearer  {TOKEN} ", "Content-Type": "Application/JSON; charset=latin-1"},
    {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-www-form-urlencoded"},
    {"authorization": f"Bearer {TOKEN}", "content-type": ["application/json"]},
    {"authorization": "Bearer \ud800"},
    {"authorization": f"Basic {TOKEN}"},
    {"authorization": [f"Bearer {TOKEN}"]},
    {"AUTHORIZATION": Giant("lists in lists", 5000)},
    {"authorization": Giant("cats", 5000)},
    {"": None},
    {},
    None,
    [],
]
cos_records = st.builds(
    lambda name, appid, key, when: {
        "cos": {
            "cosBucket": {"name": name, "appid": appid},
            "cosObject": {"key": f"/{appid}/{name}/{key}", "url": key},
        },
        "event": {"eventName": "cos:ObjectCreated:CompleteMultipartUpload", "eventTime": when},
    },
    st.sampled_from(["photos", "logs", *BUCKETS]),
    st.sampled_from(["1250000000", "1250000001", "１２５０００００００", ""]),
    st.sampled_from(KEYS),
    st.sampled_from([1545205770, 1.5, *NUMBERS]),
)
records = st.one_of(
    texts.map(lambda text: {"Ckafka": {"msgBody": text}}),
    texts.map(lambda text: {"CMQ": {"msgBody": text}}),
    cos_records,
)
bodies = st.one_of(
    texts.map(lambda text: {"body": text}),
    texts.map(lambda text: {"body": Archive(text, "none", "base64").built(), "isBase64Encoded": True}),
    st.binary(max_size=30).map(lambda data: {"body": base64.b64encode(data).decode(), "isBase64Encoded": True}),
    texts.map(lambda text: {"body": text, "isBase64Encoded": True}),
    scalars.map(lambda value: {"body": value, "isBase64Encoded": "true"}),
    st.just({}),
)
http_events = st.builds(
    lambda method, headers, body: {"httpMethod": method, "headers": headers, "path": "/", **body},
    st.just("POST") | st.sampled_from(["post", "GET", "", "P\ud800", "DELETE"]),
    st.just(HEADERS[0]) | st.sampled_from(HEADERS),
    bodies,
)
valid_checkpoints = plans.flatmap(lambda plan: st.sampled_from(checkpoint.write(plan))).map(json.loads)
# Sound in all but what there is to do: most of the others end at the first thing that is wrong with them.
histories = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.sampled_from([0, 2, 3, 4]),
        "blocked": st.booleans(),
        "sent": st.booleans(),
        "swept": st.booleans(),
        "markers": st.lists(st.sampled_from([1, 1000, *NUMBERS]), max_size=3),
        "end": st.lists(words, min_size=2, max_size=2),
    },
)
todos = st.one_of(
    st.tuples(
        st.just("upload"),
        st.just(0),
        st.just(BUCKET) | st.sampled_from(BUCKETS),
        words,
        st.sampled_from(IDS),
        histories,
    ),
    st.tuples(
        st.just("listing"), st.just(0), st.just(BUCKET) | st.sampled_from(BUCKETS), words, words, words, histories
    ),
).map(list)
# What a chain says of itself at its end, and what it asks before its first abort.
failures = st.fixed_dictionaries({"run_id": words, "codes": st.lists(words, max_size=3)})
own_events = failures.map(lambda fields: {CHAIN_FAILED: fields}) | words.map(lambda run_id: {PROBE: run_id})
sound_checkpoints = st.lists(todos, min_size=1, max_size=3).map(
    lambda todo: {
        CHECKPOINT: {
            "version": checkpoint.VERSION,
            "run_id": "run-1",
            "as_of": "2026-11-22T11:59:00+00:00",
            "began": "2026-11-22T11:58:00+00:00",
            "dry_run": True,
            "limit": 2,
            "aborted": 1,
            "fraction": [1, 1],
            "number": 2,
            "stalled": 0,
            "shard": [[0], 1],
            "prior_failures": [0, 0, []],
            "policies": [
                {
                    "min_age": 72 * 3600,
                    "min_idle": 24 * 3600,
                    "prefixes": ["raw/"],
                    "exclude_prefixes": [],
                    "only_key": None,
                    "started_before": None,
                }
            ],
            "todo": todo,
        }
    }
)
BY_TRIGGER: dict[str, st.SearchStrategy[Any]] = {
    "direct": messages,
    "Timer": narrowings.map(json.dumps).map(lambda text: {"Type": "Timer", "Message": text}),
    "Timer that sweeps": st.sampled_from(["", "{}", '{"prefixes": ["raw/"]}', '{"max_aborts": 1}']).map(
        lambda text: {"Type": "Timer", "Message": text}
    ),
    "Timer with any text": texts.map(lambda text: {"Type": "Timer", "Message": text}),
    "Records": st.lists(records, min_size=1, max_size=4).map(lambda found: {"Records": found}),
    "CLS": archives.map(lambda data: {"clslogs": {"data": data}}),
    "EventBridge": texts.map(lambda text: {"specversion": "1.0", "data": text}),
    "TDMQ": texts.map(lambda text: {"specversion": "0", "data": {"msgBody": text}}),
    "HTTP": http_events,
    "checkpoint": valid_checkpoints,
    "sound checkpoint": sound_checkpoints,
    "own": own_events,
    "as the platform sends it": st.sampled_from(sorted(path.stem for path in EVENTS.glob("*.json"))).map(event),
}
hostile_events = st.one_of(
    *(spoiled(valid, anything) for valid in BY_TRIGGER.values()),
    *(spoiled(valid, anything, maximum=0) for valid in BY_TRIGGER.values()),
    anything,
)
