"""
The styles of the command, by what they mean.
"""

from rich.theme import Theme

THEME = Theme(
    {
        "freed": "green",
        "left": "yellow",
        "kept": "bright_black",
        "failed": "red",
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "quiet": "bright_black",
        "strong": "bold",
        "heading": "bold",
        "next": "cyan",
    },
    inherit=False,
)
