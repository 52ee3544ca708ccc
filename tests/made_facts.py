"""Facts about different things, in one wording, for tests of what is claimed of them."""

from __future__ import annotations

from pytest_interp import FactPrompt, FactSet


def facts(n: int) -> FactSet:
    """``n`` facts, none of which shares an entity with another."""
    prompts = [
        FactPrompt(
            clean_prompt=f"The capital of land{i} is",
            corrupt_prompt=f"The capital of shore{i} is",
            answer=f" city{i}",
            counterfactual_answer=f" port{i}",
            subject=f"land{i}",
        )
        for i in range(n)
    ]
    return FactSet.of(prompts, "capitals", "plain")
