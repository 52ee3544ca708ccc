"""Traces of heads and of sets of cells, and paths, made of plain numbers, for tests of claims."""

from __future__ import annotations

import numpy as np
from made_ablations import SPREAD
from made_facts import facts
from made_results import MADE

from pytest_interp.options import PathOptions
from pytest_interp.options.trace import TraceOptions
from pytest_interp.results import HeadTrace, JointTrace, PathResult

N = len(SPREAD)
N_FACTS = 8
SENDERS = ("head.0.1", "head.1.0", "mlp_out.1")
RECEIVERS = ("q.2.1", "v.2.1@subject")


def paths(effect=0.6, n=N_FACTS, direction="noise", **change):
    """The path from head.1.0 to q.2.1 has an effect, that of mlp_out.1 one of 0.1; others none."""
    gap = -10.0 if direction == "noise" else 10.0
    moved = np.zeros((n, len(RECEIVERS), len(SENDERS)))
    spread = np.linspace(-0.05, 0.05, n) if n > 1 else 0.0
    moved[:, 0, 1], moved[:, 0, 2] = (effect + spread) * gap, (0.1 + spread / 5) * gap
    given = {
        "facts": facts(n),
        "options": PathOptions(direction=direction),
        "senders": SENDERS,
        "receivers": RECEIVERS,
        "n_layers": 4,
        "clean": np.full(n, 5.0),
        "corrupt": np.full(n, -5.0),
        "direction": direction,
        "change": moved,
    }
    return PathResult(**{**given, **change})


def head_trace(at, direction="denoise", **changes):
    """Each head moves such a share of a gap of 8 logits, up to a spread; others move nothing."""
    moved = np.zeros((N, 3, 4))
    for name, value in at.items():
        layer, head = (int(part) for part in name.split(".")[1:])
        moved[:, layer, head] = 8 * (value + SPREAD / 4)
    made = {
        "facts": facts(N),
        "options": TraceOptions.of(site="head", direction=direction),
        "clean": np.full(N, 4.0),
        "corrupt": np.full(N, -4.0),
        "patched": moved - 4 if direction == "denoise" else 4 - moved,
        "position": "last",
        "layers": (0, 1, 2),
        "heads": (0, 1, 2, 3),
        "n_layers": 3,
        "provenance": MADE,
    }
    return HeadTrace(**made | changes)


def joint(direction="denoise", **effects):
    moved = np.stack([8 * (value + SPREAD / 4) for value in effects.values()], axis=1)
    return JointTrace(
        facts=facts(N),
        options=TraceOptions.of(direction=direction),
        clean=np.full(N, 4.0),
        corrupt=np.full(N, -4.0),
        patched=moved - 4 if direction == "denoise" else 4 - moved,
        names=tuple(effects),
        cells=tuple(("resid_post.1@subject",) for _ in effects),
        provenance=MADE,
    )
