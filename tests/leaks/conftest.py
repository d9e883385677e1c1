from tests.senders.conftest import backend, sweeping_cloud, world

__all__ = ["backend", "sweeping_cloud", "world"]
