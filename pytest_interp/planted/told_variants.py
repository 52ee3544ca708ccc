"""From the parameters of a planted "told or not told" model to its mechanism. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted import told_prompts as words
from pytest_interp.planted.mechanism import Features, Mechanism, Mover, Rule
from pytest_interp.planted.told_prompts import Asking

ToldVariant = Literal[
    "gated", "decoy", "hidden", "two_directions", "surface", "never", "none", "gradual"
]
TOLD_VARIANTS: tuple[ToldVariant, ...] = get_args(ToldVariant)

ANSWER_SCORE, DEFAULT_SCORE = 16.0, 6.0
GUESS_SCORES = (7.0, 13.0)
"""The least and the most likely guess: what varies how sure the model is of what beats it."""
ASK_LAYER, NAME_LAYER = 0, 1
MASS = frozenset(f"mass:{i}" for i in range(24))
"""What the last token carries besides, so that a dose of four is small beside it. A gated MLP
divides by the norm twice: a dose that makes up the norm passes on less than a smaller one, so that
the response rises only until the bit is there about five times."""


@dataclass(frozen=True)
class ToldParameters:
    """What the model is made from; see :func:`planted_told_model` for the meanings."""

    arch: str
    variant: ToldVariant
    bit_layer: int
    read_layer: int
    gate_layer: int
    abstain_score: float
    n_layers: int
    n_persons: int
    n_cities: int
    d_model: int | None
    seed: int

    @property
    def asking(self) -> Asking:
        """What its prompts are drawn from."""
        return Asking(
            persons=words.PERSONS[: self.n_persons],
            cities=words.CITIES[: self.n_cities],
            invented=words.INVENTED[: self.n_persons] if self.variant == "surface" else (),
            sources=self.variant == "hidden",
        )

    @property
    def reads(self) -> bool:
        """Whether the model reads the city that it was told."""
        return self.variant not in ("hidden", "surface", "none")

    @property
    def shares(self) -> tuple[int, ...]:
        """The layers that read the city, each of which brings the same share of the answer."""
        last = self.n_layers if self.variant == "gradual" else self.read_layer + 1
        return tuple(range(self.read_layer, last))

    def answer(self, city: str, layer: int) -> str:
        """The feature by which a layer answers with a city."""
        return f"answer:{city}" if len(self.shares) == 1 else f"answer:{city}:{layer}"

    @property
    def bits(self) -> dict[str, int]:
        """The directions that carry what the variant is about -> the layer that writes each."""
        first = self.bit_layer
        return {
            "two_directions": {"untold:0": first, "untold:1": first + 1},
            "hidden": {"doubt": first},
            "surface": {"invented": ASK_LAYER},
            "none": {},
        }.get(self.variant, {"untold": first})

    @property
    def gates(self) -> bool:
        """Whether an MLP at ``gate_layer`` turns these directions into abstaining."""
        return self.variant in ("gated", "hidden", "two_directions")

    def check(self) -> None:
        """Raise unless the parameters describe a mechanism that fits.

        Raises:
            UnknownNameError: an unknown variant.
            ExperimentError: layers out of order or outside the model, too few or too many persons
                or cities, or abstaining that a guess would beat.
        """
        if self.variant not in TOLD_VARIANTS:
            raise UnknownNameError.of("variant", self.variant, TOLD_VARIANTS)
        sizes = (
            ("n_persons", self.n_persons, 6, len(words.PERSONS)),
            ("n_cities", self.n_cities, 4, len(words.CITIES)),
        )
        for name, size, least, most in sizes:
            if not least <= size <= most:
                raise ExperimentError(f"{name} is {size}; it must be {least} to {most}")
        last_bit = max(self.bits.values(), default=NAME_LAYER + 1)
        layers = (self.bit_layer, self.read_layer, self.gate_layer)
        if min(layers) <= NAME_LAYER or max(*layers, last_bit) >= self.n_layers:
            raise ExperimentError(
                f"bit_layer={self.bit_layer}, read_layer={self.read_layer} and gate_layer="
                f"{self.gate_layer} do not fit: layers 0 and 1 find out who is asked for and who "
                f"is named, so that each must be {NAME_LAYER + 1} to {self.n_layers - 1}"
            )
        if self.gates and self.gate_layer < last_bit:
            raise ExperimentError(
                f"gate_layer is {self.gate_layer}: it must be at least {last_bit}, where variant "
                f"{self.variant!r} has written what it reads"
            )
        if self.variant == "decoy" and self.read_layer == self.bit_layer:
            raise ExperimentError(
                f"bit_layer and read_layer are both {self.bit_layer}: the decoy and what makes "
                "the model abstain must be written at different layers"
            )
        if self.abstain_score <= GUESS_SCORES[1]:
            raise ExperimentError(
                f"abstain_score is {self.abstain_score:g}: it must be above {GUESS_SCORES[1]:g}, "
                "the score of the likeliest guess"
            )

    def guess(self, person: int) -> int:
        """The city that the model guesses for a person of whom it was told nothing."""
        return person % self.n_cities


def told_mechanism(p: ToldParameters, n_heads: int, rng: np.random.Generator) -> Mechanism:
    """The mechanism of a variant; which head of a layer does the work is drawn from ``rng``."""
    cities = words.CITIES[: p.n_cities]
    readout = {
        city: {p.answer(city, layer): ANSWER_SCORE / len(p.shares) for layer in p.shares}
        | {f"guess:{city}": float(score)}
        for city, score in zip(cities, np.linspace(*GUESS_SCORES, len(cities)), strict=True)
    }
    readout[words.DEFAULT_ANSWER] = {"default": DEFAULT_SCORE}
    abstains = p.gates or p.variant == "decoy"
    readout[words.ABSTAIN] = {"abstain": p.abstain_score} if abstains else {}
    return Mechanism(
        n_layers=p.n_layers,
        n_heads=n_heads,
        words=_words(p),
        movers=tuple(_movers(p, n_heads, rng)),
        rules=tuple(_rules(p)),
        readout=readout,
    )


def _words(p: ToldParameters) -> dict[str, Features]:
    asking = p.asking
    found = dict.fromkeys(words.filler_words(), frozenset({"constant"}))
    found[words.STOP] = frozenset({"constant", "stop"})
    found[words.LAST_WORD] = frozenset({"constant", "last", "default"}) | MASS
    for city in asking.cities:
        found[city] = frozenset({"constant", "city", f"city:{city}"})
    for kind, names in (("usual", asking.persons), ("invented", asking.invented)):
        look = {kind} if asking.invented else set()  # both have one, so that norms are equal
        for name in names:
            found[name] = frozenset({"constant", "person", f"person:{name}"} | look)
    for word in (words.RECORDS, words.RUMOURS) if asking.sources else ():
        found[word] = frozenset({"constant", "source", f"source:{word}"})
    return found


def _movers(p: ToldParameters, n_heads: int, rng: np.random.Generator) -> Iterator[Mover]:
    def head() -> int:
        return int(rng.integers(n_heads))

    asking = p.asking
    names = (*asking.persons, *asking.invented)
    asked = {f"person:{name}": f"asked:{name}" for name in names}
    named = {f"person:{name}": f"named:{name}" for name in names}
    look = {"invented": "invented"} if asking.invented else {}
    yield Mover("ask", ASK_LAYER, head(), "last", "person", asked | look, recent=True)
    yield Mover("name", NAME_LAYER, head(), "city", "person", named, recent=True)
    if p.variant == "hidden":
        moves = {f"source:{words.RUMOURS}": "doubt"}
        yield Mover("doubt", p.bit_layer, head(), "last", "source", moves)
    found: dict[int, dict[str, str]] = {}
    if p.reads:
        for layer in p.shares:
            found[layer] = {f"city:{city}": p.answer(city, layer) for city in asking.cities}
        for bit, layer in p.bits.items():
            found.setdefault(layer, {})["stop"] = bit
    if p.variant == "decoy":
        found[p.read_layer]["stop"] = "abstain"
    pairs = {f"asked:{name}": f"named:{name}" for name in names}
    for layer, moves in sorted(found.items()):
        yield Mover("find", layer, head(), "last", "city", moves, matches=pairs, otherwise="stop")


def _rules(p: ToldParameters) -> Iterator[Rule]:
    asking = p.asking
    for index, city in enumerate(asking.cities):
        reads = tuple(
            f"asked:{name}"
            for names in (asking.persons, asking.invented)
            for i, name in enumerate(names)
            if p.guess(i) == index
        )
        if reads:
            yield Rule("guess", p.read_layer, "last", reads, 1, f"guess:{city}")
    if p.gates:
        bits, graded = tuple(p.bits), len(p.bits) == 1
        yield Rule("gate", p.gate_layer, "last", bits, 1, "abstain", graded=graded)
