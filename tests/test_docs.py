"""Python in the documentation parses, and imports what there is."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^(?P<indent> *)```python\n(?P<code>.*?)^ *```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[str]:
    """Python blocks of a page, without those that include a file."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    codes = [re.sub(rf"^{m['indent']}", "", m["code"], flags=re.MULTILINE) for m in found]
    return [code for code in codes if "--8<--" not in code]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_parses_and_its_imports_exist(page):
    for code in blocks(page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest_interp"):
                module = importlib.import_module(node.module)
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{page.name} imports {missing} from {node.module}"


def test_blocks_are_found():
    assert any("FactPrompt" in code for code in blocks(ROOT / "docs" / "quickstart.md"))
