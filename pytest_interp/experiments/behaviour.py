"""What a model says on labelled prompts, and classes by what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import PromptError
from pytest_interp.experiments.batching import by_length, rows_in_budget
from pytest_interp.experiments.features import abstaining_ids, encoded
from pytest_interp.facts.labelled import LabelledPrompt, PromptSet
from pytest_interp.facts.prompts import str_tokens
from pytest_interp.facts.sets import FactSet

KNOWN, UNKNOWN, OTHER_ATTRIBUTE = "known", "unknown", "other attribute"
WORDINGS_AT_LEAST = 2
"""Wordings in which a model has to be right: one right answer may be a matter of the wording."""


@dataclass(frozen=True)
class Said:
    """What a model says next after one prompt."""

    prompt: LabelledPrompt
    token: str
    """The top token."""
    probability: float
    """Of the top token; NaN where the logits are not finite."""
    abstains: bool
    """Whether the top token is one of the abstaining ones."""
    right: bool | None
    """Whether the top token is the answer; None where the prompt has none."""


def say(adapter: ModelAdapter, prompts: PromptSet) -> tuple[Said, ...]:
    """What a model says on every prompt, in their order, in batches of one length.

    Raises:
        PromptError: an answer or an abstaining token is not one token, or the tokenizer has no chat
            template.
    """
    abstaining = set(abstaining_ids(adapter, prompts))
    answers = [None if p.answer is None else adapter.answer_id(p.answer) for p in prompts]
    ids = encoded(adapter, prompts)
    found: dict[int, Said] = {}
    for members in by_length(list(map(len, ids)), lambda n: rows_in_budget(adapter, n)):
        logits = adapter.run([ids[i] for i in members]).logits[:, -1].float()
        top = logits.argmax(-1).tolist()
        best = logits.softmax(-1).amax(-1).tolist()
        texts = str_tokens(adapter.tokenizer, top)
        for i, token, text, probability in zip(members, top, texts, best, strict=True):
            # an undefined number has a top token, too, which means nothing
            defined = probability == probability
            right = None if answers[i] is None else defined and token == answers[i]
            abstains = defined and token in abstaining
            found[i] = Said(prompts.prompts[i], text, probability, abstains, right)
        progress.report(f"asking {adapter.name}", len(found), len(prompts))
    return tuple(found[i] for i in range(len(prompts)))


def right_by_group(said: Sequence[Said]) -> dict[str, dict[str, bool]]:
    """Group -> wording -> whether some answer was right; without prompts that have no answer."""
    found: dict[str, dict[str, bool]] = {}
    for one in said:
        if one.right is not None:
            of_group = found.setdefault(one.prompt.group, {})
            wording = one.prompt.template
            of_group[wording] = of_group.get(wording, False) or one.right
    return found


def known_or_not(
    adapter: ModelAdapter, asked: PromptSet | FactSet, others: PromptSet | None = None
) -> PromptSet:
    """The prompts that a model is asked, with classes by what it says: known or unknown.

    A group is known where the top token is the answer in at least two wordings. The classes are
    those of this model: another one knows other things.

    Args:
        adapter: the model under a backend.
        asked: prompts of which each group is asked in two wordings or more; or facts, whose
            subjects are the groups. Prompts without an answer keep their class, as invented names
            do.
        others: prompts on another attribute of the same groups, as the currency of a country. Those
            of known groups make a third class; the rest are left out.

    Raises:
        PromptError: a group is asked in one wording alone, there is no answer to be right about, or
            the prompts of two groups are of one name.
    """
    prompts = _of_facts(asked) if isinstance(asked, FactSet) else asked
    wordings = right_by_group(say(adapter, prompts))
    if not wordings:
        raise PromptError(
            f"no prompt of {prompts.name!r} has an answer, so that the model cannot be right: give "
            "answers"
        )
    if few := [group for group, of in wordings.items() if len(of) < WORDINGS_AT_LEAST]:
        raise PromptError(
            f"{len(few)} groups of {prompts.name!r} are asked in one wording, as {few[0]!r}: "
            f"whether they are known takes {WORDINGS_AT_LEAST}. Add wordings, or leave them out"
        )
    known = {group for group, of in wordings.items() if sum(of.values()) >= WORDINGS_AT_LEAST}
    labelled = [
        prompt
        if prompt.answer is None
        else replace(prompt, label=KNOWN if prompt.group in known else UNKNOWN)
        for prompt in prompts
    ]
    for prompt in others or ():
        if prompt.group in known:
            labelled.append(
                replace(prompt, id=f"{OTHER_ATTRIBUTE}: {prompt.id}", label=OTHER_ATTRIBUTE)
            )
    return replace(prompts, prompts=_in_order(labelled))


def _in_order(prompts: Sequence[LabelledPrompt]) -> tuple[LabelledPrompt, ...]:
    """Known ones first: the first class of a set is the one that a probe scores high."""
    return tuple(sorted(prompts, key=lambda prompt: prompt.label != KNOWN))


def _of_facts(facts: FactSet) -> PromptSet:
    """The clean prompts of facts, each once, with the subject as the group."""
    made = {
        fact.prompt.clean_prompt: LabelledPrompt(
            id=fact.id,
            text=fact.prompt.clean_prompt,
            label=UNKNOWN,
            group=fact.prompt.subject or fact.id,
            template=fact.template,
            answer=fact.prompt.answer,
        )
        for fact in facts
    }
    return PromptSet(facts.name, tuple(made.values()))
