"""Sets of labelled prompts for tiny models, whose words are w0 to w59."""

from __future__ import annotations

import numpy as np

from pytest_interp.facts.labelled import LabelledPrompt, PromptSet


def tiny_prompts(n: int = 24, groups: int = 8, seed: int = 0, answer: bool = True) -> PromptSet:
    """Random words in three lengths, half of them "told"; every second group holds both classes."""
    rng = np.random.default_rng(seed)
    return PromptSet(
        name="tiny",
        prompts=tuple(
            LabelledPrompt(
                id=f"p{i}",
                text=" ".join(f"w{w}" for w in rng.integers(10, 58, size=3 + i % 3)),
                label="told" if i < n // 2 else "untold",
                group=f"g{i % groups}",
                template=f"t{i % 2}",
                answer=f"w{i % 9}" if answer and i % 4 else None,
            )
            for i in range(n)
        ),
        abstain=("w1", "w5"),
    )
