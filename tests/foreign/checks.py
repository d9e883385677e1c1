"""
What a check of another's client is, the world it runs in, and what came of it.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

from tests.emulator.public import Cloud, HeldUpload
from tests.fixtures import ROOT

BUCKET, REGION = "photos-1250000000", "ap-guangzhou"
HOST = f"cos.{REGION}.myqcloud.com"
KEY = "videos/a b+中文.mov"
MIB = 1 << 20
COMMANDS = ROOT / ".venv-foreign" / "bin"
NODE = ROOT / ".node"
COMMAND_SECONDS = 120
NOT_HEX = re.compile(r"[^0-9a-f]")


class NotInstalled(Exception):
    """The client is not on this machine and could not be brought here; the message says why."""


class Unexpected(Exception):
    """The client saw or did what it would not have with the real COS; the message says what."""


def expect(what: str, got: object, wanted: object) -> None:
    """Reject what is not as wanted."""
    if got != wanted:
        raise Unexpected(f"{what}: {_short(got)} instead of {_short(wanted)}")


def _short(value: object) -> str:
    text = f"{len(value)} bytes, MD5 {md5(value).hexdigest()}" if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 100 else f"{text[:60]} … ({len(text)} characters)"


@dataclass(frozen=True, slots=True)
class World:
    """An emulator with one empty bucket, and an empty folder, which is the client's home."""

    cloud: Cloud
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def file(self, name: str = "sent", size: int = 12 * MIB + 1) -> Path:
        """Write a file of this size in which no part equals another."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(size))
        return path

    def got(self, name: str = "got") -> bytes:
        """What the client wrote into a file of the folder."""
        return (self.folder / name).read_bytes()

    def run(self, *command: str | Path, succeeds: bool = True) -> str:
        """Run a command whose requests go to the emulator, and return what it printed."""
        owner = self.cloud.owner
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": owner.secret_id,
            "AWS_SECRET_ACCESS_KEY": owner.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "HTTP_PROXY": self.cloud.endpoint,
            "http_proxy": self.cloud.endpoint,
            **self.variables,
        }
        done = subprocess.run(
            [str(each) for each in command],
            env=env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if (done.returncode == 0) != succeeds:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise Unexpected(f"exit code {done.returncode}: {' '.join(said)}")
        return done.stdout + done.stderr

    def object_keys(self) -> list[str]:
        """The keys of the bucket's objects."""
        return [each.key for each in self.cloud.objects(BUCKET)]

    def uploads(self) -> list[HeldUpload]:
        """The bucket's unfinished uploads."""
        return self.cloud.uploads(BUCKET)

    def count(self, operation: str, since: int = 0) -> int:
        """How often an operation was asked for."""
        return sum(each.operation == operation for each in self.cloud.requests(since))

    def expect_object(self, key: str, content: bytes, *, in_parts: bool | None = None) -> None:
        """Reject an object that is not there with this content, made in parts or not."""
        expect("keys", key in self.object_keys(), wanted=True)
        expect(f"content of {key}", self.cloud.content(BUCKET, key), content)
        [held] = [each for each in self.cloud.objects(BUCKET) if each.key == key]
        if in_parts is not None:
            expect("made in parts", "-" in held.etag, in_parts)


def content(size: int = 12 * MIB + 1) -> bytes:
    """The content of `World.file`."""
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


Check = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Client:
    """
    A client and what it is made to do. The name of a check is the name of its row.

    version: which one is here; raises `NotInstalled`.
    """

    name: str
    version: Callable[[], str]
    checks: Sequence[Check] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. problem: empty where all was as expected."""

    client: str
    operation: str
    problem: str = ""
    is_installed: bool = True


def rows(client: Client, cloud: Cloud) -> Iterator[Row]:
    """Run all checks of a client, each in a world of its own."""
    try:
        name = f"{client.name} {client.version()}"
    except NotInstalled as missing:
        yield Row(client.name, "", str(missing), is_installed=False)
        return
    for check in client.checks:
        operation = check.__name__.replace("_", " ")
        with _world(cloud) as world:
            yield Row(name, operation, _problem(check, world))


def _problem(check: Check, world: World) -> str:
    """What is not as expected, in one line. Whatever a client's library raises is a finding, not an end."""
    try:
        check(world)
    except Unexpected as exc:
        return str(exc)
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}".replace("\n", " ")[:300]
    return ""


@contextmanager
def _world(cloud: Cloud) -> Iterator[World]:
    cloud.reset(f"{BUCKET}@{REGION}")
    with tempfile.TemporaryDirectory() as folder:
        yield World(cloud, Path(folder))


def version_of(
    command: Sequence[str | Path], pattern: str = r"\d+\.\d+(\.\d+)*", env: Mapping[str, str] | None = None
) -> str:
    """The version that a command says it has."""
    try:
        done = subprocess.run(
            [str(each) for each in command], capture_output=True, text=True, env=env, timeout=COMMAND_SECONDS
        )
    except OSError as exc:
        raise NotInstalled(str(exc)) from exc
    found = re.search(pattern, done.stdout + done.stderr)
    if done.returncode or not found:
        raise NotInstalled(f"{Path(str(command[0])).name} does not start: {done.stderr.strip().splitlines()[-1:]}")
    return found[0]
