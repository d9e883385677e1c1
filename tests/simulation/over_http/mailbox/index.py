"""
A function that does nothing: SCF takes events in and shows them, and the simulation delivers them as it likes.
"""


def main_handler(event: object, context: object) -> None:
    """Do nothing."""
