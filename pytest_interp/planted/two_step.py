"""A planted model in which one head writes what a single input of another part reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from pytest_interp.errors import ExperimentError, UnknownNameError
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
from pytest_interp.planted.told_variants import MASS
from pytest_interp.planted.vocabulary import CITIES, DEFAULT_ANSWER, subjects

Through = Literal["query", "key", "value", "mlp"]
TEMPLATES = ("guide says {} . is it {} ? answer:", "they chose {} . was it {} ? answer:")
"""A subject, then all the cities."""
SENDER, RECEIVER = "sender", "receiver"
_MAX_PAIRS = 8


def planted_two_step_model(
    arch: str = "gpt2",
    *,
    through: Through = "query",
    sender_layer: int = 1,
    receiver_layer: int = 3,
    n_layers: int = 5,
    n_pairs: int = 4,
    d_model: int | None = None,
    seed: int = 0,
) -> CircuitModel:
    """Build a model that says which of the cities that it is shown goes with a subject.

    A *sender* head reads the subject, and writes what one input of the *receiver* alone reads:

    - ``query``: the last token is told the subject; a head there looks for the city of it;
    - ``key``: the city of the subject is marked; a head at the last token looks for the mark;
    - ``value``: the question mark is told the subject; a head at the last token reads there what to
      answer;
    - ``mlp``: the last token is told the subject; an MLP answers.

    A receiver that finds nothing to match reads the last city. All other heads and neurons are
    distractors.

    Args:
        arch: ``gpt2``, ``qwen3`` or ``llama``.
        through: the input of the receiver.
        sender_layer: layer of the sender.
        receiver_layer: layer of the receiver.
        n_layers: depth.
        n_pairs: subjects and cities, 3 to 8.
        d_model: width; by default the smallest multiple of 16 that fits.
        seed: seed of all random choices.

    Raises:
        UnknownNameError: an unknown architecture or input.
        ExperimentError: sizes or layers into which the mechanism does not fit.
    """
    if through not in get_args(Through):
        raise UnknownNameError.of("input of the receiver", through, get_args(Through))
    if not 0 <= sender_layer < receiver_layer < n_layers:
        raise ExperimentError(
            f"sender_layer={sender_layer} and receiver_layer={receiver_layer} do not fit in "
            f"{n_layers} layers: the receiver comes after the sender"
        )
    if not 3 <= n_pairs <= _MAX_PAIRS:
        raise ExperimentError(f"n_pairs is {n_pairs}; it must be 3 to {_MAX_PAIRS}")
    sizes = Sizes(arch, n_layers, d_model, seed)
    rng = sizes.rng()
    pairs = tuple(zip((s.words[0] for s in subjects(n_pairs, 1)), CITIES[:n_pairs], strict=False))
    sender, receiver = sizes.heads(rng, 2)
    reads, answers = _movers(through, pairs, (sender_layer, sender), (receiver_layer, receiver))
    plan = Mechanism(
        n_layers=n_layers,
        n_heads=sizes.n_heads,
        words=_words(pairs, through),
        movers=(reads, answers) if answers else (reads,),
        rules=tuple(
            Rule(RECEIVER, receiver_layer, "last", (f"asked:{subject}",), 1, f"answer:{city}")
            for subject, city in pairs
            if through == "mlp"
        ),
        readout={city: {f"answer:{city}": ANSWER_SCORE} for _, city in pairs}
        | {DEFAULT_ANSWER: {"default": DEFAULT_SCORE}},
    )
    facts = FactSet("planted two steps", tuple(_facts(pairs)))
    reference = [
        _prompt(template, subject, pairs) for template in TEMPLATES for subject, _ in pairs
    ]
    return built(plan, sizes, rng, facts, reference, tolerance=0.5)


Pairs = tuple[tuple[str, str], ...]


def _words(pairs: Pairs, through: Through) -> dict[str, Features]:
    used = {word for template in TEMPLATES for word in template.split()} - {"{}"}
    found = {word: frozenset({"constant"}) for word in sorted(used)}
    found["."] = frozenset({"constant", "stop", "end"})  # of the norm of a subject
    found["?"] = frozenset({"constant", "mark"})
    found["answer:"] = frozenset({"constant", "last", "default"})
    if (
        through != "key"
    ):  # there the sender looks from all tokens alike, and must shun from this one
        found["answer:"] |= MASS
    for subject, city in pairs:
        found[subject] = frozenset({"constant", "subject_last", f"is:{subject}"})
        found[city] = frozenset({"constant", "option", f"city:{city}"})
    return found


def _movers(
    through: Through, pairs: Pairs, sender: tuple[int, int], receiver: tuple[int, int]
) -> tuple[Mover, Mover | None]:
    def named(source: str, target: str) -> dict[str, str]:
        return {f"{source}:{subject}": f"{target}:{subject}" for subject, _ in pairs}

    default = {("last", f"city:{pairs[-1][1]}"): 0.3}
    cities = {f"city:{city}": f"answer:{city}" for _, city in pairs}
    # by what the last token, which carries much, finds what it reads
    subject, mark = {("last", "subject_last"): 1.0}, {("last", "mark"): 1.0}
    asking = Mover(SENDER, *sender, "last", "subject_last", named("is", "asked"), weighs=subject)
    if through == "mlp":
        return asking, None
    if through == "query":
        by = default | {(f"asked:{subject}", f"city:{city}"): 1.0 for subject, city in pairs}
        return asking, Mover(RECEIVER, *receiver, "last", "option", cities, weighs=by)
    if through == "key":
        # the others are marked as well, so that what their values are divided by is the same
        marking = Mover(
            SENDER, *sender, "option", "subject_last", {"subject_last": "chosen", "stop": "not"},
            matches={f"city:{city}": f"is:{subject}" for subject, city in pairs}, otherwise="stop",
        )  # fmt: skip
        by = default | {("last", "chosen"): 1.0}
        return marking, Mover(RECEIVER, *receiver, "last", "option", cities, weighs=by)
    carrying = Mover(SENDER, *sender, "mark", "subject_last", named("is", "carried"))
    answers = {f"carried:{subject}": f"answer:{city}" for subject, city in pairs}
    return carrying, Mover(RECEIVER, *receiver, "last", "mark", answers, weighs=mark)


def _prompt(template: str, subject: str, pairs: Pairs) -> str:
    return template.format(subject, " ".join(city for _, city in pairs))


def _facts(pairs: Pairs) -> Iterator[Fact]:
    for t, template in enumerate(TEMPLATES):
        for i, (subject, city) in enumerate(pairs):
            for step in (1, 2):
                other, other_city = pairs[(i + step) % len(pairs)]
                yield Fact(
                    f"{t}-{subject}-{other}",
                    f"template-{t}",
                    FactPrompt(
                        clean_prompt=_prompt(template, subject, pairs),
                        corrupt_prompt=_prompt(template, other, pairs),
                        answer=f" {city}",
                        counterfactual_answer=f" {other_city}",
                        subject=subject,
                    ),
                )
