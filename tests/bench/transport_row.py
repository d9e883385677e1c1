"""
The process of one row of the table of transports: the SDK's abort on a session of a kind.

Prints its figures, or with --import the milliseconds that its libraries take on top of the SDK.
"""

import argparse
import importlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.figures import Figures, in_threads

Run = Callable[[Callable[[], object], int, float], Figures]


@dataclass(frozen=True, slots=True)
class Transport:
    """
    A kind of session.

    libraries: the modules that it imports besides the SDK. distributions: what it adds to the deployed package.
    """

    title: str
    libraries: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()


TRANSPORTS = {
    "requests": Transport("requests, as the SDK comes, in threads"),
    "requests_lean": Transport("requests, trust_env=False, in threads"),
    "urllib3": Transport("urllib3, in threads", ("urllib3",)),
    "http_client": Transport("http.client, in threads", ("http.client",)),
    "pycurl": Transport("pycurl, in threads", ("pycurl",), ("pycurl",)),
    "pycurl_multi": Transport("pycurl's multi, greenlets", ("pycurl", "greenlet"), ("pycurl", "greenlet")),
    "gevent": Transport(
        "http.client, gevent's greenlets", ("gevent",), ("gevent", "greenlet", "zope.event", "zope.interface")
    ),
    "gevent_urllib3": Transport(
        "urllib3, gevent's greenlets", ("gevent",), ("gevent", "greenlet", "zope.event", "zope.interface")
    ),
    "asyncio": Transport("asyncio, greenlets", ("asyncio", "greenlet"), ("greenlet",)),
    "uvloop": Transport("asyncio on uvloop, greenlets", ("uvloop", "greenlet"), ("uvloop", "greenlet")),
    "ours": Transport("COS Sweeper's", ("cos_sweeper.net.client",), ("greenlet", "httptools")),
}


def main() -> None:
    """Measure what was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=TRANSPORTS)
    parser.add_argument("port", type=int)
    parser.add_argument("in_flight", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--import", action="store_true", dest="imports")
    given = parser.parse_args()
    if given.imports:
        print(import_ms(given.name))
        return
    if given.name.startswith("gevent"):
        _patch()
    print(measure(given.name, given.port, given.in_flight, given.seconds).line())


def measure(name: str, port: int, in_flight: int, seconds: float) -> Figures:
    """The SDK's abort over and over, so many at a time."""
    from tests.bench import load, peers

    session, run = _session(name, port, in_flight)
    client = peers.sdk_client(port, in_flight, None, retry=0, session=session)
    if name == "requests_lean":
        client._session.trust_env = False
    uploads = itertools.cycle(load.uploads(4096))

    def call() -> None:
        key, upload_id = next(uploads)
        client.abort_multipart_upload(Bucket=load.BUCKET, Key=key, UploadId=upload_id)

    return run(call, in_flight, seconds)


def import_ms(name: str) -> float:
    """Milliseconds for the libraries of a transport where the SDK is there already."""
    import qcloud_cos  # noqa: F401

    libraries = TRANSPORTS[name].libraries
    began = time.perf_counter()
    for library in libraries:
        importlib.import_module(library)
    if name.startswith("gevent"):
        _patch()
    return (time.perf_counter() - began) * 1e3


def _session(name: str, port: int, in_flight: int) -> tuple[object, Run]:
    """The session, and how its calls are made at the same time. Each imports only what is its own."""
    if name.startswith("requests"):
        return None, in_threads
    if name == "ours":
        from tests.bench import ours

        return ours.Session(port), ours.in_session
    from tests.bench import sessions

    threaded = {
        "urllib3": sessions.Urllib3,
        "gevent_urllib3": sessions.Urllib3,
        "http_client": sessions.HttpClient,
        "gevent": sessions.HttpClient,
        "pycurl": sessions.Curl,
    }
    if name in threaded:
        return threaded[name](port, in_flight), in_threads
    from tests.bench import tasks

    if name == "pycurl_multi":
        multi = tasks.CurlMulti(port, in_flight)
        return multi, multi.run
    on_loop = tasks.Asyncio(port, in_flight, *([_uvloop()] if name == "uvloop" else []))
    return on_loop, on_loop.run


def _uvloop() -> Callable[[], object]:
    import uvloop

    new: Callable[[], object] = uvloop.new_event_loop
    return new


def _patch() -> None:
    """Make threads and sockets of the standard library gevent's."""
    from gevent import monkey

    monkey.patch_all()


if __name__ == "__main__":
    main()
