"""Prompts of the exercise on indirect objects (Wang et al. 2022), for the specs of each model."""

from collections.abc import Mapping

from pytest_interp import FactPrompt, FactSet
from pytest_interp.facts.sets import Fact

WORDINGS = {
    "store": "When {a} and {b} went to the store, {s} gave a drink to",
    "school": "Then {a} and {b} went to the school. {s} gave a ball to",
    "work": "When {a} and {b} got home from work, {s} handed the keys to",
    "garden": "While {a} and {b} sat in the garden, {s} showed a flower to",
    "cafe": "After {a} and {b} met at the cafe, {s} passed salt to",
}
NAMES = (
    *("Mary", "John", "Tom", "James", "Dan", "Martin", "Amy", "Sarah", "Anna", "Ben"),
    *("Carl", "David", "Emma", "Frank", "George", "Henry", "Jack", "Kate", "Laura", "Mark"),
)
OTHERS = (
    *("Brian", "Steve", "Jason", "Adam", "Eric", "Alex", "Ryan", "Grace", "Helen", "Julia"),
    *("Maria", "Sam", "Max", "Leo", "Ruth"),
)
FIRST, SECOND = "first", "second"


def indirect_objects(*orders: str, wordings: Mapping[str, str] = WORDINGS) -> FactSet:
    """Ten pairs of names, each in one wording; the answer stands ``FIRST`` or ``SECOND``.

    The first of the orders holds for the first five pairs, the other one for the rest. The repeated
    name is the only token in which the twins differ: the subject of the fact.
    """
    facts = []
    for i, (io, s) in enumerate(zip(NAMES[::2], NAMES[1::2], strict=True)):
        wording = list(wordings)[i % 5]
        a, b = (io, s) if orders[i // 5] == FIRST else (s, io)
        made = wordings[wording].format
        prompt = FactPrompt(
            clean_prompt=made(a=a, b=b, s=s),
            corrupt_prompt=made(a=a, b=b, s=io),
            answer=f" {io}",
            counterfactual_answer=f" {s}",
        )
        facts.append(Fact(f"{wording}-{io}-{s}", wording, prompt))
    return FactSet("indirect objects", tuple(facts))


def three_names(wordings: Mapping[str, str] = WORDINGS) -> tuple[str, ...]:
    """A prompt in each wording that repeats no name: what ablated activations are replaced by."""
    return tuple(
        text.format(a=OTHERS[3 * i], b=OTHERS[3 * i + 1], s=OTHERS[3 * i + 2])
        for i, text in enumerate(wordings.values())
    )
