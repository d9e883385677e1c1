"""
What the SDK could ride on: its own `abort_multipart_upload` over one transport after the other, the losers included.
"""

import argparse
import os
import platform
import statistics
import sys
import time

from tests.bench import packages, rows, table
from tests.bench.figures import Figures, read
from tests.bench.rows import Contender, Setting
from tests.bench.serving import Served, serving
from tests.bench.terminal import progress, show
from tests.bench.transport_row import TRANSPORTS, Transport
from tests.bench.workshop import Workshop, workshop

SETTINGS = (Setting(20, 64), Setting(20, 128), Setting(0, 64))
IMPORTS = 5
LIMIT = "the limit: bare sockets, signed"
OURS = TRANSPORTS["ours"].title
FOOT = """\
Every row but the limit is the official SDK's call, signed by the SDK; what differs is the session that it is given. In
threads: as many as there are in flight. Greenlets: one thread, a greenlet for each call in flight. Import: what the
transport's libraries take in a process that has imported the SDK, median of five. Adds: the files, unpacked, that the
deployed package would have more than with the SDK alone. SCF: whether there are wheels for its machines, which have
glibc 2.17; a row that says no stands here for comparison and cannot be deployed. Client and responder share the
machine; each row is a process of its own, counted for two seconds after a warm-up; the best of its rounds stands for
it. All but ours are as short as they can be, without time-outs, retries or certificates.""".splitlines()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    began = time.monotonic()
    print("setting the transports up in a temporary folder …", flush=True)
    with workshop(node=False) as made:
        for setting in SETTINGS:
            contenders = [Contender(LIMIT, rows.python(made, "limit", setting))]
            contenders += [_contender(made, name, each, setting) for name, each in TRANSPORTS.items()]
            found = rows.rounds(contenders, rounds)
            answers = f"{setting.delay_ms} ms answers" if setting.delay_ms else "answers at once"
            ours = next(row for row in found if row.name == OURS)
            show([*table.section(f"{answers}, {setting.in_flight} in flight"), *table.aborts(found, found[0], ours)])
        show(_deployed(made))
    machine = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    show(["", f"One machine, {machine}.", *FOOT, f"Took {(time.monotonic() - began) / 60:.1f} minutes."])
    return 0


def _contender(made: Workshop, name: str, transport: Transport, setting: Setting) -> Contender:
    def measure() -> tuple[Figures, Served]:
        with serving(setting.delay_ms) as served:
            line = rows.output(_row(made, name, served.port, setting.in_flight))
        return read(line), served

    return Contender(transport.title, measure, made.why_not(*transport.distributions))


def _row(made: Workshop, name: str, port: int, in_flight: int) -> list[str]:
    interpreter = str(made.python) if TRANSPORTS[name].distributions else sys.executable
    return [interpreter, "-m", "tests.bench.transport_row", name, str(port), str(in_flight), str(rows.SECONDS)]


def _deployed(made: Workshop) -> list[str]:
    """What each transport costs before its first request."""
    cells: list[tuple[str, ...]] = []
    for name, each in TRANSPORTS.items():
        absent = made.why_not(*each.distributions)
        if absent:
            cells.append((each.title, absent))
            continue
        progress(f"importing {each.title}")
        taken = statistics.median(float(rows.output([*_row(made, name, 0, 0), "--import"])) for _ in range(IMPORTS))
        added, fits = _added(made, each)
        cells.append((each.title, f"{taken:.1f} ms", f"{added / 1e6:.1f} MB", "yes" if fits else "no"))
    return table.section("What it takes to deploy it") + table.grid(("", "import", "adds", "SCF"), cells)


def _added(made: Workshop, transport: Transport) -> tuple[int, bool]:
    """Bytes that the deployed package would have more, and whether it would run there."""
    wheels = {each: packages.scf_wheel(made.site, each, made.folder / "wheels") for each in transport.distributions}
    added = sum(
        packages.wheel_bytes(wheel) if wheel else packages.installed_bytes(made.site, package)
        for package, wheel in wheels.items()
    )
    return added, None not in wheels.values()


if __name__ == "__main__":
    sys.exit(main())
