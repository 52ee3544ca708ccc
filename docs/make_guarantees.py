"""Write docs/guarantees.md from the tests: each row stands at the test that keeps it.

    python docs/make_guarantees.py            writes the page
    python docs/make_guarantees.py --check    fails where the page is not what it would write

A test says what it guarantees by a mark, in plain strings:

    @pytest.mark.guarantee("green", "promise in one sentence", sees="what the user sees instead")

Several tests of a module share a mark that has a name there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"
SECTIONS = {
    "green": "Nothing is green without a reason",
    "undefined": "What is undefined is no number",
    "files": "Files that are broken, foreign or hostile",
    "kept": "Nothing is lost or mixed",
    "red": "Nothing is red without a reason",
    "messages": "Messages say what happened and what to do",
}
HEAD = """\
# Guarantees

This page lists what a run promises. Each row is kept by the tests that it names: the opposite was
seen once, or could have been. The page is written from the tests by
`python docs/make_guarantees.py`; a test fails where it is out of date.
[What forty kills of an update and eight rounds of two writers left](baselines.md#updating) is
measured by `make torture`.
"""


@dataclass(frozen=True)
class Row:
    """One promise and the test that keeps it."""

    section: str
    promise: str
    sees: str
    test: str


def rows(root: Path = ROOT) -> Iterator[Row]:
    """The rows of all tests below ``tests/``, in order of the files and of their lines."""
    for file in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = {
            ast.unparse(node.targets[0]): node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and _is_mark(node.value)
        }
        used: set[ast.AST] = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                where = f"{file.relative_to(root).as_posix()}::{node.name}"
                for decorator in node.decorator_list:
                    mark = named.get(ast.unparse(decorator), decorator)
                    if isinstance(mark, ast.Call) and _is_mark(mark):
                        used.add(mark)
                        yield _row(mark, where)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_mark(node) and node not in used:
                sys.exit(
                    f"{file.relative_to(root)}:{node.lineno}: this mark stands at no test: write it"
                    " above one, or give it a name in its module"
                )


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.guarantee"


def _row(mark: ast.Call, where: str) -> Row:
    section, promise = (ast.literal_eval(argument) for argument in mark.args)
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in mark.keywords}
    if section not in SECTIONS or set(named) != {"sees"}:
        sys.exit(f"{where}: write guarantee(SECTION, PROMISE, sees=...); "
                 f"sections: {', '.join(SECTIONS)}")  # fmt: skip
    return Row(section, promise, named["sees"], where)


def page(found: list[Row]) -> str:
    """The page of these rows; promises that several tests keep are one row."""
    parts = [HEAD]
    for section, title in SECTIONS.items():
        tests: dict[tuple[str, str], list[str]] = {}
        for row in found:
            if row.section == section:
                tests.setdefault((row.promise, row.sees), []).append(f"`{row.test}`")
        if tests:
            parts += [
                f"\n## {title}\n\n",
                "| Promise | What the user sees | Kept by |\n|---|---|---|\n",
            ]
            parts += [
                f"| {_cell(promise)} | {_cell(sees)} | {', '.join(names)} |\n"
                for (promise, sees), names in tests.items()
            ]
    return "".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    text = page(list(rows()))
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit(f"{PAGE.relative_to(ROOT)} is out of date: python docs/make_guarantees.py")
    else:
        PAGE.write_text(text, encoding="utf-8")
