"""A planted model with an induction circuit: a previous-token head, and a head that matches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_interp.errors import ExperimentError
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.planted.circuits import ANSWER_SCORE, CircuitModel, Sizes, built
from pytest_interp.planted.mechanism import Mechanism, Mover

START = "<start>"
_FIRST = ("ba", "de", "fi", "go", "ku", "la", "me", "ni")
_SECOND = ("ton", "rek", "sil", "mur", "dap", "vos", "len", "gri")
_SIZE = len(_FIRST)
WORDS = tuple(one + other for one in _FIRST for other in _SECOND)
"""Word ``i`` is told by the digits of :func:`digits`."""
PREVIOUS, INDUCTION, DUPLICATE = "previous token", "induction", "duplicate token"
ITSELF = 0.6
"""How much the word itself counts as a match, next to 1 for the word before: a token that has no
earlier copy looks at itself."""


def digits(word: str) -> tuple[tuple[int, int], ...]:
    """Three numbers of 0 to 7, each with its place; two words share one of them, or none."""
    one, other = divmod(WORDS.index(word), _SIZE)
    return tuple(enumerate((one, other, (one + other) % _SIZE)))


def planted_induction_model(
    arch: str = "gpt2",
    *,
    previous_layer: int = 1,
    match_layer: int = 3,
    n_layers: int = 5,
    length: int = 10,
    duplicate: bool = False,
    n_facts: int = 8,
    d_model: int | None = None,
    seed: int = 0,
) -> CircuitModel:
    """Build a model that continues a sequence as it went on before.

    A head at ``previous_layer`` brings each token what the token before it is. A head at
    ``match_layer`` looks from a token to the one that follows an earlier copy of it, by matching
    what the token is with what a key was brought (k-composition; Elhage et al. 2021, "A
    mathematical framework for transformer circuits"; Olsson et al. 2022, arXiv:2209.11895), and
    copies it to the output. A token without an earlier copy looks at itself. There are 64 words.
    A prompt is "<start>" and a sequence of words without repetition, then the first half of it
    again. Without "<start>" the first word takes itself for its predecessor, so that its second
    copy looks at the first. All other heads and all MLPs are distractors.

    Args:
        arch: ``gpt2``, ``qwen3`` or ``llama``.
        previous_layer: layer of the previous-token head.
        match_layer: layer of the induction head.
        n_layers: depth.
        length: words in a sequence, 4 to 31; at least 8 with a duplicate-token head.
        duplicate: whether a head of the last layer looks from each word to its first copy. What it
            writes is read by nothing.
        n_facts: pairs of prompts. The corrupt one has another word where the answer first was.
        d_model: width; by default the smallest multiple of 16 that fits.
        seed: seed of all random choices.

    Raises:
        UnknownNameError: an unknown architecture.
        ExperimentError: sizes or layers into which the mechanism does not fit.
    """
    if not 0 <= previous_layer < match_layer < n_layers:
        raise ExperimentError(
            f"previous_layer={previous_layer} and match_layer={match_layer} do not fit in "
            f"{n_layers} layers: the head that matches comes after the other"
        )
    fewest = 8 if duplicate else 4
    if not fewest <= length <= 31:
        raise ExperimentError(f"length is {length}; it must be {fewest} to 31")
    if duplicate and match_layer == n_layers - 1:
        raise ExperimentError(
            f"match_layer is {match_layer}, the last layer, which is that of the duplicate-token "
            "head: give more n_layers"
        )
    sizes = Sizes(arch, n_layers, d_model, seed)
    rng = sizes.rng()
    previous, match, repeat = sizes.heads(rng, 3)
    same = {(f"is:{digit}", f"is:{digit}"): 1.0 for digit in _all_digits()}
    looks_back = Mover(DUPLICATE, n_layers - 1, repeat, "word", "word", {"word": "seen"},
                       weighs=same, early=True)  # fmt: skip
    plan = Mechanism(
        n_layers=n_layers,
        n_heads=sizes.n_heads,
        words=_words(),
        movers=(
            Mover(PREVIOUS, previous_layer, previous, "constant", "word", _copies("is", "before"),
                  back=1),
            Mover(INDUCTION, match_layer, match, "word", "word", _copies("is", "next"),
                  weighs=_pairs()),
            *([looks_back] if duplicate else []),
        ),
        rules=(),
        readout={
            word: {f"next:{place}:{n}": ANSWER_SCORE / 3 for place, n in digits(word)}
            for word in WORDS
        },
    )  # fmt: skip
    facts = FactSet("planted induction", tuple(_fact(i, length, rng) for i in range(n_facts)))
    reference = [_prompt(_sequence(length, rng)) for _ in range(16)]
    return built(plan, sizes, rng, facts, reference, tolerance=0.15, first=START)


def _words() -> dict[str, frozenset[str]]:
    # it has digits of its own: keys of another norm than that of a word would be read too often
    found = {START: frozenset({"constant", "start", *(f"is:{place}:start" for place in range(3))})}
    for word in WORDS:
        is_ = {f"is:{place}:{n}" for place, n in digits(word)}
        found[word] = frozenset({"constant", "word"} | is_)
    return found


def _all_digits() -> list[str]:
    return [f"{place}:{n}" for place in range(3) for n in (*range(_SIZE), "start")]


def _copies(source: str, target: str) -> dict[str, str]:
    return {f"{source}:{digit}": f"{target}:{digit}" for digit in _all_digits()}


def _pairs() -> dict[tuple[str, str], float]:
    before = {(f"is:{digit}", f"before:{digit}"): 1.0 for digit in _all_digits()}
    return before | {(f"is:{digit}", f"is:{digit}"): ITSELF for digit in _all_digits()}


def _sequence(length: int, rng: np.random.Generator) -> list[str]:
    return [str(word) for word in rng.permutation(WORDS)[:length]]


def _prompt(words: Sequence[str]) -> str:
    return " ".join((START, *words, *words[: len(words) // 2]))


def _fact(i: int, length: int, rng: np.random.Generator) -> Fact:
    words = _sequence(length, rng)
    at = length // 2
    answer, asked = words[at], words[at - 1]
    other = next(
        str(word)
        for word in rng.permutation(WORDS)
        if word not in words
        and not {*digits(word)} & {*digits(answer)}
        and not {*digits(word)} & {*digits(asked)}
    )
    corrupt = [*words[:at], other, *words[at + 1 :]]
    return Fact(
        id=f"sequence-{i}",
        template=f"sequence-{i}",
        prompt=FactPrompt(
            clean_prompt=_prompt(words),
            corrupt_prompt=_prompt(corrupt),
            answer=f" {answer}",
            counterfactual_answer=f" {other}",
        ),
    )
