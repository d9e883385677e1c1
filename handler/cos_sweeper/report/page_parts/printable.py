"""
Keys and other texts that anybody could have written → HTML that shows them.

A character that is invisible or turns the direction of text is shown as its number. A text can end no tag and no line.
"""

from markupsafe import Markup, escape

JOINER = "\u200d"  # joins the parts of an emoji, and letters of several scripts; alone it turns nothing


def is_hidden(letter: str) -> bool:
    """Whether a reader could not see this character, take it for a space, or see others in the wrong order."""
    return not letter.isprintable() and letter != JOINER


def key(text: str) -> Markup:
    """A key on its own, isolated from the direction of the text around it."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


def bucket(text: str) -> Markup:
    """A bucket without its region: its name is unique without it."""
    return key(text.partition("@")[0])


def visible(text: str) -> Markup:
    """Escaped text in which each hidden character stands as its number."""
    if text.isprintable():
        return escape(text)
    return Markup("").join(_chip(letter) if is_hidden(letter) else escape(letter) for letter in text)


def visible_lines(text: str) -> Markup:
    """Text of several lines, which stay lines."""
    return Markup("\n").join(visible(line) for line in text.split("\n"))


def _chip(letter: str) -> Markup:
    return Markup('<span class="chip">U+{:04X}</span>').format(ord(letter))


def plain(text: str) -> str:
    """Text for a title or a sentence without markup; hidden characters become spaces."""
    return "".join(" " if is_hidden(letter) else letter for letter in text)
