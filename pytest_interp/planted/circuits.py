"""What planted models of circuits share: their parts, and how they are built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.planted import vocabulary
from pytest_interp.planted.architectures import ARCHITECTURES, N_POSITIONS, shape_of, write
from pytest_interp.planted.circuit_truth import CircuitTruth
from pytest_interp.planted.features import random_basis
from pytest_interp.planted.flow import Machine
from pytest_interp.planted.mechanism import Mechanism
from pytest_interp.planted.wiring import compile_mechanism

ANSWER_SCORE, DEFAULT_SCORE = 16.0, 6.0
"""Logits at the last token, before the final norm shrinks them by the other features there."""


@dataclass(frozen=True)
class CircuitModel:
    """A model whose circuit is known, with its facts and what is true of them."""

    module: Any
    """The Hugging Face model: evaluation mode, float32, eager attention, no gradients."""
    tokenizer: Any
    facts: FactSet
    """Pairs of prompts, all of one length."""
    reference: tuple[str, ...]
    """Prompts of the same length, over which means are taken."""
    roles: Mapping[str, Component]
    """What a part does -> the head or the MLP that does it. All others are distractors."""
    machine: Machine
    tolerance: float

    @property
    def mechanism(self) -> Mechanism:
        """The description from which weights and truth are made."""
        return self.machine.mechanism

    def truth(self, fact: FactPrompt | str | int = 0) -> CircuitTruth:
        """What is true of one fact: its prompts, its id, or its number.

        Raises:
            UnknownNameError: there is no fact with this id.
        """
        if isinstance(fact, str):
            fact = self.facts.find(fact).prompt
        prompt = self.facts.prompts[fact] if isinstance(fact, int) else fact
        assert prompt.corrupt_prompt is not None
        return CircuitTruth(
            machine=self.machine,
            clean=tuple(prompt.clean_prompt.split()),
            corrupt=tuple(prompt.corrupt_prompt.split()),
            answer=prompt.answer.strip(),
            counterfactual_answer=prompt.counterfactual_answer.strip(),
            reference=tuple(tuple(text.split()) for text in self.reference),
            tolerance=self.tolerance,
        )

    def save(self, folder: str | Path) -> None:
        """Write model and tokenizer as ``save_pretrained`` does."""
        self.module.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


@dataclass(frozen=True)
class Sizes:
    """What every planted circuit may be asked for besides its own."""

    arch: str
    n_layers: int
    d_model: int | None
    seed: int

    def rng(self) -> np.random.Generator:
        """The random numbers of this model, from the beginning.

        Raises:
            UnknownNameError: an unknown architecture.
        """
        if self.arch not in ARCHITECTURES:
            raise UnknownNameError.of("planted architecture", self.arch, ARCHITECTURES)
        return np.random.default_rng(self.seed)

    def heads(self, rng: np.random.Generator, n: int) -> list[int]:
        """Which head of its layer does each part of the work."""
        return [int(head) for head in rng.integers(ARCHITECTURES[self.arch].n_heads, size=n)]

    @property
    def n_heads(self) -> int:
        """Heads in a layer."""
        return ARCHITECTURES[self.arch].n_heads


def built(
    plan: Mechanism,
    sizes: Sizes,
    rng: np.random.Generator,
    facts: FactSet,
    reference: Sequence[str],
    tolerance: float,
    first: str | None = None,
) -> CircuitModel:
    """Compile a mechanism and write it into a model. ``first`` is the word that begins a text.

    Raises:
        ExperimentError: a width into which it does not fit.
    """
    shape = shape_of(plan, sizes.arch, sizes.d_model, f"the {len(plan.movers)} heads of this model")
    basis = random_basis(plan, shape.d_model, rng)
    words = (*vocabulary.SPECIAL, *sorted(plan.words.keys() | plan.readout.keys()))
    example = tuple(facts.prompts[0].clean_prompt.split())
    matrices = compile_mechanism(plan, basis, shape, words, example, N_POSITIONS, rng)
    roles = {m.role: Component("head", m.layer, m.head) for m in plan.movers}
    roles |= {rule.role: Component("mlp_out", rule.layer) for rule in plan.rules}
    return CircuitModel(
        module=write(sizes.arch, matrices, rng),
        tokenizer=vocabulary.word_tokenizer(words, first),
        facts=facts,
        reference=tuple(reference),
        roles=roles,
        machine=Machine(plan, shape, example),
        tolerance=tolerance,
    )
