"""Text of prompts and tokens as text: never markup, a command to a terminal, or a mention."""

from __future__ import annotations

import re
import unicodedata

_MARKUP = re.compile(
    r"[\\`*_{}\[\]<>&|~#@!$]"  # also mentions, numbers of issues and formulas of GitHub and GitLab
    r"|:(?=//)|(?<=\bwww)\.|^\s*[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]",  # links, and begins of lists
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """One line; characters that end it, move a cursor or turn text around are written out."""
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape").decode()


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return _MARKUP.sub(lambda found: _entities(found[0]), visible(text))


def _entities(text: str) -> str:
    return "".join(char if char.isspace() else f"&#{ord(char)};" for char in text)
