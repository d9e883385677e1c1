"""
COS over https: certificates of a CA that lives as long as the emulator, for whatever name a client asks for.
"""

import ssl
from functools import lru_cache
from pathlib import Path

import trustme

LOCAL_NAMES = ("localhost", "127.0.0.1")


class LocalCertificates:
    """Issues a certificate for each name when it is asked for first."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="COS emulator")
        self._of = lru_cache(maxsize=1024)(self._issue)

    def write_authority(self, path: Path) -> None:
        """Write down the CA's certificate, which clients are to trust."""
        self._authority.cert_pem.write_to_path(str(path))

    def context(self) -> ssl.SSLContext:
        """What a server needs; without a server name it is `localhost`."""
        context = self._of(*LOCAL_NAMES)
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name and name not in LOCAL_NAMES:
            connection.context = self._of(name)

    def _issue(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context
