"""
What the connections of one loop share for reading: a buffer, and a bound on large responses.

asyncio reads from every socket that is ready. Where many large responses come at a time, all of them would be in
memory before the first one is whole. So only a few are read at a time, and the bytes of the others wait in the kernel.
"""

import asyncio
from collections import deque
from typing import Protocol

# One TLS record. What a connection keeps for its TLS grows with it.
READ_BYTES = 16 << 10
LARGE_BYTES = 16 << 10
MAX_LARGE = 8
SLOT_SECONDS = 0.5


class Pausable(Protocol):
    """A connection that reads, or does not."""

    def pause(self) -> None:
        """Read no more for now."""
        ...

    def resume(self) -> None:
        """Go on reading."""
        ...


class Reading:
    """
    buffer: what is read goes there first; each connection empties it at once.

    A connection acquires one of MAX_LARGE slots once its response is LARGE_BYTES long, and releases it, or its place in
    the queue, when its exchange ends. One that is slow loses its slot after SLOT_SECONDS and reads on without, so that
    it does not stop the others. A queue exists only while every slot is taken.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._slots: dict[Pausable, asyncio.TimerHandle] = {}
        self._queue: deque[Pausable] = deque()

    def acquire(self, connection: Pausable) -> None:
        """Take a slot, or pause until there is one."""
        if len(self._slots) < MAX_LARGE:
            self._take_slot(connection)
        else:
            self._queue.append(connection)
            connection.pause()

    def release(self, connection: Pausable) -> None:
        """Give the slot to the next connection, or leave the queue."""
        if connection in self._queue:
            self._queue.remove(connection)
        else:
            self._pass_on(connection)

    def _take_slot(self, connection: Pausable) -> None:
        self._slots[connection] = asyncio.get_running_loop().call_later(SLOT_SECONDS, self._pass_on, connection)

    def _pass_on(self, connection: Pausable) -> None:
        timer = self._slots.pop(connection, None)
        if timer is None:
            return
        timer.cancel()
        if self._queue:
            following = self._queue.popleft()
            self._take_slot(following)
            following.resume()
