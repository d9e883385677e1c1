"""
The official SDK's client, in front of the emulated COS.
"""

from collections.abc import Iterator

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client

from tests.emulator.client import Cloud, Credentials
from tests.emulator.tests.cos_clients import REGION, Connect


@pytest.fixture
def connect(cloud: Cloud) -> Iterator[Connect]:
    """Makes SDK clients: of the owner in the bucket's region, by default."""
    with requests.Session() as session:

        def make(credentials: Credentials = cloud.owner, region: str = REGION) -> CosS3Client:
            config = CosConfig(
                Region=region,
                SecretId=credentials.secret_id,
                SecretKey=credentials.secret_key,
                Token=credentials.token,
                Scheme="http",
                IP="127.0.0.1",
                Port=cloud.port,
                ServiceDomain=f"127.0.0.1:{cloud.port}",
                AllowRedirects=False,
            )
            return CosS3Client(config, retry=0, session=session)

        yield make
