"""
TLS for one connection, without I/O: encrypted bytes go in and come out.

asyncio has its own, which keeps up to 256 KiB for each connection and costs more on every read.
"""

import ssl


class Tls:
    """The client's side. is_closed: the other side has announced the end."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.is_closed = False

    def received(self, data: memoryview) -> None:
        """Take in what came."""
        self._incoming.write(data)

    def to_send(self) -> bytes:
        """What must be sent now, b'' for nothing."""
        return self._outgoing.read()

    def handshake(self) -> bool:
        """Go on with the handshake as far as possible; whether it is done. Raises ssl.SSLError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def encrypt(self, data: bytes) -> bytes:
        """What must be sent so that the other side gets the data. Raises ssl.SSLError."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._object.write(rest) :]
        return self.to_send()

    def decrypt_into(self, buffer: memoryview) -> int:
        """The number of decrypted bytes that were put into the buffer; 0 when there are none. Raises ssl.SSLError."""
        try:
            # The type stub knows neither that a buffer may be given nor what is returned then.
            count: int = self._object.read(len(buffer), buffer)  # type: ignore[assignment]
        except ssl.SSLWantReadError:
            return 0
        except ssl.SSLZeroReturnError:
            count = 0
        self.is_closed = self.is_closed or not count
        return count
