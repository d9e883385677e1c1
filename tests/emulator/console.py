"""
The output of the demo: lines, titles, and sizes and ages for people.
"""

import re
import sys
import textwrap
from datetime import datetime, timezone

MIB = 1 << 20
WIDTH = 100


def ago(moment: datetime) -> str:
    """How long ago, in the largest unit that says something."""
    seconds = (datetime.now(timezone.utc) - moment).total_seconds()
    if seconds < 120:
        return "just now"
    hours = seconds / 3600
    return f"{hours / 24:.0f} days ago" if hours >= 48 else f"{hours:.0f} h ago"


def amount(size: int) -> str:
    """Bytes for people, in binary units."""
    for unit, factor, digits in (("TiB", 1 << 40, 2), ("GiB", 1 << 30, 1), ("MiB", MIB, 1)):
        if size >= factor:
            return f"{size / factor:.{digits}f} {unit}"
    return f"{size} B"


def wide(text: str) -> int:
    """How many columns more than characters a text takes in a terminal."""
    return sum(1 for character in text if "\u2e80" <= character <= "\uffef")


def title(text: str) -> None:
    """A chapter begins."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say("")
    say(f"{bold}{text}{plain}")
    say("")


def say(text: str) -> None:
    """A line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def wrap(text: str) -> None:
    """A long text, indented, on as many lines as it needs."""
    for line in textwrap.wrap(text, WIDTH - 4):
        say(f"    {line}")


def wrap_json(text: str) -> None:
    """A line of JSON, indented, with line breaks between its fields only."""
    line = ""
    for field in re.split(r'(?<=,)(?=")', text):
        if len(line) + len(field) > WIDTH - 4:
            say(f"    {line}")
            line = ""
        line += field
    say(f"    {line}")
