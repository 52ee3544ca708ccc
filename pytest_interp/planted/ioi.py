"""A planted model of the indirect-object task: of two names, one repeated, say the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from pytest_interp.errors import ExperimentError
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.planted.circuits import (
    ANSWER_SCORE,
    DEFAULT_SCORE,
    CircuitModel,
    Sizes,
    built,
)
from pytest_interp.planted.mechanism import Features, Mechanism, Mover, Rule
from pytest_interp.planted.told_prompts import PERSONS
from pytest_interp.planted.told_variants import MASS
from pytest_interp.planted.vocabulary import DEFAULT_ANSWER

TEMPLATES = (
    "when {a} and {b} went home last night {s} gave it to",
    "then {a} with {b} had a long lunch {s} passed salt to",
    "after {a} met old {b} in town today {s} sold books to",
    "soon {a} and also {b} left for work {s} sent news to",
)
"""Two names, then the subject, who is one of them. All have twelve words."""
LAST_WORD = "to"
SUBJECT, MOVER, ANSWERED, BACKUP, NEGATIVE = (
    "subject",
    "name mover",
    "answered",
    "backup",
    "negative",
)
BACKUP_SCORE, NEGATIVE_SCORE = 10.0, -4.0
"""Logits of the name that the backup and the negative head write, next to 16 of the name mover."""


def planted_ioi_model(
    arch: str = "gpt2",
    *,
    first_layer: int = 1,
    backup: bool = True,
    negative: bool = True,
    n_layers: int = 6,
    n_names: int = 8,
    d_model: int | None = None,
    seed: int = 0,
) -> CircuitModel:
    """Build a model that answers with the name that was not repeated.

    The circuit is that of Wang et al. 2022 (arXiv:2211.00593), in its simplest form. All of it is
    at the last token, in layers that follow one another from ``first_layer`` on:

    1. the *subject* head reads the last name of the prompt, which is the repeated one, and writes
       that it is to be left alone (S-inhibition);
    2. the *name mover* reads the last name that is not inhibited, and writes it as the answer. The
       MLP of its layer notes that there is one (*answered*);
    3. the *backup* does as the name mover does, unless it is noted that there is an answer;
    4. the *negative* head reads the same name, and writes against it.

    The repeated name is found by its place, not by its repetition: there is no duplicate-token
    head. Without the subject head the name mover reads the subject. All other heads and neurons are
    distractors.

    Args:
        arch: ``gpt2``, ``qwen3`` or ``llama``.
        first_layer: layer of the subject head.
        backup: whether there is a backup, and the note that keeps it silent.
        negative: whether there is a negative head.
        n_layers: depth, at least four layers from ``first_layer`` on.
        n_names: number of names, 6 to 24.
        d_model: width; by default the smallest multiple of 16 that fits.
        seed: seed of all random choices.

    Raises:
        UnknownNameError: an unknown architecture.
        ExperimentError: sizes or layers into which the mechanism does not fit.
    """
    if not 0 <= first_layer <= n_layers - 4:
        raise ExperimentError(
            f"first_layer={first_layer} does not fit in {n_layers} layers: the circuit takes four"
        )
    if not 6 <= n_names <= len(PERSONS):
        raise ExperimentError(f"n_names is {n_names}; it must be 6 to {len(PERSONS)}")
    sizes = Sizes(arch, n_layers, d_model, seed)
    rng, names = sizes.rng(), PERSONS[:n_names]
    plan = Mechanism(
        n_layers=n_layers,
        n_heads=sizes.n_heads,
        words=_words(names),
        movers=tuple(_movers(names, first_layer, backup, negative, sizes.heads(rng, 4))),
        rules=tuple(
            Rule(ANSWERED, first_layer + 1, "last", (f"answer:{name}",), 1, "answered")
            for name in names
            if backup
        ),
        readout={
            name: {
                f"answer:{name}": ANSWER_SCORE,
                f"backup:{name}": BACKUP_SCORE,
                f"suppress:{name}": NEGATIVE_SCORE,
            }
            for name in names
        }
        | {DEFAULT_ANSWER: {"default": DEFAULT_SCORE}},
    )
    return built(plan, sizes, rng, _facts(names, rng), _reference(names), tolerance=0.25)


def _words(names: tuple[str, ...]) -> dict[str, Features]:
    used = {word for template in TEMPLATES for word in template.split()}
    found = dict.fromkeys(sorted(used - {"{a}", "{b}", "{s}"}), frozenset({"constant"}))
    found[LAST_WORD] = frozenset({"constant", "last", "default"}) | MASS
    return found | {name: frozenset({"constant", "word", f"is:{name}"}) for name in names}


def _movers(
    names: tuple[str, ...], layer: int, backup: bool, negative: bool, heads: list[int]
) -> Iterator[Mover]:
    def to(kind: str) -> dict[str, str]:
        return {f"is:{name}": f"{kind}:{name}" for name in names}

    left = {(f"inhibit:{name}", f"is:{name}"): -1.0 for name in names}
    subject, mover, spare, against = heads
    # every name counts the same to the subject head, and the last one is read
    every = {("last", "word"): 1.0}
    yield Mover(SUBJECT, layer, subject, "last", "word", to("inhibit"), recent=True, weighs=every)
    yield Mover(MOVER, layer + 1, mover, "last", "word", to("answer"), recent=True, weighs=left)
    if backup:
        yield Mover(
            BACKUP, layer + 2, spare, "last", "word", to("backup"), unless=("answered",),
            recent=True, weighs=left,
        )  # fmt: skip
    if negative:
        yield Mover(
            NEGATIVE, layer + 3, against, "last", "word", to("suppress"), recent=True, weighs=left
        )


def _facts(names: tuple[str, ...], rng: np.random.Generator) -> FactSet:
    """Two neighbours in each template, each of them once the subject; the corrupt twin swaps them.

    Which of them stands first is drawn.
    """
    found = []
    for t, template in enumerate(TEMPLATES):
        for i, name in enumerate(names):
            pair = [name, names[(i + 1 + t) % len(names)]]
            a, b = (str(one) for one in rng.permutation(pair))
            subject, other = pair
            prompt = FactPrompt(
                clean_prompt=template.format(a=a, b=b, s=subject),
                corrupt_prompt=template.format(a=a, b=b, s=other),
                answer=f" {other}",
                counterfactual_answer=f" {subject}",
            )
            found.append(Fact(f"{t}-{name}", f"template-{t}", prompt))
    return FactSet("planted indirect objects", tuple(found))


def _reference(names: tuple[str, ...]) -> list[str]:
    """Each name equally often the subject and the other one, so that a mean prefers none."""
    pairs = [(name, names[(i + 1) % len(names)]) for i, name in enumerate(names)]
    orders = itertools.product(enumerate(pairs), (0, 1))
    return [
        TEMPLATES[i % len(TEMPLATES)].format(a=pair[0], b=pair[1], s=pair[subject])
        for (i, pair), subject in orders
    ]
