"""What the truth of a "told or not told" model says of claims about labelled prompts.

Every answer is True, False, or None where the stated numbers lie too near a limit to say. No number
comes from running a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.oracle import Case
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.planted import ToldModel
from pytest_interp.planted.graded import Edit
from pytest_interp.planted.told_prompts import ABSTAIN

Floats = npt.NDArray[np.float64]
Add = Mapping[str, float]
"""Directions of the truth -> how often each is in what is added."""


@dataclass(frozen=True)
class ToldCase(Case):
    """A claim about labelled prompts: a true one may also be left open, which is counted apart."""

    @property
    def false_fail(self) -> bool:
        return self.true and self.outcome in ("failed", "refused")

    @property
    def left_open(self) -> bool:
        return self.true and self.outcome == "inconclusive"


@dataclass(frozen=True)
class ToldOracle:
    """Of one model and the prompts that it is asked."""

    model: ToldModel
    prompts: PromptSet
    _known: dict[tuple[Any, ...], Mapping[str, float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def n_layers(self) -> int:
        return self.model.parameters.n_layers

    @property
    def _near(self) -> float:
        """How far a mean of log-odds may be from the stated one."""
        return self.model.truth.tolerance

    def _of(self, label: str | None) -> list[str]:
        return [p.text for p in self.prompts if label in (None, p.label)]

    def readable(self, layer: int) -> bool:
        """Whether a probe tells the classes apart without a mistake."""
        return self.model.truth.auroc[layer] == 1

    def beyond_surface(self, layer: int) -> bool:
        """The same, where layer 0 does not already."""
        return self.readable(layer) and not self.readable(0)

    def separates(self, name: str | None, layer: int, sign: int) -> bool:
        """Whether ``sign`` times a planted direction puts told prompts above the others."""
        if name is None or name == "doubt":
            return (
                False  # a random one; and what 0.4 of the told prompts hold and 0.6 of the others
            )
        abstains = name == "abstain" and self.model.parameters.variant == "hidden"
        written = self.model.truth.directions[name].written_at
        return sign < 0 and layer >= written and not abstains

    @cached_property
    def settled(self) -> dict[str, Floats]:
        """Layers at which the prompts of each class settle."""
        at: dict[str, list[int]] = {}
        for prompt in self.prompts:
            at.setdefault(prompt.label, []).append(self.model.truth.settles_at(prompt.text))
        return {label: np.array(layers, dtype=float) for label, layers in at.items()}

    def later(self, label: str, than: str, by: float) -> bool | None:
        """Whether every pair, however matched, settles later by so much; or none does."""
        late, early = self.settled[label], self.settled[than]
        if late.min() - early.max() >= by:
            return True
        # a class that settles at two layers: no more than the whole difference of the means
        return False if late.mean() - early.mean() < by - 0.25 else None

    @cached_property
    def jumps(self) -> dict[str, float]:
        """Of each class the mean largest rise of the probability, as a share of the last one."""
        found = {}
        for label in self.prompts.classes:
            curves = [self._probabilities(text) for text in self._of(label)]
            found[label] = float(np.mean([np.diff(c).max() / c[-1] for c in curves]))
        return found

    def gradual(self, label: str, at_most: float) -> bool | None:
        return _beside(at_most - self.jumps[label], 0.1)

    def follows(
        self, add: Add, layer: int, doses: Sequence[float], label: str | None, rising: bool
    ) -> bool | None:
        """Whether the log-odds follow the dose by at least 0.5, more than the norm makes them."""
        used = (self.model.truth.directions[name].moves_abstaining(layer) for name in add)
        if not any(used):
            return False
        means = [
            np.mean(
                [self._log_odds(text, Edit(_times(add, dose), layer)) for text in self._of(label)]
            )
            for dose in sorted((0.0, *doses))
        ]
        steps = (1 if rising else -1) * np.diff(means)
        if (steps < -self._near).any() or steps.sum() < 0.5 - self._near:
            return False
        return True if (steps > self._near).all() and steps.sum() > 0.5 + self._near else None

    def removes(self, names: Sequence[str]) -> bool | None:
        """Whether at least 0.8 of those that abstain stop; False where none abstains."""
        out = Edit(ablate=tuple({name: 1.0} for name in names))
        before = np.array([self._log_odds(text) for text in self._of(None)])
        after = np.array([self._log_odds(text, out) for text in self._of(None)])
        after = after[before > 0]
        if not after.size or not names:
            return False
        if (np.abs(after) < self._near).any():
            return None
        return bool((after < 0).mean() >= 0.8)

    @property
    def abstains(self) -> bool:
        """Whether any prompt abstains, so that there is something to remove."""
        return any(self.model.truth.abstains(text) for text in self._of(None))

    def harmless(
        self, add: Add, layer: int, doses: Sequence[float], neutral: Sequence[str], kl: float,
        lost: float,
    ) -> bool | None:  # fmt: skip
        """Whether no dose moves the neutral texts by ``kl``, or loses ``lost`` right answers."""
        answers = {p.text: str(p.answer).strip() for p in self.prompts if p.label == "told"}
        answered = [t for t, answer in answers.items() if self._says(t) == answer]
        if not answered:
            return False  # there is no right answer to keep
        sides: list[bool | None] = []
        for dose in doses:
            edit = Edit(_times(add, dose), layer)
            gone = np.mean([self._says(t, edit) != answers[t] for t in answered])
            sides.append(_beside(lost - gone, 0.15))
            moved = np.mean([_divergence(self._of_words(t), self._of_words(t, edit))
                             for t in neutral])  # fmt: skip
            sides.append(None if kl / 3 < moved < 3 * kl else bool(moved < kl))
        return False if False in sides else None if None in sides else True

    def _read(self, text: str, edit: Edit | None = None) -> Mapping[str, float]:
        """Logits of the words that are read out; the same for every backend, and so kept."""
        edit = edit or Edit()
        added = tuple(sorted(edit.add.items()))
        key = (text, added, edit.layer, tuple(name for out in edit.ablate for name in out))
        if key not in self._known:
            graded = self.model.truth.graded
            self._known[key] = graded.logits(graded.stream(text.split(), edit)[-1])
        return self._known[key]

    def _log_odds(self, text: str, edit: Edit | None = None) -> float:
        logits = self._read(text, edit)
        return logits[ABSTAIN] - max(x for word, x in logits.items() if word != ABSTAIN)

    def _says(self, text: str, edit: Edit | None = None) -> str:
        logits = self._read(text, edit)
        return max(logits, key=logits.__getitem__)

    def _probabilities(self, text: str) -> Floats:
        """Of what is said in the end, after each layer."""
        graded, said = self.model.truth.graded, self._says(text)
        states = graded.stream(text.split())
        readings = [graded.logits(state, layer) for layer, state in enumerate(states)]
        at = list(readings[-1]).index(said)
        return np.array([self._softmax(logits)[at] for logits in readings])

    def _of_words(self, text: str, edit: Edit | None = None) -> Floats:
        return self._softmax(self._read(text, edit))

    def _softmax(self, logits: Mapping[str, float]) -> Floats:
        """Probabilities of the words that are read out, and of all others together (logit 0)."""
        others = len(self.model.tokenizer) - len(logits)
        weights = np.exp(np.array([*logits.values(), np.log(others)]))
        return weights / weights.sum()


def _times(add: Add, dose: float) -> dict[str, float]:
    return {name: dose * amount for name, amount in add.items()}


def _divergence(p: Floats, q: Floats) -> float:
    return float((p * np.log(p / q)).sum())


def _beside(room: float, near: float) -> bool | None:
    """True where there is room to the limit, False where it is overstepped, None near it."""
    return None if abs(room) < near else bool(room > 0)
