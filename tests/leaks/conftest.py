from tests.senders.conftest import sweeping_cloud, world

__all__ = ["sweeping_cloud", "world"]
