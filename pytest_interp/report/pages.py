"""One self-contained page from a template: its style and script inside, and nothing fetched.

What a page shows was written by models, prompts and other people. So everything is escaped, and
the page's own policy lets no other style or script run than the ones it was made with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_interp.report.escaping import visible
from pytest_interp.report.views import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_HERE: Final = Path(__file__).parent
BASE_STYLES: Final = ("base.css", "pictures.css")
BASE_SCRIPTS: Final = ("dom.js", "theme.js", "pictures.js")
"""What a page that compares pictures needs; :func:`page` puts them first."""


def page(
    template: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
    **values: Any,
) -> str:
    """The page that a template makes.

    Args:
        template: its name in ``templates/``; it extends ``base.html``.
        styles: files of ``assets/``, after ``BASE_STYLES``.
        scripts: files of ``assets/``, after ``BASE_SCRIPTS``; together they are one function.
        allowed: more of the policy, as ``{"connect-src": "'self'"}`` for a page that is served.
        values: what the template asks for.
    """
    from markupsafe import Markup

    style = "".join(_asset(name) for name in (*BASE_STYLES, *styles, "print.css"))
    script = "".join(_asset(name) for name in (*BASE_SCRIPTS, *scripts))
    script = f'(() => {{\n"use strict";\n{script}}})();\n'
    policy = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        **(allowed or {}),
    }
    made = _environment().get_template(template)
    return made.render(
        **values,
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        style=Markup(style),
        script=Markup(script),
    )


def shown(value: Any) -> Any:
    """Text with the escapes of what steers a terminal, turns text around or cannot be seen."""
    if type(value) is not str:  # markup is escaped already
        return value
    return "".join(sign if sign in "\n\t" else visible(sign) for sign in value)


def json_block(value: Any) -> Markup:
    """A value as JSON that can stand inside a ``script`` element, whatever its texts hold."""
    from markupsafe import Markup

    text = json.dumps(_clean(value), separators=(",", ":"), allow_nan=False)  # ASCII alone
    return Markup(text.replace("<", "\\u003c"))  # so that nothing can end the element


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(_clean(key)): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return shown(value)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["json_block"] = json_block
    made.filters.update(FILTERS)
    return made


@cache
def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text("utf-8").rstrip() + "\n"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
