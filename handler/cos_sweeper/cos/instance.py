"""
What survives between the invocations of an instance: connections and the SDK's clients.
"""

from dataclasses import dataclass

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.net.client import Connections


@dataclass(slots=True)
class _Kept:
    port: int | None
    connections: Connections
    clients: Clients


class InstanceCache:
    """Connections stay as long as their settings do, clients as long as the credentials do."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def store(self, port: int | None, credentials: Credentials, deadline: Deadline) -> CosStore:
        """A store for one run. port: a COS on this machine, None for the cloud."""
        if self._kept is not None and self._kept.port != port:
            self.reset()
        if self._kept is None:
            self._kept = _Kept(port, Connections(port), Clients(credentials, plain_http=port is not None))
        if self._kept.clients.credentials != credentials:
            self._kept.clients = Clients(credentials, plain_http=port is not None)
        return CosStore(self._kept.clients, self._kept.connections, deadline)

    def reset(self) -> None:
        """Close what is open and begin anew, as a fresh instance would."""
        if self._kept is not None:
            self._kept.connections.close()
        self._kept = None
