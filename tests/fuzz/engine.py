"""
One target under the fuzzer, in a process of its own: `python -m tests.fuzz.engine TARGET LIBFUZZER-ARGUMENT …`.

Runs where atheris is installed and nothing else needs to be.
"""

import importlib
import sys
from typing import Any


def main() -> None:
    """Hand the target over to libFuzzer, which ends the process."""
    name, *arguments = sys.argv[1:]
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["cos_sweeper"]):
        targets = importlib.import_module("tests.fuzz.targets")
    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
