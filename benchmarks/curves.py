"""Draw what maps cost, against tokens and against facts, from the numbers of the benchmark.

python -m benchmarks.curves [outputs/benchmark.json]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from pytest_interp.figures.style import label, tidy, title

FOLDER = Path(__file__).parents[1] / "docs" / "assets"
COLOURS = {
    "in blocks": "#1b6ca8",
    "together": "#1b6ca8",
    "one by one": "#6fb1dc",
    "TransformerLens patching": "#c1440e",
    "nnsight, a trace per cell": "#7a5195",
    "nnsight, invokes per layer": "#c08fd6",
}


def draw(tables: dict[str, Any], what: str, heading: str) -> Path:
    """One curve for each way, on logarithmic axes."""
    found = {int(k.split()[1]): t for k, t in tables.items() if k.startswith(f"{what} ")}
    counts = sorted(found)
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    floors = [found[n]["floor"] for n in counts]
    axes.plot(counts, floors, color="#444444", linestyle="--", label="floor")
    for name in found[counts[0]]["rows"]:
        way = name.removesuffix(", nnsight")
        if way not in COLOURS:
            continue  # ours under the other backend take the same time
        seconds = [found[n]["rows"][name]["seconds"] for n in counts]
        shown = way if way == name else f"this package, {way}"
        axes.plot(counts, seconds, color=COLOURS[way], marker="o", markersize=4, label=shown)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(counts, [str(n) for n in counts])
    axes.minorticks_off()
    label(axes, x=what, y="seconds of one core")
    title(axes, heading)
    tidy(axes, grid=True)
    axes.legend(fontsize=8, frameon=False)
    path = FOLDER / f"benchmark-{what}.png"
    figure.savefig(path, dpi=150)
    return path


def main() -> None:
    """Draw both figures."""
    given = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/benchmark.json")
    tables = json.loads(given.read_text())
    print(draw(tables, "tokens", "The map of one fact, SmolLM2"))
    print(draw(tables, "facts", "The maps of a set of facts of 5 tokens, SmolLM2"))


if __name__ == "__main__":
    main()
