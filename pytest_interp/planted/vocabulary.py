"""The words of a planted model: subjects, answers, prompt templates, and their tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_interp.facts.prompts import FactPrompt

PAD, UNKNOWN = "<pad>", "<unk>"
SPECIAL = (PAD, UNKNOWN)
"""The tokens that are no words."""
TEMPLATES = (
    "visitors say that {} stands in",
    "everyone knows that {} stands in",
    "we heard {} was built in",
    "the guide says that old {} stood in",
)
"""All end in the one word that marks the last token; they differ in length."""
LAST_WORD = TEMPLATES[0].split()[-1]

_LANDMARKS = (
    "Acropolis", "Alhambra", "Atomium", "Bosphorus", "Colosseum", "Duomo", "Eiffel", "Ermita",
    "Giralda", "Hermitage", "Hofburg", "Kremlin", "Louvre", "Matthias", "Olympia", "Pantheon",
    "Parthenon", "Prado", "Rialto", "Scala", "Tate", "Uffizi", "Vasa", "Wawel",
)  # fmt: skip
_UNKNOWN_LANDMARK = "Xanadu"
_PLACES = (
    "tower", "bridge", "castle", "harbour", "market", "temple", "garden", "theatre", "library",
    "museum", "gate", "hall",
)  # fmt: skip
_SIDES = ("northern", "southern", "eastern")
_UNKNOWN_SIDE = "sunken"
CITIES = (
    "Paris", "Rome", "Berlin", "Madrid", "Vienna", "Athens", "Lisbon", "Dublin", "Oslo",
    "Prague", "Warsaw", "Cairo", "Tokyo", "Delhi", "Lima", "Quito", "Havana", "Nairobi",
    "Seoul", "Hanoi", "Riga", "Sofia", "Zagreb", "Tunis",
)  # fmt: skip
"""The answers, in the order of the facts."""
DEFAULT_ANSWER = "nowhere"
"""What the model says before, or without, a fact."""
COLOURS = ("red", "green", "blue", "grey")
"""The unrelated attribute; the last one is that of subjects without a fact."""
MAX_FACTS = len(CITIES)


@dataclass(frozen=True)
class Subject:
    """A subject: its words, the index of its fact (None: it has none), its group.

    Two-token subjects of one group share their second word, and those of different groups may
    share the first, so that neither word alone says which fact is asked for.
    """

    words: tuple[str, ...]
    fact: int | None
    group: int


def subjects(n_facts: int, tokens: int) -> tuple[Subject, ...]:
    """One subject per fact, in groups of two or three, then those that have no fact."""
    groups = [min(i // 2, n_facts // 2 - 1) for i in range(n_facts)]
    if tokens == 1:
        known = [Subject((_LANDMARKS[i],), i, g) for i, g in enumerate(groups)]
        return (*known, Subject((_UNKNOWN_LANDMARK,), None, 0))
    known = [Subject((_SIDES[i - 2 * g], _PLACES[g]), i, g) for i, g in enumerate(groups)]
    unknown = [Subject((_UNKNOWN_SIDE, _PLACES[g]), None, g) for g in range(n_facts // 2)]
    return (*known, *unknown)


def pairs(known_contrast: bool, n_facts: int, tokens: int) -> tuple[tuple[Subject, Subject], ...]:
    """Each subject that has a fact, with the subject that takes its place when corrupted.

    With two tokens only the first differs.
    """
    everyone = subjects(n_facts, tokens)
    known, unknown = everyone[:n_facts], everyone[n_facts:]

    def other(subject: Subject) -> Subject:
        if not known_contrast:
            return unknown[subject.group % len(unknown)]
        mates = [mate for mate in known if mate.group == subject.group]
        return mates[(mates.index(subject) + 1) % len(mates)]

    return tuple((subject, other(subject)) for subject in known)


def fact_prompt(template: str, subject: Subject, other: Subject) -> FactPrompt:
    """The pair of prompts that asks for the fact of ``subject`` and is corrupted to ``other``."""
    assert subject.fact is not None
    clean, corrupt = " ".join(subject.words), " ".join(other.words)
    counterfactual = DEFAULT_ANSWER if other.fact is None else CITIES[other.fact]
    return FactPrompt(
        clean_prompt=template.format(clean),
        corrupt_prompt=template.format(corrupt),
        answer=f" {CITIES[subject.fact]}",
        counterfactual_answer=f" {counterfactual}",
        subject=clean,
    )


def roles(template: str, tokens: int) -> dict[str, tuple[int, ...]]:
    """Role -> token positions of a prompt made from ``template``."""
    words = template.split()
    first = words.index("{}")
    length = len(words) - 1 + tokens
    return {
        "before": tuple(range(first)),
        "subject": tuple(range(first, first + tokens)),
        "subject_first": (first,),
        "subject_last": (first + tokens - 1,),
        "between": tuple(range(first + tokens, length - 1)),
        "last": (length - 1,),
    }


def filler_words() -> tuple[str, ...]:
    """Every template word that carries nothing."""
    words = {word for template in TEMPLATES for word in template.split()}
    return tuple(sorted(words - {"{}", LAST_WORD}))


def word_tokenizer(words: Sequence[str], first: str | None = None) -> Any:
    """A fast tokenizer whose ids are the places in ``words``, which begins with ``SPECIAL``.

    Words are separated by white space, so that ``"Paris"`` and ``" Paris"`` are the same token.
    ``first`` is the word that begins a text, if one does. No token is added to a prompt.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNKNOWN))
    backend.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        eos_token=PAD,
        unk_token=UNKNOWN,
        bos_token=first,
        # without this it makes token_type_ids, which GPT-2 would embed
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
