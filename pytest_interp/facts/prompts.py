"""A fact as a pair of prompts, and the same pair as tokens.

Nothing here needs torch: a tokenizer is anything that behaves like a Hugging Face one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_interp.errors import PromptError


@dataclass(frozen=True, kw_only=True)
class FactPrompt:
    """One fact: a prompt that asks for it, and a twin whose true answer is another.

    ``answer`` and ``counterfactual_answer`` are the next tokens of the two prompts, usually with
    a leading space. ``subject`` is text inside ``clean_prompt``; without it the subject is the
    span of tokens in which the prompts differ.
    """

    clean_prompt: str
    corrupt_prompt: str | None = None
    """Not needed where the corruption is noise."""
    answer: str
    counterfactual_answer: str
    subject: str | None = None


@dataclass(frozen=True)
class TokenizedFact:
    """A :class:`FactPrompt` as one tokenizer sees it. All positions are token indices."""

    fact: FactPrompt
    clean_ids: tuple[int, ...]
    corrupt_ids: tuple[int, ...]
    """Empty where the fact has no corrupt prompt."""
    answer_id: int
    counterfactual_id: int
    str_tokens: tuple[str, ...]
    """The clean prompt, one string per token."""
    corrupt_str_tokens: tuple[str, ...]
    corrupted_positions: tuple[int, ...]
    """Where the two prompts differ."""
    subject_positions: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.clean_ids)


def tokenize_fact(fact: FactPrompt, tokenizer: Any) -> TokenizedFact:
    """Tokenize both prompts with the tokenizer's own defaults, and check that they can be traced.

    Raises:
        PromptError: the prompts differ in token length or not at all, the subject cannot be
            found, or an answer is not one token. The message says what to change.
    """
    clean = encode(tokenizer, fact.clean_prompt)
    corrupt = () if fact.corrupt_prompt is None else encode(tokenizer, fact.corrupt_prompt)
    clean_text, corrupt_text = str_tokens(tokenizer, clean), str_tokens(tokenizer, corrupt)
    if corrupt and len(clean) != len(corrupt):
        raise PromptError(
            f"the prompts differ in length: {len(clean)} tokens {list(clean_text)} against "
            f"{len(corrupt)} tokens {list(corrupt_text)}. Patching aligns them token by token: "
            "choose a corrupt subject with as many tokens as the clean one",
            about="corrupt_prompt",
        )
    differing = tuple(i for i, (a, b) in enumerate(zip(clean, corrupt, strict=False)) if a != b)
    if corrupt and not differing:
        raise PromptError(
            f"the clean and the corrupt prompt are the same tokens {list(clean_text)}: "
            "replace the subject in corrupt_prompt, so that there is something to restore",
            about="corrupt_prompt",
        )
    answer_id = single_token(tokenizer, fact.answer, "answer")
    counterfactual_id = single_token(tokenizer, fact.counterfactual_answer, "counterfactual_answer")
    if answer_id == counterfactual_id:
        raise PromptError(
            f"answer {fact.answer!r} and counterfactual_answer {fact.counterfactual_answer!r} are "
            "the same token: the difference of their logits is always 0; give two answers",
            about="counterfactual_answer",
        )
    return TokenizedFact(
        fact=fact,
        clean_ids=clean,
        corrupt_ids=corrupt,
        answer_id=answer_id,
        counterfactual_id=counterfactual_id,
        str_tokens=clean_text,
        corrupt_str_tokens=corrupt_text,
        corrupted_positions=differing,
        subject_positions=_subject_positions(fact, tokenizer, clean, differing),
    )


def encode(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Token ids of a text, by the tokenizer's own defaults (BOS included where it adds one).

    Raises:
        PromptError: the text has no token.
    """
    ids = tuple(int(i) for i in tokenizer(text)["input_ids"])
    if not ids:
        raise PromptError(f"the prompt {text!r} has no token: give a text that is not empty")
    return ids


def str_tokens(tokenizer: Any, ids: Sequence[int]) -> tuple[str, ...]:
    """Each token as text."""
    return tuple(str(tokenizer.decode([i], clean_up_tokenization_spaces=False)) for i in ids)


def single_token(tokenizer: Any, text: str, what: str = "answer") -> int:
    """The id of a text that must be exactly one token.

    Raises:
        PromptError: it is none or several; the message shows them and the usual cause.
    """
    ids = tuple(int(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"])
    if len(ids) == 1:
        return ids[0]
    pieces = list(str_tokens(tokenizer, ids))
    message = f"{what} {text!r} is {len(ids)} tokens {pieces}, and must be exactly one."
    spaced = " " + text.strip()
    if text != spaced and len(tokenizer(spaced, add_special_tokens=False)["input_ids"]) == 1:
        raise PromptError(f"{message} With its leading space it is one: use {spaced!r}", about=what)
    raise PromptError(f"{message} Choose an answer that this tokenizer keeps whole", about=what)


def _subject_positions(
    fact: FactPrompt, tokenizer: Any, ids: tuple[int, ...], differing: tuple[int, ...]
) -> tuple[int, ...]:
    if fact.subject is None and fact.corrupt_prompt is None:
        raise PromptError(
            f"{fact.clean_prompt!r} has neither a corrupt_prompt nor a subject: give the subject, "
            "a text inside the clean prompt",
            about="subject",
        )
    if fact.subject is None:
        return tuple(range(differing[0], differing[-1] + 1))
    text, subject = fact.clean_prompt, fact.subject.strip()
    starts = [i for i in range(len(text)) if subject and text.startswith(subject, i)]
    if not starts:
        raise PromptError(
            f"the subject {fact.subject!r} does not occur in the clean prompt {text!r}: copy it "
            "from there, letter by letter",
            about="subject",
        )
    spans = _token_spans(tokenizer, text, ids)
    found = [
        tuple(i for i, (a, b) in enumerate(spans) if a < start + len(subject) and start < b)
        for start in starts
    ]
    # of several occurrences, the one that the corruption touches is meant
    touched = [positions for positions in found if set(positions) & set(differing)]
    positions = (touched or found)[0]
    if not positions:
        raise PromptError(f"no token of {text!r} covers the subject {subject!r}", about="subject")
    return positions


def _token_spans(tokenizer: Any, text: str, ids: tuple[int, ...]) -> list[tuple[int, int]]:
    """Character range of every token; special tokens cover nothing."""
    if getattr(tokenizer, "is_fast", False):
        mapping = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        return [(int(a), int(b)) for a, b in mapping]
    ends = [len(tokenizer.decode(ids[: i + 1], skip_special_tokens=True)) for i in range(len(ids))]
    return list(zip([0, *ends[:-1]], ends, strict=True))
