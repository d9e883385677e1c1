"""
Which version of a package an environment has.
"""

import importlib.metadata
from pathlib import Path


def version(site: Path, package: str) -> str:
    """Its version in an environment, '' where it is not installed."""
    found = next(iter(importlib.metadata.distributions(name=package, path=[str(site)])), None)
    return found.version if found else ""
