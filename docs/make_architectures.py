"""Write the tables of architectures into docs/backends.md: what is special, and what was measured.

    python docs/make_architectures.py            measures all of them and writes (minutes)

The first table stands in the rows of pytest_interp/adapters/architectures/. The second is
measured on tiny random models against plain torch hooks, as tests/contract.py does that. A test
compares the page with the rows, and each line of the second table with what holds.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from pytest_interp.adapters.layouts import ARCHITECTURES, Layout, layout_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "backends.md"
SPECIAL, MEASURED = "what is special", "what was measured"
BACKENDS = ("transformer_lens", "nnsight")


def special() -> str:
    """A row for each architecture."""
    rows = [
        f"| `{name}` | {layout.special} |\n"
        for name, layout in ARCHITECTURES.all().items()
        if layout.special
    ]
    return "| `model_type` | Special |\n| --- | --- |\n" + "".join(rows)


def cells(found: dict[str, float | str]) -> list[str]:
    """What was measured of one model under one backend, as it is written."""
    return [
        "refused" if isinstance(value, str) else f"{value:.0e}" if value else "0"
        for value in found.values()
    ]


def layout_of_model(model: str) -> Layout:
    """The layout of a tiny model."""
    from tiny import tiny_weights

    return layout_of(tiny_weights(model).module.config)


def measured() -> str:
    """A row for each model and backend, and the reasons of what is refused."""
    from architectures import BUILD
    from contract import measured as measure

    lines: list[str] = []
    why: dict[str, dict[str, list[str]]] = {}
    for model in BUILD:
        for backend in BACKENDS:
            found = measure(model, backend)
            print(model, backend, *cells(found), flush=True)
            if not lines:
                lines.append(f"| Model | Backend | {' | '.join(found)} |\n")
                lines.append("| --- " * (len(found) + 2) + "|\n")
            lines.append(f"| {model} | {backend} | {' | '.join(cells(found))} |\n")
            for name, value in found.items():
                if isinstance(value, str):
                    reason = value.partition(" because ")[2]
                    why.setdefault(reason, {}).setdefault(model, []).append(f"`{name}`")
        for site, reason in layout_of_model(model).some_lack.items():
            of = why.setdefault(reason, {}).setdefault(f"some layers of {model}", [])
            of.append(f"`{site}`")
    reasons = []
    for reason, models in why.items():
        named = [f"{', '.join(dict.fromkeys(sites))} of {of}" for of, sites in models.items()]
        reasons.append(f"- {reason}: {'; '.join(named)}\n")
    return "".join(lines) + "\nWhy something is refused:\n\n" + "".join(reasons)


def with_block(page: str, name: str, made: str) -> str:
    """The page with other lines between the marks of this name."""
    marks = rf"(<!-- {name} -->\n\n).*?(\n<!-- end -->)"
    found, count = re.subn(marks, lambda m: m[1] + made + m[2], page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE}: there is not one <!-- {name} --> with an <!-- end -->, but {count}")
    return found


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.path.insert(0, str(ROOT / "tests"))
    for name, make in ((SPECIAL, special), (MEASURED, measured)):
        made = make()
        text = with_block(PAGE.read_text(encoding="utf-8"), name, made)
        PAGE.write_text(text, encoding="utf-8")
