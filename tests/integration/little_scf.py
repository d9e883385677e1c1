"""
An SCF that accepts every asynchronous invocation and runs none: a test runs it itself, when and how it likes.
"""

import asyncio
import json
import threading
from types import TracebackType
from typing import Any

from aiohttp import web


class LittleScf:
    """A running server; as a context, it has stopped at the end. accepted: the events of the invocations, in order."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.endpoint = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "LittleScf":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        requests = json.loads(await request.read())
        self.accepted.append(json.loads(requests["ClientContext"]))
        payload = {"Response": {"Result": {"FunctionRequestId": "r", "InvokeResult": 0}, "RequestId": "r"}}
        return web.Response(body=json.dumps(payload).encode(), headers={"Content-Type": "application/json"})
