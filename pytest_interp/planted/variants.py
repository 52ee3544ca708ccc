"""From the parameters of a planted model to its mechanism. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted import vocabulary
from pytest_interp.planted.mechanism import Features, Mechanism, Mover, Rule

Variant = Literal[
    "basic",
    "stored_twice",
    "split",
    "backup_head",
    "distractor_mlp",
    "unknown_fact",
    "shuffled_weights",
]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
Contrast = Literal["known", "unknown"]

ANSWER_SCORE = 16.0
DEFAULT_SCORE = 6.0
"""Logits at the last token, before the final norm shrinks them by the other features there."""


@dataclass(frozen=True)
class Parameters:
    """Everything that a planted model is made from; see :func:`planted_model` for the meanings."""

    arch: str
    variant: Variant
    store_layer: int
    read_layer: int
    subject_tokens: int
    contrast: Contrast
    n_layers: int
    n_facts: int
    d_model: int | None
    seed: int

    @property
    def store_layers(self) -> tuple[int, ...]:
        """Layers whose MLPs hold the fact."""
        if self.variant == "unknown_fact":
            return ()
        n = 2 if self.variant in ("stored_twice", "split") else 1
        return tuple(range(self.store_layer, self.store_layer + n))

    def check(self) -> None:
        """Raise unless the parameters describe a mechanism that fits.

        Raises:
            UnknownNameError: an unknown variant or contrast.
            ExperimentError: layers out of order or outside the model, or too many facts.
        """
        for what, names in (("variant", VARIANTS), ("contrast", get_args(Contrast))):
            if (name := getattr(self, what)) not in names:
                raise UnknownNameError.of(what, name, names)
        if self.subject_tokens not in (1, 2):
            raise ExperimentError(f"subject_tokens is {self.subject_tokens}; it must be 1 or 2")
        if not 2 <= self.n_facts <= vocabulary.MAX_FACTS:
            raise ExperimentError(
                f"n_facts is {self.n_facts}; it must be 2 to {vocabulary.MAX_FACTS}, "
                "the number of subjects and answers in the vocabulary"
            )
        last_store = max(self.store_layers, default=self.store_layer)
        last_read = self.read_layer + (self.variant == "backup_head")
        if not 0 <= self.store_layer <= last_store < self.read_layer <= last_read < self.n_layers:
            raise ExperimentError(
                f"variant {self.variant!r} with store_layer={self.store_layer} and "
                f"read_layer={self.read_layer} does not fit in {self.n_layers} layers: the fact is "
                f"stored up to layer {last_store}, must be read later, and the last reading layer "
                f"({last_read}) must be at most {self.n_layers - 1}"
            )


def mechanism(p: Parameters, n_heads: int, rng: np.random.Generator) -> Mechanism:
    """The mechanism of a variant; which head of a layer does the work is drawn from ``rng``."""
    subjects = vocabulary.subjects(p.n_facts, p.subject_tokens)
    readout = {vocabulary.CITIES[i]: {f"answer:{i}": ANSWER_SCORE} for i in range(p.n_facts)}
    readout[vocabulary.DEFAULT_ANSWER] = {"default": DEFAULT_SCORE}
    if p.variant == "distractor_mlp":
        for colour in vocabulary.COLOURS:
            readout[colour] = {f"colour:{colour}": DEFAULT_SCORE}
    return Mechanism(
        n_layers=p.n_layers,
        n_heads=n_heads,
        words=_words(subjects),
        movers=tuple(_movers(p, subjects, n_heads, rng)),
        rules=tuple(_rules(p, subjects)),
        readout=readout,
    )


def _words(subjects: tuple[vocabulary.Subject, ...]) -> dict[str, Features]:
    words = {word: frozenset({"constant"}) for word in vocabulary.filler_words()}
    words[vocabulary.LAST_WORD] = frozenset({"constant", "last", "default"})
    for subject in subjects:
        *first, last = subject.words
        words[last] = frozenset({"constant", "subject_last", f"is:{last}"})
        for word in first:
            words[word] = frozenset({"constant", "subject_first", f"is:{word}"})
    return words


def _keys(subject: vocabulary.Subject) -> tuple[str, ...]:
    """The features of a subject at its last token, once its first has been gathered."""
    *first, last = subject.words
    return (*(f"gathered:{word}" for word in first), f"is:{last}")


def _copies(p: Parameters, fact: int | None) -> tuple[str, ...]:
    """The attribute that each store writes."""
    return tuple(f"attribute:{c}:{_name(fact)}" for c in range(len(p.store_layers)))


def _name(fact: int | None) -> str:
    # Subjects without a fact get an attribute and an answer that no word reads, so that norms
    # are equal with and without a fact, and effects exact.
    return "none" if fact is None else str(fact)


def _rules(p: Parameters, subjects: tuple[vocabulary.Subject, ...]) -> Iterator[Rule]:
    for copy, layer in enumerate(p.store_layers):
        for subject in subjects:
            keys, writes = _keys(subject), _copies(p, subject.fact)[copy]
            yield Rule("store", layer, "subject_last", keys, len(keys), writes)
    if len(p.store_layers) == 2:
        enough = 1 if p.variant == "stored_twice" else 2
        for fact in (*range(p.n_facts), None):
            # "none" is answered exactly when no fact is
            at_least = 3 - enough if fact is None else enough
            reads, writes = _copies(p, fact), f"answer:{_name(fact)}"
            yield Rule("combine", p.read_layer, "last", reads, at_least, writes)
    if p.variant == "distractor_mlp":
        layer = p.store_layer + 1
        for subject in subjects:
            # by threes, as the groups of subjects are at most three
            index = len(vocabulary.COLOURS) - 1 if subject.fact is None else subject.fact % 3
            keys, colour = _keys(subject), vocabulary.COLOURS[index]
            yield Rule("unrelated", layer, "subject_last", keys, len(keys), f"colour:{colour}")


def _movers(
    p: Parameters, subjects: tuple[vocabulary.Subject, ...], n_heads: int, rng: np.random.Generator
) -> Iterator[Mover]:
    def head() -> int:
        return int(rng.integers(n_heads))

    if p.subject_tokens == 2:
        layer = max(p.store_layer - 1, 0)
        moves = {f"is:{s.words[0]}": f"gathered:{s.words[0]}" for s in subjects}
        yield Mover("gather", layer, head(), "subject_last", "subject_first", moves)
    facts: tuple[int | None, ...] = tuple(range(p.n_facts))
    answers = tuple(f"answer:{fact}" for fact in facts)
    if p.variant != "backup_head":  # there, a "none" from the first head would join the answer
        facts = (*facts, None)
    if len(p.store_layers) == 2:
        moves = {copy: copy for fact in facts for copy in _copies(p, fact)}
    else:
        moves = {f"attribute:0:{_name(fact)}": f"answer:{_name(fact)}" for fact in facts}
    yield Mover("read", p.read_layer, head(), "last", "subject_last", moves)
    if p.variant == "backup_head":
        layer = p.read_layer + 1
        yield Mover("backup", layer, head(), "last", "subject_last", moves, unless=answers)
