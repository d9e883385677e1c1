"""
A real Chromium without a window, spoken to over its DevTools protocol.

It collects what the page requests and what the browser complains about. As a program it says whether there is one.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No window, nothing of this machine's user, no request of the browser's own. As root there is no sandbox.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-US",
    "--remote-debugging-port=0",
)
Json = dict[str, Any]


def program() -> str | None:
    """The Chromium of this machine, $CHROMIUM first; None without one."""
    names = (os.environ.get("CHROMIUM", ""), *NAMES)
    return next((found for name in names if name and (found := shutil.which(name))), None)


class Page:
    """One tab. requests: the addresses it asked for; complaints: errors, warnings and violations of its policy."""

    def __init__(self, connection: "Connection", session: str) -> None:
        self._connection, self._session = connection, session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.loaded = asyncio.Event()

    async def call(self, method: str, **parameters: Any) -> Json:
        """Send a command of the protocol and await its result."""
        return await self._connection.call(method, parameters, self._session)

    def take(self, method: str, parameters: Json) -> None:
        """An event of the protocol."""
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Page.loadEventFired":
                self.loaded.set()
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled":
                self.complaints.append(str([one.get("value") for one in parameters["args"]]))
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"dialog: {parameters['message']}")

    async def open(
        self, address: str, width: int = 1280, height: int = 900, *, dark: bool = False, with_script: bool = True
    ) -> None:
        """Load an address in a window of this size."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setScriptExecutionDisabled", value=not with_script)
        await self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.loaded.clear()
        await self.call("Page.navigate", url=address)
        await asyncio.wait_for(self.loaded.wait(), 30)

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        options = {"returnByValue": True, "awaitPromise": True}
        result = await self.call("Runtime.evaluate", expression=expression, **options)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    async def screenshot(self, path: Path, *, whole: bool = True, clip: Mapping[str, float] | None = None) -> None:
        """Write a PNG of the whole page, of the window, or of a part."""
        options: Json = {"captureBeyondViewport": whole}
        if whole:
            size = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
            options["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        if clip:
            options["clip"] = {**clip, "scale": 1}
        result = await self.call("Page.captureScreenshot", format="png", **options)
        path.write_bytes(base64.b64decode(result["data"]))

    async def pdf(self, path: Path) -> None:
        """Write what a printer gets, on A4."""
        result = await self.call("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(result["data"]))

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        options = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **options)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **options)


class Connection:
    """The socket to the browser: calls are matched with their results, events go to their page."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._pages: dict[str, Page] = {}
        self._number = 0

    async def call(self, method: str, parameters: Json, session: str = "") -> Json:
        """Send a command and await its result."""
        self._number += 1
        future = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.send_json({**message, "sessionId": session} if session else message)
        return await asyncio.wait_for(future, 60)

    async def listen(self) -> None:
        """Read until the browser ends."""
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                future = self._waiting.pop(data["id"])
                if "error" in data:
                    future.set_exception(AssertionError(data["error"]))
                else:
                    future.set_result(data["result"])
            elif data.get("sessionId") in self._pages:
                self._pages[data["sessionId"]].take(data["method"], data["params"])

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A new tab, without a memory of other tabs."""
        context = (await self.call("Target.createBrowserContext", {}))["browserContextId"]
        made = await self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.call("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
        try:
            yield page
        finally:
            del self._pages[attached["sessionId"]]
            await self.call("Target.disposeBrowserContext", {"browserContextId": context})


@contextlib.asynccontextmanager
async def browser(executable: str, *more: str) -> AsyncIterator[Connection]:
    """Start Chromium, with more options; it ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            executable,
            *OPTIONS,
            *more,
            f"--user-data-dir={home}",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
        )
        try:
            address = await asyncio.wait_for(_address(process), 60)
            async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
                connection = Connection(socket)
                listening = asyncio.create_task(connection.listen())
                yield connection
                await connection.call("Browser.close", {})
                await listening
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        _, found, address = line.decode("utf-8", "replace").partition("DevTools listening on ")
        if found:
            return address.strip()
    raise AssertionError("Chromium did not start")


if __name__ == "__main__":
    sys.exit(program() is None)
