"""
What the connections of one loop share for reading: a buffer, and a bound on large responses.

asyncio reads from every socket that is ready. Where many large responses come at a time, all of them would be in
memory before the first one is whole. So only a few are read at a time, and the bytes of the others wait in the kernel.
"""

from collections import deque
from typing import Protocol

# One TLS record. What a connection keeps for its TLS grows with it.
READ_BYTES = 16 << 10
LARGE_BYTES = 16 << 10
MAX_LARGE = 8


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

    A connection asks for one of MAX_LARGE slots once its response is LARGE_BYTES long, and gives it back, or its place
    in the queue, when its exchange ends. So the slots taken and those that are free are always MAX_LARGE together.
    """

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self._free = MAX_LARGE
        self._queue: deque[Pausable] = deque()

    def acquire(self, connection: Pausable) -> None:
        """Take a slot, or pause until there is one."""
        if self._free:
            self._free -= 1
        else:
            self._queue.append(connection)
            connection.pause()

    def release(self, connection: Pausable) -> None:
        """Give the slot to the next connection, or leave the queue."""
        if connection in self._queue:
            self._queue.remove(connection)
        elif self._queue:
            self._queue.popleft().resume()
        else:
            self._free += 1
