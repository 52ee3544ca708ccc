"""Build a planted model: a real transformer whose mechanism is known because it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pytest_interp.errors import UnknownNameError
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.planted import vocabulary
from pytest_interp.planted.architectures import ARCHITECTURES, N_POSITIONS, shape_of, write
from pytest_interp.planted.features import random_basis
from pytest_interp.planted.mechanism import Mechanism
from pytest_interp.planted.truth import Truth
from pytest_interp.planted.variants import Contrast, Parameters, Variant, mechanism
from pytest_interp.planted.wiring import compile_mechanism


@dataclass(frozen=True)
class PlantedModel:
    """A model with its facts and what is true of them."""

    module: Any
    """The Hugging Face model: evaluation mode, float32, eager attention, no gradients."""
    tokenizer: Any
    facts: tuple[FactPrompt, ...]
    """One pair of prompts per fact, from the first template."""
    truth: Truth
    """What is true of each of ``facts``; it is the same for all."""
    parameters: Parameters
    mechanism: Mechanism

    @property
    def knows(self) -> bool:
        """The model knows its facts: clean prompts get the answer, corrupt ones the other."""
        return self.truth.stated

    def facts_in(self, template: int) -> tuple[FactPrompt, ...]:
        """The same facts, asked for by another of ``vocabulary.TEMPLATES``."""
        return _facts(self.parameters, template)

    def truth_in(self, template: int) -> Truth:
        """What is true of :meth:`facts_in`; the positions are those of that template."""
        return _truth(self.parameters, self.mechanism, template)

    def save(self, folder: str | Path) -> None:
        """Write model and tokenizer as ``save_pretrained`` does."""
        self.module.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def planted_model(
    arch: str = "gpt2",
    *,
    store_layer: int | None = None,
    read_layer: int | None = None,
    variant: Variant = "basic",
    subject_tokens: int = 1,
    contrast: Contrast = "known",
    n_layers: int = 6,
    n_facts: int = 4,
    d_model: int | None = None,
    seed: int = 0,
) -> PlantedModel:
    """Build a model that is the textbook mechanism of factual recall.

    The mechanism is that of Meng et al. 2022 (arXiv:2202.05262) and Geva et al. 2023
    (arXiv:2304.14767). An MLP at ``store_layer`` recognises the subject at its last token and
    writes its attribute. A head at ``read_layer``, at the last token, attends to the subject and
    moves the attribute there. The unembedding reads it. All other heads and neurons are
    distractors; norms, rotary positions and gates are those of the architecture. Building takes
    about a tenth of a second, without training or download, and depends on the arguments alone.

    Args:
        arch: ``gpt2``, ``qwen3`` or ``llama``.
        store_layer: layer of the storing MLP; by default a third of the depth.
        read_layer: layer of the reading head; by default two thirds of the depth.
        variant:
            ``basic``;
            ``stored_twice``: the next layer stores the fact too, either store is enough;
            ``split``: likewise, but both stores are needed;
            ``backup_head``: a head in the layer after ``read_layer`` reads the attribute when the
            first has moved none;
            ``distractor_mlp``: the layer after ``store_layer`` writes an unrelated attribute;
            ``unknown_fact``: nothing is stored;
            ``shuffled_weights``: ``basic`` with the entries of every matrix permuted.
        subject_tokens: 1 or 2. With 2, a head in the layer before ``store_layer`` (in the same
            layer, if that is 0) gathers the first token, the only one to differ when corrupted.
        contrast: ``known``: the corrupt subject is that of another fact; ``unknown``: it has
            none, and the counterfactual answer is what the model says by default. With two
            stores the two ask different questions: against a known subject either store alone
            gives one half, by symmetry.
        n_layers: depth.
        n_facts: number of facts, 2 to 24.
        d_model: width; by default the smallest multiple of 16 that fits, at least 64.
        seed: seed of all random choices.

    Raises:
        UnknownNameError: an unknown architecture, variant or contrast.
        ExperimentError: sizes into which the mechanism does not fit.
    """
    parameters = Parameters(
        arch=arch,
        variant=variant,
        store_layer=n_layers // 3 if store_layer is None else store_layer,
        read_layer=2 * n_layers // 3 if read_layer is None else read_layer,
        subject_tokens=subject_tokens,
        contrast=contrast,
        n_layers=n_layers,
        n_facts=n_facts,
        d_model=d_model,
        seed=seed,
    )
    parameters.check()
    if arch not in ARCHITECTURES:
        raise UnknownNameError.of("planted architecture", arch, ARCHITECTURES)
    rng = np.random.default_rng(seed)
    plan = mechanism(parameters, ARCHITECTURES[arch].n_heads, rng)
    what = f"{n_facts} facts of variant {variant!r}"
    shape = shape_of(plan, arch, d_model, what)
    words = (*vocabulary.SPECIAL, *sorted(plan.words.keys() | plan.readout.keys()))
    facts = _facts(parameters, 0)
    matrices = compile_mechanism(
        plan,
        random_basis(plan, shape.d_model, rng),
        shape,
        words,
        facts[0].clean_prompt.split(),
        N_POSITIONS,
        rng,
    )
    module = write(arch, matrices, rng)
    if variant == "shuffled_weights":
        _shuffle(module, seed)
    tokenizer = vocabulary.word_tokenizer(words)
    return PlantedModel(module, tokenizer, facts, _truth(parameters, plan, 0), parameters, plan)


def _facts(p: Parameters, template: int) -> tuple[FactPrompt, ...]:
    text = vocabulary.TEMPLATES[template]
    pairs = vocabulary.pairs(p.contrast == "known", p.n_facts, p.subject_tokens)
    return tuple(vocabulary.fact_prompt(text, subject, other) for subject, other in pairs)


def _truth(p: Parameters, plan: Mechanism, template: int) -> Truth:
    fact = _facts(p, template)[0]
    assert fact.corrupt_prompt is not None
    return Truth(
        mechanism=plan,
        clean=tuple(fact.clean_prompt.split()),
        corrupt=tuple(fact.corrupt_prompt.split()),
        answer=fact.answer.strip(),
        counterfactual_answer=fact.counterfactual_answer.strip(),
        positions=vocabulary.roles(vocabulary.TEMPLATES[template], p.subject_tokens),
        stated=p.variant not in ("unknown_fact", "shuffled_weights"),
        tolerance=1e-2 if p.variant == "backup_head" and p.contrast == "unknown" else 1e-4,
    )


def _shuffle(module: Any, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.dim() > 1:
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
