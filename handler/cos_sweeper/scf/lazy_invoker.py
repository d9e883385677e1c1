"""
The invoker for a run that may not need one: only the first invocation loads the SDK of SCF.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.settings import Credentials
from cos_sweeper.scf.context import FunctionName


@dataclass(frozen=True, slots=True)
class LazyInvoker:
    """
    An Invoker of this function.

    credentials: reads them again for each use; those that the run began with may be the reason why it stops. port: an
    SCF on this machine, None for the cloud.
    """

    function: FunctionName
    credentials: Callable[[], Credentials]
    deadline: Deadline
    port: int | None

    async def invoke(self, payloads: Sequence[str], seconds: float = math.inf) -> list[str]:
        """As Invoker."""
        from cos_sweeper.scf.invoker import FunctionInvoker

        until = time.monotonic() + seconds
        invoker = FunctionInvoker(
            self.credentials(),
            self.function,
            lambda: min(self.deadline.left(), until - time.monotonic()),
            port=self.port,
        )
        return await invoker.invoke(payloads)

    def is_permanent(self, code: str) -> bool:
        """As Invoker."""
        from cos_sweeper.scf.invoker import is_permanent

        return is_permanent(code)
