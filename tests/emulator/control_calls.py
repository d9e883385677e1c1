"""
What the clients of the control door share.
"""

from abc import ABC, abstractmethod
from typing import Any


class ControlCalls(ABC):
    """A client that asks the control door of a running emulator."""

    @abstractmethod
    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, Any] | None = None,
        timeout_seconds: float = 60,
    ) -> Any:
        """Ask the control door; `ControlError` when it rejects."""
