"""Modules of a project that add things, named in ``pyproject.toml`` or in an ini file.

Packages add things by entry points instead, which :mod:`pytest_interp.registry` reads.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_interp.errors import InterpError, UnknownNameError, described

TABLE = "[tool.pytest_interp]"
KEY = "extensions"


def declared(pyproject: Path) -> list[str]:
    """The modules that a ``pyproject.toml`` names: ``[tool.pytest_interp] extensions``.

    Raises:
        InterpError: the table has another form.
    """
    if not pyproject.is_file():
        return []
    try:
        table: Any = tomllib.loads(pyproject.read_text("utf-8")).get("tool", {})
    except ValueError as error:  # no TOML, or no UTF-8
        raise InterpError(f"{pyproject}: the file is not TOML: {error}") from error
    table = table.get("pytest_interp", {})
    for name in table:
        if name != KEY:
            raise InterpError(f"{pyproject}: {UnknownNameError.of(f'key of {TABLE}', name, [KEY])}")
    modules: Any = table.get(KEY, [])
    if not isinstance(modules, list) or not all(isinstance(name, str) for name in modules):
        raise InterpError(
            f'{pyproject}: {TABLE} {KEY} is a list of modules, as {KEY} = ["my_module"]; '
            f"got {modules!r}"
        )
    return modules


def load_extensions(modules: Iterable[str], root: Path, place: str) -> None:
    """Import modules, which add their things as they are imported.

    Args:
        modules: their names, with dots.
        root: the folder of the project, from which modules can be imported from now on.
        place: where the names stand, for messages.

    Raises:
        InterpError: one of them cannot be imported.
    """
    for name in modules:
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        try:
            import_module(name)
        except Exception as error:  # of code that others wrote
            why = f"{described(error)}. Repair it, or take it off the list"
            if isinstance(error, ModuleNotFoundError) and name.startswith(error.name or name):
                why = "there is no such module. "
                why += f"Put it into {root}, install its package, or correct the name"
            message = f"{place}: the module {name!r} cannot be imported: {why}"
            raise InterpError(message) from error
