"""Draw `docs/assets/architecture.svg` from the import contract in `pyproject.toml`.

    python docs/make_architecture.py

The rows are those of the contract "Layers", so the picture cannot say other than what
import-linter checks; a test compares the file with what this script draws.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "assets" / "architecture.svg"
WHAT = {
    "__main__": "python -m pytest_interp",
    "plugin": "pytest hooks and fixtures",
    "cli": "the command pytest-interp",
    "specs": "YAML schema",
    "report": "reports of a run",
    "store": "results kept on disk",
    "cluster": "sets of facts on many machines",
    "claims": "verdicts, assert_*",
    "baselines": "saved numbers, compared",
    "figures": "matplotlib",
    "experiments": "lens, trace, controls",
    "results": "frozen, numpy, named axes",
    "options": "metrics, corruptions, trace options",
    "models": "names, sources, loading",
    "planted": "models with a known mechanism",
    "adapters": "sites, one primitive, backends",
    "facts": "prompts and sets of them",
    "validation": "mistakes in files, by line",
    "stats": "bootstrap, permutations",
    "extensions": "imports what a project adds",
    "documents": "YAML with line numbers",
    "deferred": "names that cost nothing until called",
    "registry": "one way to add anything",
    "provenance": "how a result was made",
    "progress": "reports long work",
    "precision": "limits by dtype",
    "memory": "what passes may take",
    "git": "runs git",
    "errors": "all errors",
}
TORCH = {"experiments", "models", "planted", "adapters"}
WIDTH, GAP = 860, 10


def layers() -> list[list[str]]:
    """Rows of module names, the highest first; modules that are not there are left out."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    rows = next(c["layers"] for c in contracts if c["name"] == "Layers")
    named = [[part.strip(" ()") for part in row.replace(":", "|").split("|")] for row in rows]
    package = ROOT / "pytest_interp"
    there = [
        [
            n
            for n in row
            if (package / n / "__init__.py").is_file() or (package / f"{n}.py").is_file()
        ]
        for row in named
    ]
    return [row for row in there if row]


def draw(rows: list[list[str]]) -> str:
    body: list[str] = []
    top = 14
    for row in rows:
        alone = len(row) == 1
        height = 26 if alone else 42
        width = (WIDTH - 40 - GAP * (len(row) - 1)) / len(row)
        for index, name in enumerate(row):
            body += _box(name, 20 + index * (width + GAP), top, width, height, alone)
        top += height + 8
    legend = "Imports go down only. Orange: may import torch and transformers. Blue: may not."
    body.append(_text(20, top + 14, legend, 13, "start"))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 26}" '
            'font-family="DejaVu Sans, Helvetica, Arial, sans-serif" role="img" '
            'aria-label="Layers of pytest_interp">',
            f'<rect width="{WIDTH}" height="{top + 26}" fill="#ffffff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _box(name: str, left: float, top: int, width: float, height: int, alone: bool) -> list[str]:
    fill = "#fdebd3" if name in TORCH else "#e3edf7"
    middle, what = left + width / 2, WHAT.get(name, "")
    box = (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="5" '
        f'fill="{fill}" stroke="#5f5f5f"/>'
    )
    if alone:
        first, second = middle - 10, middle + 10
        texts = [
            _text(first, top + 18, name, 13, "end", bold=True),
            _text(second, top + 18, what, 12, "start"),
        ]
    else:
        texts = [
            _text(middle, top + 18, name, 13, "middle", bold=True),
            _text(middle, top + 35, what, 11, "middle"),
        ]
    return [box, *texts]


def _text(x: float, y: int, text: str, size: int, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y}" font-size="{size}" text-anchor="{anchor}"{weight} '
        f'fill="#222222">{escape(text)}</text>'
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(layers()), encoding="utf-8")
