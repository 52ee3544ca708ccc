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
from dataclasses import dataclass, field
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


@dataclass
class Reasons:
    """Why something is refused, each reason with its number on the page, and where it holds."""

    where: dict[str, list[str]] = field(default_factory=dict)

    def number(self, reason: str, where: str) -> str:
        """The number of a reason, as cells hold it."""
        places = self.where.setdefault(reason, [])
        if where not in places:
            places.append(where)
        return f"({[*self.where].index(reason) + 1})"

    def listed(self) -> str:
        """All of them, in the order of their numbers."""
        lines = (
            f"{number}. {reason}: {', '.join(places)}\n"
            for number, (reason, places) in enumerate(self.where.items(), 1)
        )
        return "".join(lines)


def cells(model: str, found: dict[str, float | str], reasons: Reasons) -> list[str]:
    """What was measured of one model under one backend, as it is written."""
    from contract import reason

    some = layout_of_model(model).some_lack
    made = []
    for name, value in found.items():
        if isinstance(value, str):
            made.append(f"refused {reasons.number(reason(value), model)}")
            continue
        number = f"{value:.0e}" if value else "0"
        lack = f" {reasons.number(some[name], f'some layers of {model}')}" if name in some else ""
        made.append(number + lack)
    return made


def layout_of_model(model: str) -> Layout:
    """The layout of a tiny model."""
    from tiny import tiny_weights

    return layout_of(tiny_weights(model).module.config)


def measured() -> str:
    """A row for each model and backend, and the reasons of what is refused."""
    from architectures import BUILD
    from contract import measured as measure

    lines: list[str] = []
    reasons = Reasons()
    for model in BUILD:
        for backend in BACKENDS:
            found = measure(model, backend)
            row = [model, backend, *cells(model, found, reasons)]
            print(*row, flush=True)
            if not lines:
                lines.append(f"| Model | Backend | {' | '.join(found)} |\n")
                lines.append("| --- " * (len(found) + 2) + "|\n")
            lines.append(f"| {' | '.join(row)} |\n")
    return "".join(lines) + f"\nRefused, because:\n\n{reasons.listed()}"


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
