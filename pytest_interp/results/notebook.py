"""What a notebook shows of a thing: a small table, with everything in it as text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_CELL = "text-align: left; vertical-align: top; padding: 0 1em 0 0"


def table_html(head: str, rows: Iterable[tuple[str, object]], *, colour: str = "") -> str:
    """A head line and a table of names and values, all escaped; ``colour`` is that of the head."""
    style = f' style="color: {escape(colour)}"' if colour else ""
    lines = "".join(
        f'<tr><th style="{_CELL}">{escape(name)}</th>'
        f'<td style="{_CELL}">{escape(str(value))}</td></tr>'
        for name, value in rows
    )
    return f"<div><strong{style}>{escape(head)}</strong><table>{lines}</table></div>"


def text_html(text: str) -> str:
    """A text whose lines and columns stay as they are; nothing for no text."""
    return f"<pre>{escape(text)}</pre>" if text else ""
