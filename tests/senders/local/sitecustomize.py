"""
Every Python process with this folder on its PYTHONPATH finds the emulator where the cloud is.

What it stands in for: names and TLS. COS's SDK keeps the real Host header and signs it; the API's SDK signs 127.0.0.1.
"""

import contextlib
import os
from typing import Any
from urllib.parse import urlsplit


def _after_init(kind: Any, **values: object) -> None:
    init = kind.__init__

    def changed(self: object, *arguments: object, **options: object) -> None:
        init(self, *arguments, **options)
        vars(self).update(values)

    kind.__init__ = changed


with contextlib.suppress(ImportError):
    from qcloud_cos import CosConfig

    _cos = urlsplit(os.environ["EMULATED_COS"])
    _after_init(CosConfig, _ip=_cos.hostname, _port=_cos.port, _scheme="http")

with contextlib.suppress(ImportError):
    from tencentcloud.common.profile.http_profile import HttpProfile

    _after_init(HttpProfile, endpoint=urlsplit(os.environ["EMULATED_SCF"]).netloc, protocol="http", scheme="http")
