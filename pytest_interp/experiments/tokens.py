"""The tokens of facts and prompts: the model has each of them, and no two are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import PromptError
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact, tokenize_fact

Ids = tuple[int, ...]


def tokenized(adapter: ModelAdapter, fact: FactPrompt) -> TokenizedFact:
    """A fact by the tokenizer of a model.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks
            a token, as one that was added to the tokenizer beyond the embedding.
    """
    found = tokenize_fact(fact, adapter.tokenizer)
    used = (*found.clean_ids, *found.corrupt_ids, found.answer_id, found.counterfactual_id)
    adapter.as_tokens([used])
    return found


def all_tokenized(adapter: ModelAdapter, facts: Iterable[FactPrompt]) -> list[TokenizedFact]:
    """The facts of a set, in their order.

    Raises:
        PromptError: as for :func:`tokenized`; or two are the same tokens, as texts may be that
            differ in a space: they raise the number of facts, and add no evidence.
    """
    found = [tokenized(adapter, fact) for fact in facts]
    first: dict[tuple[Ids, Ids], TokenizedFact] = {}
    for one in found:
        other = first.setdefault((one.clean_ids, one.corrupt_ids), one)
        if other is not one:
            raise PromptError(
                f"{other.fact.clean_prompt!r} and {one.fact.clean_prompt!r} are the same tokens "
                f"{list(one.str_tokens)}, and so are their corrupt prompts: give each fact once",
                about="facts",
            )
    return found


def must_differ(texts: Sequence[str], ids: Sequence[Ids]) -> None:
    """Raise unless no two prompts are the same tokens: each of them counts as evidence.

    Raises:
        PromptError: two are, as texts may be that differ in a space.
    """
    first: dict[Ids, str] = {}
    for text, row in zip(texts, ids, strict=True):
        if row in first:
            one, other = _where_they_differ(first[row], text)
            raise PromptError(
                f"the prompts {one!r} and {other!r} are the same {len(row)} tokens. The tokenizer "
                "may lack the words in which they differ. Give each prompt once",
                about="prompts",
            )
        first[row] = text


def _where_they_differ(*texts: str) -> list[str]:
    """What stands around the first letter that is another; short texts as they are."""
    pairs = enumerate(zip(*texts, strict=False))
    start = max(0, next((i for i, (one, other) in pairs if one != other), 0) - 40)
    return [
        f"{'...' * (start > 0)}{text[start : start + 80]}{'...' * (start + 80 < len(text))}"
        for text in texts
    ]
