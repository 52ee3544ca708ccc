"""Estimates made of plain numbers, for tests of their claims."""

from __future__ import annotations

import numpy as np
from made_facts import facts

from pytest_interp.options import EstimateOptions
from pytest_interp.results import Estimates

N_FACTS, N_LAYERS, N_TOKENS, N_HEADS = 8, 3, 4, 2


def estimates(effect=0.6, error=None, n=N_FACTS, direction="denoise", exact=None):
    """The head 1.1 has an effect, as has mlp_out.1 at the subject; all else is 0.

    ``error`` is that of a head 0.0 that was computed exactly; ``exact`` is the number of 1.1.
    """
    spread = np.linspace(-0.05, 0.05, n) if n > 1 else np.zeros(1)
    gap = 10.0 if direction == "denoise" else -10.0
    heads = np.zeros((n, N_LAYERS, N_HEADS))
    tokens = np.zeros((n, N_LAYERS, N_TOKENS))
    heads[:, 1, 1] = tokens[:, 1, 1] = (effect + spread) * gap
    known = {"head": np.full_like(heads, np.nan), "mlp_out": np.full_like(tokens, np.nan)}
    if error is not None:
        known["head"][:, 0, 0] = known["mlp_out"][:, 0, 0] = error * gap
    if exact is not None:
        known["head"][:, 1, 1] = (exact + spread) * gap
    return Estimates(
        facts=facts(n),
        clean=np.full(n, 5.0),
        corrupt=np.full(n, -5.0),
        options=EstimateOptions(sites=("head", "mlp_out"), direction=direction),
        direction=direction,
        layers=tuple(range(N_LAYERS)),
        str_tokens=(("of", "land", "s", "is"),) * n,
        subject_positions=((1, 2),) * n,
        change={"head": heads, "mlp_out": tokens},
        exact=known,
    )
