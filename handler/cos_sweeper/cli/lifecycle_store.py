"""
Reads and writes a bucket's whole lifecycle document. Only the command has this module: it is not deployed, so that the
function cannot write a lifecycle document.

The document goes as bytes, signed by the SDK, with Content-MD5. The SDK's own method would take it apart and lose what
it does not know.
"""

import base64
import hashlib
from typing import Protocol

from qcloud_cos import CosS3Auth, CosS3Client

from cos_sweeper.core.model import Bucket
from cos_sweeper.cos.sdk_session import SilentHeaders
from cos_sweeper.cos.sdk_store import CosStore

LEAVES_SECONDS = 5.0


class LifecycleStore(Protocol):
    """What the command needs to add a rule. The errors are those of `Store`."""

    async def read(self, bucket: Bucket) -> bytes | None:
        """Get the lifecycle document, byte for byte; None if the bucket has none."""
        ...

    async def write(self, bucket: Bucket, document: bytes) -> None:
        """
        Put the lifecycle document, once. Whatever the bucket had is replaced.

        When it raises `Unavailable`, COS may have stored the document or not: read it.
        """
        ...


class SdkLifecycleStore:
    """A LifecycleStore over the requests of a CosStore: its rate limit, its deadline, its connections."""

    def __init__(self, store: CosStore) -> None:
        self._store = store

    async def read(self, bucket: Bucket) -> bytes | None:
        """Get Bucket Lifecycle."""
        response = await self._store._configuration(bucket, "lifecycle")
        return None if response is None else response.content

    async def write(self, bucket: Bucket, document: bytes) -> None:
        """
        Put Bucket Lifecycle, without a retry: the bucket may have changed in between.

        A request that must leave in some seconds is not sent again over another connection either.
        """
        await self._store._attempt(bucket, lambda client: _put(client, bucket, document), within=LEAVES_SECONDS)


def _put(client: CosS3Client, bucket: Bucket, document: bytes) -> object:
    digest = hashlib.md5(document, usedforsecurity=False).digest()
    config, params = client.get_conf(), {"lifecycle": ""}
    return client.send_request(
        method="PUT",
        url=config.uri(bucket=bucket.name),
        bucket=bucket.name,
        data=document,
        auth=CosS3Auth(config, params=params),
        headers=SilentHeaders({"Content-MD5": base64.b64encode(digest).decode(), "Content-Type": "application/xml"}),
        params=params,
    )
