"""
What the tests of the emulated SCF share.
"""

from tests.emulator.client import Cloud

BUCKET = "photos-1250000000@ap-guangzhou"
FAIL = {"do": "fail", "message": "it broke"}


def ends(cloud: Cloud) -> dict[str, int]:
    """How the executions ended, once everything has."""
    assert cloud.wait_idle()
    ends: dict[str, int] = cloud.scf()["ends"]
    return ends
