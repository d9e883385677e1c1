"""
What stays between the invocations of an instance: the event loop, connections and the SDK's clients.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.net.client import Connections

T = TypeVar("T")


@dataclass(slots=True)
class _Cached:
    port: int | None
    connections: Connections
    clients: Clients


class InstanceCache:
    """The loop stays as long as the instance, connections as their settings do, clients as the credentials do."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cached: _Cached | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run one invocation on the instance's loop. Raises what the coroutine raises.

        No task outlives it: those that are left are cancelled and awaited. What one of them raises then is raised here,
        unless the coroutine has raised already.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # It would log exceptions and their arguments, which can carry what no log may show.
            self._loop.set_exception_handler(lambda _loop, _context: None)
        loop = self._loop
        try:
            result = loop.run_until_complete(coroutine)
        except BaseException:
            _end_tasks(loop)
            raise
        for error in _end_tasks(loop):
            raise error
        return result

    def store(
        self,
        port: int | None,
        credentials: Credentials,
        deadline: Deadline,
        reports: ReportLocation | None = None,
    ) -> CosStore:
        """A store for one run. port: the local endpoint, None for the cloud. reports: where its objects are."""
        if self._cached is not None and self._cached.port != port:
            self._cached.connections.close()
            self._cached = None
        if self._cached is None:
            self._cached = _Cached(port, Connections(port), Clients(credentials, plain_http=port is not None))
        if self._cached.clients.credentials != credentials:
            self._cached.clients = Clients(credentials, plain_http=port is not None)
        return CosStore(self._cached.clients, self._cached.connections, deadline, reports=reports)

    def reset(self) -> None:
        """Close everything and start again like a fresh instance. Not while the loop runs."""
        if self._cached is not None:
            self._cached.connections.close()
        self._cached = None
        if self._loop is not None:
            close(self._loop)
        self._loop = None


def close(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop that does not run, after it has closed the sockets of connections that were let go."""
    loop.run_until_complete(_rounds(3))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _rounds(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def _end_tasks(loop: asyncio.AbstractEventLoop) -> list[BaseException]:
    """Cancel every task that is left, and those that they start in the end. Returns what they raise."""
    errors: list[BaseException] = []
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        ended = loop.run_until_complete(_gather(tasks))
        errors += [one for one in ended if isinstance(one, BaseException)]
    return [error for error in errors if not isinstance(error, asyncio.CancelledError)]


async def _gather(tasks: set[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)
