"""
`settings`: every setting, with its value, where that is from, its default, its form and its meaning.
"""

from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import new_command

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

FILE = (
    'buckets = ["photos-1250000000@ap-guangzhou", "logs-1250000000@ap-beijing"]',
    "min_age_hours = 336",
    'exclude_prefixes = ["keep/"]',
    'report = "logs-1250000000@ap-beijing/cos-sweeper"',
)


@new_command(
    "settings",
    "Every setting: its value, where that is from, its default, its form and its meaning.",
    details=(
        "An option wins over the environment, that over the file, and that over the default. `--set NAME=VALUE` sets "
        "any of them but the secrets, which the environment or the file has. Sends nothing."
    ),
    examples=(
        "cos-sweeper settings",
        "cos-sweeper settings --set MIN_AGE_HOURS=336",
        "cos-sweeper settings --config cos-sweeper.toml --json",
    ),
    file=("cos-sweeper.toml", FILE),
)
def command(session: "Session") -> int:
    """Show them."""
    from cos_sweeper.cli import settings_view

    return settings_view.show(session)
