"""What a model says on labelled prompts, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_interp.cli.table import table

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.experiments.behaviour import Said
    from pytest_interp.facts.labelled import PromptSet

MOST_SAID = 5
"""Tokens that are shown of each class."""


def print_labelled(adapter: ModelAdapter, prompts: PromptSet) -> None:
    """Right answers, abstentions, confidence and the most frequent tokens, by class."""
    from pytest_interp.experiments.behaviour import WORDINGS_AT_LEAST, say

    said = say(adapter, prompts)
    rows = [["class", "prompts", "groups", "right", "known", "abstains", "confidence", "says"]]
    rows += [_row(label, [s for s in said if s.prompt.label == label]) for label in prompts.classes]
    print(f"{adapter.name} on {len(prompts)} prompts of {prompts.name}")
    print(table(rows))
    if any(one.right is not None for one in said):
        print("right: the top token is the answer")
        print(f"known: groups in which it is right in {WORDINGS_AT_LEAST} wordings or more, of "
              "those asked in so many")  # fmt: skip
    named = ", ".join(map(repr, prompts.abstain)) or "the set names none"
    print(f"abstains: the top token is one of those that say so ({named})")
    print("confidence: mean probability of the top token; says: the most frequent ones")


def _row(label: str, said: Sequence[Said]) -> list[str]:
    from pytest_interp.experiments.behaviour import WORDINGS_AT_LEAST, right_by_group

    asked = [of for of in right_by_group(said).values() if len(of) >= WORDINGS_AT_LEAST]
    known = sum(sum(of.values()) >= WORDINGS_AT_LEAST for of in asked)
    answered = [one for one in said if one.right is not None]
    right = f"{sum(one.right is True for one in answered)}/{len(answered)}" if answered else ""
    most = Counter(one.token for one in said).most_common(MOST_SAID)
    return [
        label,
        str(len(said)),
        str(len({one.prompt.group for one in said})),
        right,
        f"{known}/{len(asked)}" if asked else "",
        f"{sum(one.abstains for one in said)}/{len(said)}",
        f"{fmean(one.probability for one in said):.2f}",
        ", ".join(f"{token!r} {n}" for token, n in most),
    ]
