"""
COS's clients in Go: rows of the table that say what is not tested.
"""

from tests.foreign.checks import Client, NotInstalled


def _missing() -> str:
    raise NotInstalled("no registry that this installs from has modules of Go, and none has coscli")


SDK = Client("Go SDK", _missing)
COSCLI = Client("coscli", _missing)
