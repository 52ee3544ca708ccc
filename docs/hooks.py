"""Docstrings name other objects in Sphinx's way; pages show the bare name."""

from __future__ import annotations

import re

ROLE = re.compile(r":(?:class|meth|func|data|attr|mod):<code>~?(?:[\w.]*\.)?(\w+)</code>")


def on_page_content(html: str, **_: object) -> str:
    return ROLE.sub(r"<code>\1</code>", html)
