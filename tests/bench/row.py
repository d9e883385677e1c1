"""
The process of one row: does what its name says against a responder and prints its figures as one line of JSON.
"""

import argparse

from tests.bench.figures import Figures

# Uploads that are swept at the limit, to tell from them how long many more would take.
SWEEP_SAMPLE = 10_000
# What needs no library. Those that end in `_ahead` have signed their requests before the counting begins.
BARE = ("limit", "limit_ahead", "sweep_limit", "sweep_limit_ahead", "unsigned", "pipelined")


def main() -> None:
    """Measure what was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=(*BARE, "ours", "sdk", "sdk_lean", "boto"))
    parser.add_argument("port", type=int)
    parser.add_argument("in_flight", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--ca", help="file with the certificate of who signed the responder's: talk over TLS")
    given = parser.parse_args()
    print(measure(given.name, given.port, given.in_flight, given.seconds, given.ca).line())


def measure(name: str, port: int, in_flight: int, seconds: float, ca: str | None) -> Figures:
    """Nothing is imported that the row does not need: its memory is measured, too."""
    if name in BARE:
        return _bare(name, port, in_flight, seconds, ca)
    if name == "ours":
        from tests.bench import ours

        return ours.aborts(port, in_flight, seconds, ca)
    from tests.bench import peers

    row = {"sdk": peers.sdk, "sdk_lean": peers.sdk_lean, "boto": peers.boto}[name]
    return row(port, in_flight, seconds, ca)


def _bare(name: str, port: int, in_flight: int, seconds: float, ca: str | None) -> Figures:
    """What needs no library."""
    from tests.bench import limit

    if name == "pipelined":
        return limit.pipelined(port, in_flight, seconds)
    requests = {
        "limit": limit.abort_requests,
        "limit_ahead": limit.abort_requests_ahead,
        "sweep_limit": lambda: limit.sweep_requests(SWEEP_SAMPLE),
        "sweep_limit_ahead": lambda: iter(list(limit.sweep_requests(SWEEP_SAMPLE))),
        "unsigned": limit.unsigned_requests,
    }
    return limit.rate(port, in_flight, seconds, requests[name](), ca)


if __name__ == "__main__":
    main()
