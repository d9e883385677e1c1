"""
A verification against the emulator: its time passes when it waits, and its answers can be made false.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.response import Response
from tests.emulator.public import Cloud
from tests.function import PHOTOS
from tests.unit.cli.little_monitor import LittleMonitor
from tests.verify.bounds import Bounds, new_prefix
from tests.verify.checks.all import CHECKS
from tests.verify.outcome import Check, Different, NotChecked
from tests.verify.running import Run, verify
from tests.verify.sender import Sender
from tests.verify.tests.little_api import LittleApi
from tests.verify.world import Options, World

BUCKET = Bucket(*PHOTOS.split("@"))
PHOTOS_NAME = BUCKET.name
FUNCTION = "ap-guangzhou/cos-sweeper"
# A request's method and its URL, decoded; its answer; returns another answer.
Lie = Callable[[str, str, Response], Response]
# Below this, the emulator's clock need not move.
WHOLE_SECOND = 1.0


def honest(_method: str, _url: str, response: Response) -> Response:
    return response


class LyingSender(Sender):
    """A sender to whom something on the way tells another answer."""

    lie: Lie = staticmethod(honest)

    async def send(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return self.lie(method, unquote(url), await super().send(method, url, *args, **kwargs))

    async def send_in_two(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return self.lie(method, unquote(url), await super().send_in_two(method, url, *args, **kwargs))


@dataclass
class Scene:
    """many: uploads of one key. ahead: how much this machine's clock is ahead of COS's."""

    cloud: Cloud
    credentials: Credentials | None = None
    many: int = 5
    ahead: timedelta = timedelta(0)
    lie: Lie = field(default=honest)
    api: LittleApi | None = None
    monitor: LittleMonitor | None = None
    waited: float = 0.0
    prefix: str = field(default_factory=new_prefix)
    world: World | None = None

    def run(self, checks: Sequence[Check] = CHECKS) -> Run:
        return asyncio.run(self._run(checks))

    async def _run(self, checks: Sequence[Check]) -> Run:
        with ExitStack() as stack:
            ports: dict[str, int] = {}
            if self.api:
                ports |= dict.fromkeys(("sts", "scf"), stack.enter_context(self.api.server()).port)
            if self.monitor:
                ports["monitor"] = stack.enter_context(self.monitor.server()).port
            world = self.world_of(self.options(ports))
            return await verify(world, checks)

    def world_of(self, options: Options) -> World:
        sender = LyingSender(Bounds(BUCKET, self.prefix), options.cos_port, options.sleep, 0.0)
        sender.lie = self.lie
        self.world = World(options, self.prefix, sender)
        return self.world

    def options(self, ports: Mapping[str, int]) -> Options:
        owner = self.cloud.owner
        return Options(
            bucket=BUCKET,
            credentials=self.credentials or Credentials(owner.secret_id, owner.secret_key, ""),
            many=self.many,
            function=FUNCTION if self.api else "",
            cos_port=self.cloud.port,
            api_ports=ports,
            seconds_between=0.0,
            sleep=self._sleep,
            clock=lambda: self.waited,
            now=lambda: datetime.now(timezone.utc) + timedelta(seconds=self.waited) + self.ahead,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.cloud.clock(offset_seconds=self.waited)
        await asyncio.sleep(0)


def different(run: Run) -> list[str]:
    return [one.check.name for one in run.results if isinstance(one.outcome, Different)]


def not_checked(run: Run) -> list[str]:
    return [one.check.name for one in run.results if isinstance(one.outcome, NotChecked)]


def with_body(response: Response, body: bytes, status: int | None = None) -> Response:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return replace(response, content=body, headers=headers, status_code=status or response.status_code)


def strangers(cloud: Cloud) -> list[str]:
    """Uploads that others made, some of them another run of this program."""
    keys = ["a", "cos-sweeper-verify/a", f"{new_prefix()}markers/same"]
    for key in keys:
        cloud.seed(PHOTOS_NAME, key)
    return sorted(keys)


def assert_clean(cloud: Cloud, others: list[str] | None = None) -> None:
    assert sorted(one.key for one in cloud.uploads(PHOTOS_NAME)) == (others or [])
    assert cloud.objects(PHOTOS_NAME) == []
