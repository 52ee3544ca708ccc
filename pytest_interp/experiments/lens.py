"""The logit lens: what would the model predict if it stopped after this layer?

nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import FINAL_NORM, RESID_POST, Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ArgumentError, ExperimentError
from pytest_interp.experiments.batching import READ, by_length, rows_in_budget
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.tolerances import float_tolerance


def logit_lens(
    adapter: ModelAdapter,
    prompt: str | FactPrompt,
    answer: str | None = None,
    position: int = -1,
    layers: Iterable[int] | None = None,
) -> LensResult:
    """Read every layer's residual stream through the model's own final norm and unembedding.

    One forward pass: at the input of the final norm the residual streams of all layers join as
    further rows, so that the norm, the head and any soft-cap are the model's own modules.

    Args:
        adapter: the model under a backend.
        prompt: the text; or a fact, of which the clean prompt and its answer are read.
        answer: the next token, usually with a leading space; a fact has its own.
        position: token index to read; negative ones count from the end.
        layers: layers to read (their ``resid_post``). All are the default.

    Raises:
        PromptError: the answer is not one token.
        ArgumentError: a text without an answer, or a fact with another one.
        ExperimentError: the prompt has no such position, or the model no such layer.
    """
    if isinstance(prompt, FactPrompt) and answer is None:
        answer, prompt = prompt.answer, prompt.clean_prompt
    if not isinstance(prompt, str) or not isinstance(answer, str):
        raise ArgumentError(
            "logit_lens reads a prompt and its answer, both texts, or a FactPrompt alone; got "
            f"prompt={prompt!r}, answer={answer!r}",
            about="answer" if isinstance(prompt, str) else "prompt",
        )
    return _lenses(adapter, [(prompt, answer)], position, layers)[0]


@spreads
def lens_facts(
    adapter: ModelAdapter, facts: FactSet, layers: Iterable[int] | None = None
) -> LensSet:
    """Read the clean prompt and the answer of each fact, at the last token.

    Prompts of one token length share their forward passes, as many as memory has room for.

    Args:
        adapter: the model under a backend.
        facts: what is read; corrupt prompts and counterfactual answers do not count.
        layers: as for :func:`logit_lens`.

    Raises:
        PromptError: an answer is not one token.
        ExperimentError: the model has no such layer.
        ClaimError: two clean prompts are the same tokens.
    """
    asked = [(fact.clean_prompt, fact.answer) for fact in facts.prompts]
    return LensSet.of(facts, _lenses(adapter, asked, -1, layers))


def _lenses(
    adapter: ModelAdapter,
    asked: Sequence[tuple[str, str]],
    position: int,
    layers: Iterable[int] | None,
) -> list[LensResult]:
    """The lens of each (prompt, answer), in their order."""
    answers = [adapter.answer_id(answer) for _, answer in asked]
    chosen = layers_of(adapter, layers)
    tokens = [adapter.encode(prompt) for prompt, _ in asked]
    texts = [adapter.str_tokens(prompt) for prompt, _ in asked]
    for text in texts:
        if not -len(text) <= position < len(text):
            raise ExperimentError(
                f"position {position} is outside of the prompt, which has {len(text)} tokens "
                f"{list(text)}",
                about="position",
            )
    provenance = adapter.provenance()
    found: dict[int, LensResult] = {}

    for members in together(adapter, list(map(len, texts)), len(chosen)):
        index = position % len(texts[members[0]])
        batch = torch.cat([tokens[i] for i in members])
        logits = adapter.run(batch, edits=lens_edits(chosen, index)).logits[:, -1]
        by_prompt = logits.unflatten(0, (-1, len(members))).unbind(1)
        for i, of_one in zip(members, by_prompt, strict=True):
            found[i] = LensResult(
                prompt=asked[i][0],
                answer=asked[i][1],
                answer_id=answers[i],
                position=index,
                str_tokens=texts[i],
                layers=chosen,
                n_layers=adapter.n_layers,
                provenance=provenance,
                **_read(adapter, of_one.float(), answers[i]),
            )
    return [found[i] for i in range(len(asked))]


def together(adapter: ModelAdapter, lengths: Sequence[int], n_layers: int) -> Iterator[list[int]]:
    """Indices of the prompts that share a pass, with a row for each layer that is read."""

    def fitting(length: int) -> int:
        return min(READ, max(1, rows_in_budget(adapter, length) // (1 + n_layers)))

    return by_length(lengths, fitting)


def _read(adapter: ModelAdapter, logits: Tensor, answer_id: int) -> dict[str, Any]:
    """The numbers of a lens, from the model's own logits and each layer's [1 + layer, vocab]."""
    final, by_layer = logits[0], logits[1:]
    own = by_layer[:, answer_id]
    top = by_layer.topk(2, dim=-1)
    # two logits that each move by as much as rounding may
    rounding = float_tolerance(str(adapter.dtype).removeprefix("torch."))
    level = (by_layer - own[:, None]).abs() <= 2 * (rounding.atol + rounding.rtol * own.abs())[
        :, None
    ]
    others = torch.where(top.indices[:, 0] == answer_id, top.values[:, 1], top.values[:, 0])
    return {
        "answer_prob": by_layer.softmax(-1)[:, answer_id].cpu().numpy(),
        # not "by_layer > own", in which a NaN would rank below all others
        "answer_rank": (~(by_layer <= own[:, None])).sum(-1).cpu().numpy(),
        "answer_level": level.sum(-1).cpu().numpy() - 1,  # not counting itself
        "answer_margin": (own - others).cpu().numpy(),
        "top_token": tuple(adapter.tokenizer.decode([int(i)]) for i in top.indices[:, 0]),
        "top_margin": (top.values[:, 0] - top.values[:, 1]).cpu().numpy(),
        "final_prob": float(final.softmax(-1)[answer_id]),
    }


def lens_edits(layers: tuple[int, ...], position: int) -> dict[Site, Edit]:
    """Remember each layer's residual stream and append them all before the final norm.

    The rows of the pass then come once as they are, and once more for each layer.
    """
    seen: list[Tensor] = []

    def remember(x: Tensor) -> Tensor:
        seen.append(x)
        return x

    def join(x: Tensor) -> Tensor:
        # only the last position is unembedded: turn the wanted one there
        return torch.cat([x, *seen]).roll(x.shape[1] - 1 - position, dims=1)

    edits: dict[Site, Edit] = {Site(RESID_POST, layer): remember for layer in layers}
    edits[Site(FINAL_NORM)] = join
    return edits
