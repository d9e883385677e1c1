"""
The Python peers, each as somebody would write it who wants it fast: one client, a pool of threads.

Imported only in the process that is measured, and each library only by its own row.
"""

import itertools
from collections.abc import Callable
from typing import Any

from tests.bench import load
from tests.bench.figures import Figures, in_threads


def sdk(port: int, threads: int, seconds: float, ca: str | None = None) -> Figures:
    """cos-python-sdk-v5 as it comes, but for a pool of connections as large as that of threads."""
    return _abort_over_sdk(sdk_client(port, threads, ca), threads, seconds)


def sdk_lean(port: int, threads: int, seconds: float, ca: str | None = None) -> Figures:
    """The same, told not to look for proxies and passwords in the environment for each request."""
    client = sdk_client(port, threads, ca)
    client._session.trust_env = False
    return _abort_over_sdk(client, threads, seconds)


def boto(port: int, threads: int, seconds: float, ca: str | None = None) -> Figures:
    """boto3, with as many connections as threads."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        region_name=load.REGION,
        endpoint_url=f"{'https' if ca else 'http'}://127.0.0.1:{port}",
        aws_access_key_id=load.SECRET_ID,
        aws_secret_access_key=load.SECRET_KEY,
        aws_session_token=load.TOKEN,
        verify=ca,
        config=Config(max_pool_connections=threads, s3={"addressing_style": "path"}),
    )
    return in_threads(_aborting(client.abort_multipart_upload), threads, seconds)


def sdk_page(port: int) -> Callable[[], object]:
    """What lists one page of 1,000 uploads, with the SDK's own call."""
    client = sdk_client(port, 1, None)
    return lambda: client.list_multipart_uploads(Bucket=load.BUCKET, EncodingType="url", MaxUploads=1000)


def sdk_client(port: int, connections: int, ca: str | None, **given: Any) -> Any:
    """A client of the official SDK that talks to a server on this machine."""
    from qcloud_cos import CosConfig, CosS3Client

    config = CosConfig(
        Region=load.REGION,
        SecretId=load.SECRET_ID,
        SecretKey=load.SECRET_KEY,
        Token=load.TOKEN,
        Scheme="https" if ca else "http",
        IP="127.0.0.1",
        Port=port,
        PoolConnections=connections,
        PoolMaxSize=connections,
        VerifySSL=ca,
    )
    return CosS3Client(config, **given)


def _abort_over_sdk(client: Any, threads: int, seconds: float) -> Figures:
    return in_threads(_aborting(client.abort_multipart_upload), threads, seconds)


def _aborting(abort: Callable[..., object]) -> Callable[[], object]:
    """A call that aborts the next upload. Safe for several threads."""
    uploads = itertools.cycle(load.uploads(4096))

    def call() -> object:
        key, upload_id = next(uploads)
        return abort(Bucket=load.BUCKET, Key=key, UploadId=upload_id)

    return call
