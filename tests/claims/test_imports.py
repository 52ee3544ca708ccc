"""Modules that register claims know nothing of one another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_interp.claims

FOLDER = Path(pytest_interp.claims.__file__).parent
REGISTERING = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if "= register_claim(" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", REGISTERING)
def test_any_of_them_may_be_imported_first(name: str) -> None:
    """The first one loads all others by the registry, while it is half imported itself."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    others = {f"pytest_interp.claims.{other}" for other in REGISTERING}
    assert not imported & others, "move what both need to a module that registers nothing"


def test_they_are_found() -> None:
    assert len(REGISTERING) > 5
