"""
One connection, and one HTTP/1.1 exchange at a time on it.

States: (handshake →) idle → exchange → idle, until the connection is lost or closed; only an idle one is `reusable`.
Nothing may arrive while it is idle: bytes or an end that come then, or after a whole response, make it useless. Every
exchange has an end: its deadline, and a bound on the response's size.
"""

import asyncio
import errno
import select
import ssl
from collections.abc import Callable
from typing import Any, cast

from cos_sweeper.net.reading import LARGE_BYTES, Reading
from cos_sweeper.net.response import Response, ResponseReader, TransportError
from cos_sweeper.net.tls import Tls


class Connection(asyncio.BufferedProtocol):
    """
    A connection that is open. `reusable` tells whether another exchange may follow.

    reading: what the connections of one loop share. used_at: for the pool, when it was used last. new_reader: makes
    what the next response is read into.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._buffer = reading.buffer
        self._is_large = False
        self._loop = asyncio.get_running_loop()
        # All of an exchange that has not ended; None while there is none.
        self._reader: ResponseReader | None = None
        self._result: asyncio.Future[Response] | None = None
        self._ends = 0.0
        self._ended: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tls: Tls | None = None
        self._handshake: asyncio.Future[None] | None = None
        self.reusable = True
        self.used_at = 0.0
        self.new_reader: Callable[[], ResponseReader] = ResponseReader

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Before the first exchange. host: the name that the certificate must have. Raises OSError."""
        if self._ended is not None:
            raise self._ended
        self._tls = Tls(context, host)
        self._handshake = self._loop.create_future()
        self._shake_hands(self._tls, self._handshake)
        await self._handshake

    async def exchange(self, request: bytes, ends: float) -> Response:
        """
        Send a request and read its response, all by `ends` (the loop's clock). Raises TransportError.

        After an exception, a cancellation included, the connection is not reusable.
        """
        self.reusable = False
        if self._ended is not None:
            raise _broken(self._ended, stale=True)
        reader = self._reader = self.new_reader()
        result: asyncio.Future[Response] = self._loop.create_future()
        self._result = result
        self._ends = ends
        # A timer that fires too early is set anew, so that an exchange need not set and cancel one of its own.
        if self._timer is None or self._timer.when() > ends:
            self._set_timer(ends)
        try:
            self._transport.write(request if self._tls is None else self._tls.encrypt(request))
            return await result
        except ssl.SSLError as exc:
            raise _broken(exc, stale=False) from exc
        finally:
            self._reader = self._result = None
            reader.release()
            if self._is_large:
                self._is_large = False
                self._reading.release(self)

    def is_idle(self) -> bool:
        """Whether nothing has come since the last response. The loop may not have read yet what has."""
        return self.reusable and not self._poll.poll(0)

    async def stays_idle(self) -> bool:
        """As `is_idle`, after the loop has read what has come: over TLS it may be no data, and no end."""
        for _ in range(2):  # the loop reads in the first round, after the tasks that are ready
            await asyncio.sleep(0)
        return self.is_idle()

    def close(self) -> None:
        """Close it at once. TLS's closing message is left out: nothing depends on it, every response has its length."""
        self.reusable = False
        self._stop_timer()
        self._transport.abort()

    def pause(self) -> None:
        """As Reading asks."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """As Reading asks."""
        self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """asyncio: where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: so many bytes came."""
        if self._tls is None:
            self._received(nbytes)
        else:
            self._received_encrypted(self._tls, nbytes)

    def eof_received(self) -> None:
        """asyncio: the other side sends no more. The connection is closed then."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is closed."""
        self._stop_timer()
        self._end(exc)

    def _shake_hands(self, tls: Tls, handshake: asyncio.Future[None]) -> None:
        try:
            is_done = tls.handshake()
        except ssl.SSLError as exc:
            handshake.set_exception(exc)
        else:
            if is_done:
                self._handshake = None
                handshake.set_result(None)
        self._transport.write(tls.to_send())

    def _received_encrypted(self, tls: Tls, nbytes: int) -> None:
        tls.received(self._buffer[:nbytes])
        if self._handshake is not None:
            if not self._handshake.done():
                self._shake_hands(tls, self._handshake)
            if self._handshake is not None:
                return
        try:
            while count := tls.decrypt_into(self._buffer):
                self._received(count)
        except ssl.SSLError as exc:
            self._end(exc)
        else:
            if tls.is_closed:
                self._end(None)

    def _received(self, count: int) -> None:
        if self._reader is None:
            # No request was sent for them.
            self.close()
        else:
            self._feed(self._reader, self._buffer[:count])

    def _feed(self, reader: ResponseReader, data: memoryview | bytes) -> None:
        try:
            reader.feed(data)
        except TransportError as exc:
            self._fail(exc)
        else:
            if reader.complete:
                self._finish(reader)
            elif reader.bytes >= LARGE_BYTES and not self._is_large:
                self._is_large = True
                self._reading.acquire(self)

    def _end(self, exc: Exception | None) -> None:
        """The connection is over. exc: None for an end that may be the response's, too."""
        self._ended = exc or ConnectionResetError()
        # TLS announces its end: an attacker who cuts the line must not decide where a response ends.
        is_proper = exc is None and (self._tls is None or self._tls.is_closed)
        if self._reader is not None:
            if is_proper and self._reader.feed_end():
                self._finish(self._reader)
            else:
                self._fail(_broken(self._ended, stale=not self._reader.bytes))
        if self._handshake is not None and not self._handshake.done():
            self._handshake.set_exception(self._ended)
        self.reusable = False

    def _finish(self, reader: ResponseReader) -> None:
        self._reader = None
        if self._result is None or self._result.done():
            return
        if self._loop.time() >= self._ends:
            self._result.set_exception(_too_slow(reader))
            return
        self.reusable = reader.reusable
        self._result.set_result(reader.response())

    def _fail(self, exc: TransportError) -> None:
        self._reader = None
        if self._result is not None and not self._result.done():
            self._result.set_exception(exc)

    def _set_timer(self, when: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_at(when, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        if self._reader is None:
            return
        if self._loop.time() < self._ends:
            self._set_timer(self._ends)
        else:
            self._fail(_too_slow(self._reader))


def error_name(exc: BaseException) -> str:
    """The kind of error, such as ECONNRESET, without addresses."""
    if isinstance(exc, ssl.SSLError):
        return exc.reason or type(exc).__name__
    number: Any = getattr(exc, "errno", None)
    return errno.errorcode.get(number or 0, type(exc).__name__)


def _broken(exc: Exception, *, stale: bool) -> TransportError:
    code = "ConnectionReset" if isinstance(exc, ConnectionError) else "ConnectionFailed"
    return TransportError(code, error_name(exc), stale=stale)


def _too_slow(reader: ResponseReader) -> TransportError:
    return TransportError("ReadTimeout", f"the response was not complete in time, {reader.bytes} bytes came")
