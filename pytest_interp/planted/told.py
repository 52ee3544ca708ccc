"""Build a planted model that knows, or does not, whether it was told what it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.planted import told_prompts, vocabulary
from pytest_interp.planted.architectures import ARCHITECTURES, N_POSITIONS, shape_of, write
from pytest_interp.planted.blocks import CLOCK_SIZE
from pytest_interp.planted.features import Basis, random_basis
from pytest_interp.planted.graded import Graded
from pytest_interp.planted.mechanism import Mechanism
from pytest_interp.planted.told_truth import PlantedDirection, ToldTruth
from pytest_interp.planted.told_variants import ToldParameters, ToldVariant, told_mechanism
from pytest_interp.planted.wiring import ballast, compile_mechanism


@dataclass(frozen=True)
class ToldModel:
    """A model that is asked where persons live, and what is true of it."""

    module: Any
    """The Hugging Face model: evaluation mode, float32, eager attention, no gradients."""
    tokenizer: Any
    truth: ToldTruth
    parameters: ToldParameters
    mechanism: Mechanism

    def prompts(self, n: int, seed: int = 0, statements: int = 3) -> PromptSet:
        """``n`` prompts, the first half of class ``told``, the others ``untold``.

        They are balanced by person, wording, place of the statement in question and its city. The
        group is the person who is asked for.

        Raises:
            PromptError: ``n`` is odd or too small, or there are not so many different prompts.
        """
        return self.parameters.asking.prompts(n, seed, statements)

    def save(self, folder: str | Path) -> None:
        """Write model and tokenizer as ``save_pretrained`` does."""
        self.module.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def planted_told_model(
    arch: str = "gpt2",
    *,
    variant: ToldVariant = "gated",
    bit_layer: int = 3,
    read_layer: int = 4,
    gate_layer: int = 6,
    abstain_score: float = 16.0,
    n_layers: int = 8,
    n_persons: int = 16,
    n_cities: int = 8,
    d_model: int | None = None,
    seed: int = 0,
) -> ToldModel:
    """Build a model that reads who lives where, and is asked for somebody who was named or not.

    A head at layer 0 brings the person who is asked for to the last token; one at layer 1 brings
    each person to the city that is stated of them. Later heads at the last token find the city
    whose person is the one asked for, by matching queries and keys (Elhage et al. 2021, "A
    mathematical framework for transformer circuits"), or a full stop where there is none. What they
    bring back is the city (at ``read_layer``) or, from the full stop, a bit that says "untold" (at
    ``bit_layer``). The MLP at ``gate_layer`` turns the bit into abstaining, in proportion. The MLP
    at ``read_layer`` adds a guess, by person, that both beat. All other heads and neurons are
    distractors.

    Args:
        arch: ``gpt2``, ``qwen3`` or ``llama``.
        variant:
            ``gated``: as above;
            ``decoy``: nothing reads the bit; the model abstains by what the head at
            ``read_layer`` brings it in place of a city;
            ``hidden``: the model abstains where the statements are rumours, which 0.4 of the told
            prompts are and 0.6 of the others, and reads no city;
            ``two_directions``: heads at ``bit_layer`` and the next one write a bit each, and the
            gate is a step that either passes alone;
            ``surface``: those who are asked for in class ``untold`` have invented names, which
            layer 0 sees; nothing reads it, and the model reads no city;
            ``never``: nothing reads the bit, and the model guesses;
            ``none``: there is no bit and no reading of cities, only guesses;
            ``gradual``: as ``never``, but each layer from ``read_layer`` to the last brings the
            same share of the city that was told, so that its lead grows evenly.
        bit_layer: layer that writes the bit (``surface``: it is 0).
        read_layer: layer at which told prompts settle on the city, and guesses are made.
        gate_layer: layer at which untold prompts settle on abstaining.
        abstain_score: how strongly the model abstains; a city that was told scores 16. The classes
            are then equally sure of their answers, about.
        n_layers: depth.
        n_persons: number of persons, 6 to 24 (``surface``: and as many invented ones).
        n_cities: number of cities, 4 to 24.
        d_model: width; by default the smallest multiple of 16 that fits, at least 64.
        seed: seed of all random choices.

    Raises:
        UnknownNameError: an unknown architecture or variant.
        ExperimentError: sizes or layers into which the mechanism does not fit.
    """
    if arch not in ARCHITECTURES:
        raise UnknownNameError.of("planted architecture", arch, ARCHITECTURES)
    parameters = ToldParameters(
        arch=arch,
        variant=variant,
        bit_layer=bit_layer,
        read_layer=read_layer,
        gate_layer=gate_layer,
        abstain_score=abstain_score,
        n_layers=n_layers,
        n_persons=n_persons,
        n_cities=n_cities,
        d_model=d_model,
        seed=seed,
    )
    parameters.check()
    kind, rng = ARCHITECTURES[arch], np.random.default_rng(seed)
    plan = told_mechanism(parameters, kind.n_heads, rng)
    what = f"{n_persons} persons and {n_cities} cities of variant {variant!r}"
    shape = shape_of(plan, arch, d_model, what)
    basis = random_basis(plan, shape.d_model, rng)
    shipped = parameters.asking.prompts(4 * n_persons, seed)
    example = _example(plan, shipped)
    words = (*vocabulary.SPECIAL, *sorted(plan.words.keys() | plan.readout.keys()))
    matrices = compile_mechanism(plan, basis, shape, words, example, N_POSITIONS, rng)
    clock = 0 if kind.rotary else CLOCK_SIZE**2
    beside = tuple(ballast(shape, layer) + clock for layer in range(n_layers))
    graded = Graded(plan, example, kind.gated, beside)
    truth = ToldTruth(parameters, graded, _directions(parameters, plan, basis), shipped)
    return ToldModel(
        write(arch, matrices, rng), vocabulary.word_tokenizer(words), truth, parameters, plan
    )


def _example(plan: Mechanism, shipped: PromptSet) -> tuple[str, ...]:
    """A prompt that abstains, where any does: norms are exact where they decide."""
    untold = [tuple(prompt.text.split()) for prompt in shipped.of(told_prompts.UNTOLD)]
    abstaining = (text for text in untold if plan.run(text).scores[told_prompts.ABSTAIN] > 0)
    return next(abstaining, untold[0])


def _directions(p: ToldParameters, plan: Mechanism, basis: Basis) -> dict[str, PlantedDirection]:
    used = p.gate_layer if p.gates else None
    found = {name: (layer, used) for name, layer in p.bits.items()}
    if plan.readout[told_prompts.ABSTAIN]:
        found["abstain"] = (p.gate_layer if p.gates else p.read_layer, p.n_layers)
    return {
        name: PlantedDirection(name, basis.directions[name], written, read)
        for name, (written, read) in found.items()
    }
