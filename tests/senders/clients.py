"""
Running an example as its user does: a process of its own, the whole file, unchanged.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError

from tests.emulator.public import Cloud, HeldUpload, Seeded
from tests.fixtures import ABORTING, HANDLER, ROOT, TOKEN
from tests.function import PHOTOS

EXAMPLES = ROOT / "examples"
BUCKET, REGION = PHOTOS.split("@")
KEY = "videos/2026/a b+中文.mov"
MIB = 1 << 20
LOCAL = Path(__file__).parent / "local"
NODE_MODULES = ROOT / ".node" / "node_modules"
PACKAGES = ROOT / ".venv-senders" / "bin"
NEEDS_NODE = pytest.mark.skipif(
    not (NODE_MODULES.parent / "ready").exists(), reason="!!! NOT TESTED: `make senders` could not install it"
)
NEEDS_PACKAGES = pytest.mark.skipif(
    not (PACKAGES.parent / "ready").exists(), reason="!!! NOT TESTED: `make senders` could not install it"
)
AUTHORITY = "authority.pem"
# Where requests, curl, Go and Node look for those whose certificates they trust.
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
# So that an upload that is not the sender's is long past every floor of a sweep.
LONG_AGO = 1000.0


def start_cloud() -> Cloud:
    """An emulator with the function deployed for these senders. Clients made for AWS are let in, too."""
    env = {**ABORTING, "BUCKETS": PHOTOS, "HTTP_TOKEN": TOKEN}
    return Cloud.start(PHOTOS, function=HANDLER, env=env, retry_wait_ms=10, accept_aws_signatures=True)


@dataclass(slots=True)
class World:
    """One bucket with uploads of other clients, and a file to upload."""

    cloud: Cloud
    folder: Path
    proxy: str
    url: str
    others: list[Seeded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write("first")
        # A part of another size keeps the SDKs from continuing these.
        self.others = self.cloud.seed(BUCKET, KEY, count=2, part_size=777, hours_since_start=LONG_AGO)
        self.others += self.cloud.seed(BUCKET, f"{KEY}.bak", hours_since_start=LONG_AGO)

    @property
    def file(self) -> Path:
        """The file that is uploaded: 3 MiB and a bit."""
        return self.folder / "file.mov"

    def write(self, text: str) -> None:
        """Give the file another content of the same size."""
        self.file.write_bytes((text.encode() * (3 * MIB))[: 3 * MIB + 1])

    def held(self) -> list[HeldUpload]:
        """The unfinished uploads that are not the others'."""
        others = {(each.key, each.upload_id) for each in self.others}
        return [each for each in self.cloud.uploads(BUCKET) if (each.key, each.upload_id) not in others]

    def others_are_untouched(self) -> bool:
        """Whether every upload of other clients is still there."""
        return len(self.cloud.uploads(BUCKET)) - len(self.held()) == len(self.others)

    def aborts(self) -> list[tuple[str, str]]:
        """Key and upload id of every abort that the bucket got, whoever sent it."""
        return [
            (each.key, each.upload_id) for each in self.cloud.requests() if each.operation == "AbortMultipartUpload"
        ]

    def started(self) -> list[str]:
        """The ids of the uploads of the key that somebody's parts arrived for since the start."""
        ids = [each.upload_id for each in self.cloud.requests() if each.operation == "UploadPart"]
        return list(dict.fromkeys(ids))

    def fail(self, operation: str, **fields: int) -> None:
        """Reject an operation on the key, for good or `count` times. The SDKs in JavaScript repeat even this."""
        self.cloud.fault(operation, key=KEY, status=403, code="AccessDenied", **fields)

    def client(self) -> CosS3Client:
        """COS's SDK in this process, as its users have it."""
        keys = {"SecretId": self.cloud.owner.secret_id, "SecretKey": self.cloud.owner.secret_key}
        return CosS3Client(CosConfig(Region=REGION, IP="127.0.0.1", Port=self.cloud.port, Scheme="http", **keys))

    def leave_upload(self) -> None:
        """Let another client begin to upload the same file, and fail."""
        with pytest.raises((CosClientError, CosServiceError)):
            self.client().upload_file(BUCKET, KEY, str(self.file))

    def wait_for_parts(self, count: int) -> None:
        """Wait until so many parts of the file have arrived."""
        for _ in range(3000):
            if any(each.parts >= count for each in self.held()):
                return
            time.sleep(0.01)
        raise AssertionError("the parts did not arrive")

    def environment(self, **more: str) -> dict[str, str]:
        """What an example finds: credentials, addresses, and a home that is empty at first."""
        owner = self.cloud.owner
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(LOCAL),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HTTPS_PROXY": self.proxy,
            **dict.fromkeys(TRUST, str(self.folder / AUTHORITY)),
            "TENCENTCLOUD_SECRET_ID": owner.secret_id,
            "TENCENTCLOUD_SECRET_KEY": owner.secret_key,
            "FUNCTION_REGION": REGION,
            "FUNCTION_URL": self.url,
            "HTTP_TOKEN": TOKEN,
            **more,
        }

    def run(self, command: Sequence[str | Path], **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, and the function for all that it was sent."""
        env = self.environment(**more)
        done = subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert self.cloud.wait_idle()
        return done

    def python(self, name: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run an example in Python with the bucket, the region, the key and the file behind other arguments."""
        return self.run([sys.executable, EXAMPLES / "python" / name, *arguments, *self.arguments()], **more)

    def node(self, name: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run an example in Node, which finds packages beside it only, in a folder that has them."""
        copy = self.folder / name
        copy.write_bytes((EXAMPLES / "node" / name).read_bytes())
        modules = self.folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(NODE_MODULES)
        return self.run(["node", copy, *self.arguments()], **more)

    def arguments(self) -> list[str]:
        """What every example takes at its end."""
        return [BUCKET, REGION, KEY, str(self.file)]
