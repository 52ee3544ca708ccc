"""What a model went on to say. No torch here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Continued:
    """The greedy continuations of one prompt, one for each dose."""

    id: str
    """Of the prompt."""
    label: str
    tokens: tuple[tuple[int, ...], ...]
    """Token ids [dose, token]."""
    texts: tuple[str, ...]
    """The same as text [dose]."""

    def lines(self, doses: Sequence[float]) -> list[str]:
        """The prompt, and what follows it at each dose."""
        widest = max(len(f"{dose:g}") for dose in doses)
        said = (
            f"  dose {dose:>{widest}g}: {json.dumps(text, ensure_ascii=False)}"
            for dose, text in zip(doses, self.texts, strict=True)
        )
        return [f"{self.label}, {self.id}", *said]
