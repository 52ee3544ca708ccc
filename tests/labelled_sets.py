"""Sets of labelled prompts for tiny models, whose words are w0 to w59."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_interp.facts.labelled import LabelledPrompt, PromptSet


def that_begin_alike(prompts: PromptSet, n_words: int = 20) -> PromptSet:
    """The same prompts after one of two openings of this many words, told and untold in turn."""
    rng = np.random.default_rng(3)
    openings = [" ".join(f"w{w}" for w in rng.integers(10, 58, size=n_words)) for _ in range(2)]
    return replace(
        prompts,
        prompts=tuple(
            replace(one, text=f"{openings[i % 2]} {one.text}") for i, one in enumerate(prompts)
        ),
    )


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
