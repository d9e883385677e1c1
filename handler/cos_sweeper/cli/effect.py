"""
Options that a command takes and that cannot apply: they are refused, because their effect is what a person relies on.
"""

from collections.abc import Iterable

from cos_sweeper.cli.config import Config
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.words import t


def require_effect(config: Config, names: Iterable[str], next_step: str) -> None:
    """
    Raise Misused where the command line sets one of these settings, which have no effect here.

    The environment and the file hold for every command, so what they set is no mistake.
    """
    for name in names:
        option = config.by_option(name)
        if option:
            shown = f"--set {name}" if option == "--set" else option
            raise Misused(t("`{option}` has no effect here.", option=shown), next_step)
