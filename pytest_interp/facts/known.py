"""Does a model know a fact? The one rule, for control runs, claims and the command line."""

from __future__ import annotations

import math

from pytest_interp.facts.prompts import FactPrompt

LEAST_GAP = 1.0
"""Logits between the clean and the corrupt run: a factor e in the odds of the two answers."""


def why_unknown(
    fact: FactPrompt,
    clean: float,
    corrupt: float,
    *,
    gap: float | None = None,
    least_gap: float = LEAST_GAP,
    prefers_counterfactual: bool = True,
) -> str | None:
    """Why a model does not know a fact; None where it does.

    A model knows a fact where the clean prompt prefers the answer, the corrupt prompt prefers the
    counterfactual answer, and the two runs differ by a gap that can be measured.

    Args:
        fact: its prompts and answers.
        clean: logit of the answer minus that of the counterfactual answer, after the clean prompt.
        corrupt: the same after the corrupt prompt.
        gap: clean minus corrupt in the metric that is measured; logits without it.
        least_gap: the least gap, in the same unit.
        prefers_counterfactual: whether the corrupt run has to prefer the counterfactual answer.
            Noise on the subject need not.
    """
    pair = f"{fact.answer!r} to {fact.counterfactual_answer!r}"
    if not (math.isfinite(clean) and math.isfinite(corrupt)):
        return f"logits are not finite ({clean} clean, {corrupt} corrupt)"
    if not clean > 0:
        return f"the model does not prefer {pair}: by {clean:+.2f} logits"
    if prefers_counterfactual and not corrupt < 0:
        return (
            f"after {fact.corrupt_prompt!r} the model does not prefer "
            f"{fact.counterfactual_answer!r} to {fact.answer!r}: by {-corrupt:+.2f} logits"
        )
    measured = clean - corrupt if gap is None else gap
    if not measured >= least_gap:
        return f"the gap {measured:.3g} is below the least of {least_gap:.3g}"
    return None
