"""
The rows of this project: the only module of the benchmark that knows how the function sends its requests.
"""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path

from cos_sweeper.core import plan
from cos_sweeper.core.deadline import fitting_workers, run_deadline
from cos_sweeper.core.model import BEGINNING, Bucket, SweepRequest, Upload
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.settings import Credentials, Settings
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.engine import sweep
from cos_sweeper.net.client import Connections
from cos_sweeper.report.log import Log
from tests.bench import load
from tests.bench.figures import Figures, Stretch, Watch

BUCKET = Bucket(load.BUCKET, load.REGION)
LIMIT_SECONDS = 900.0
TICK_SECONDS = 0.01
WITHIN_SECONDS = 5.0


def aborts(port: int, in_flight: int, seconds: float, tls_ca: str | None = None) -> Figures:
    """Abort through the store, so many at a time, for so many seconds."""
    store = _store(port, tls_ca)
    uploads = itertools.cycle([Upload(BUCKET, key, upload_id) for key, upload_id in load.uploads(4096)])
    return asyncio.run(in_tasks(lambda: store.abort(next(uploads)), in_flight, seconds))


def looks_and_aborts(port: int, in_flight: int, seconds: float, tls_ca: str | None = None) -> Figures:
    """List the parts of an upload and abort it, as a sweep does, so many at a time, for so many seconds."""
    store = _store(port, tls_ca)
    uploads = itertools.cycle([Upload(BUCKET, key, upload_id) for key, upload_id in load.uploads(4096)])

    async def look_and_abort() -> None:
        upload = next(uploads)
        await store.parts(upload, 0, for_abort=True)
        await store.abort(upload, WITHIN_SECONDS)

    return asyncio.run(in_tasks(look_and_abort, in_flight, seconds))


def tell_sweep(port: int, uploads: int, in_flight: int) -> None:
    """Sweep a bucket of so many abandoned uploads as the function does when its timer fires; print what it took."""
    os.environ |= load.environment(port) | {"WORKERS": str(in_flight)}
    import index

    limits = {"time_limit_in_ms": int(LIMIT_SECONDS * 1000)}
    stretch = Stretch(0)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        answer = index.main_handler({"Type": "Timer", "Message": ""}, limits)
    figures = stretch.figures(answer["aborted"])
    if (answer["status"], figures.calls) != ("complete", uploads):
        raise AssertionError(f"{figures.calls} of {uploads} aborted, {answer['status']}, {answer['failures_by_code']}")
    print(figures.line())


def tell_wide(port: int, uploads: int, tls_ca: str) -> None:
    """Sweep uploads of many parts over TLS, with the workers that fit into a function of 128 MB; print what it took."""
    workers = fitting_workers(256, 128)
    settings = Settings((BUCKET,), dry_run=False, max_aborts=None, workers=workers)
    requested = plan.build_plan((SweepRequest(),), settings, (BUCKET,), "bench", datetime.now(timezone.utc))
    deadline = run_deadline(time.monotonic, LIMIT_SECONDS, time.monotonic())
    stretch = Stretch(0)
    swept = asyncio.run(sweep.run(requested, _store(port, tls_ca), deadline, Log(lambda _: None, Redactor(()))))
    figures = stretch.figures(swept.report_builder.counts["aborted"])
    if figures.calls != uploads:
        raise AssertionError(f"{figures.calls} of {uploads} aborted: {swept.report_builder.counts}")
    print(figures.line())


def page(port: int) -> Callable[[], object]:
    """What lists one page of 1,000 uploads, through the store."""
    store, loop = _store(port, None), asyncio.new_event_loop()
    return lambda: loop.run_until_complete(store.page(BUCKET, BEGINNING, ""))


async def in_tasks(call: Callable[[], Awaitable[object]], in_flight: int, seconds: float) -> Figures:
    """Make the same call over and over in so many tasks; a call that raises ends the row."""
    watch = Watch(seconds)

    async def work() -> None:
        while True:
            await call()
            watch.done += 1

    tasks = [asyncio.ensure_future(work()) for _ in range(in_flight)]
    while not watch.over:
        result, _ = await asyncio.wait(tasks, timeout=TICK_SECONDS)
        for task in result:
            task.result()
    figures = watch.figures()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return figures


def _store(port: int, tls_ca: str | None) -> CosStore:
    credentials = Credentials(load.SECRET_ID, load.SECRET_KEY, load.TOKEN)
    clients = Clients(credentials, plain_http=tls_ca is None)
    deadline = run_deadline(time.monotonic, LIMIT_SECONDS, time.monotonic())
    return CosStore(clients, Connections(port, tls_ca), deadline)
