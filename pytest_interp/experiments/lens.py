"""The logit lens: what would the model predict if it stopped after this layer?

nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter, layers_of
from pytest_interp.adapters.sites import FINAL_NORM, RESID_POST, Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError
from pytest_interp.results.lens import LensResult


def logit_lens(
    adapter: ModelAdapter,
    prompt: str,
    answer: str,
    position: int = -1,
    layers: Iterable[int] | None = None,
) -> LensResult:
    """Read every layer's residual stream through the model's own final norm and unembedding.

    One forward pass: at the input of the final norm the residual streams of all layers join as
    further rows, so that the norm, the head and any soft-cap are the model's own modules.

    Args:
        adapter: the model under a backend.
        prompt: the text.
        answer: the next token to follow, usually with a leading space.
        position: token index to read; negative ones count from the end.
        layers: layers to read (their ``resid_post``); all by default.

    Raises:
        PromptError: the answer is not one token.
        ExperimentError: the prompt has no such position, or the model no such layer.
    """
    answer_id = adapter.answer_id(answer)
    chosen = layers_of(adapter, layers)
    tokens = adapter.encode(prompt)
    length = tokens.shape[1]
    if not -length <= position < length:
        raise ExperimentError(
            f"position {position} is outside of the prompt, which has {length} tokens "
            f"{list(adapter.str_tokens(prompt))}",
            about="position",
        )
    index = position % length
    logits = adapter.run(tokens, edits=_lens_edits(chosen, index)).logits[:, -1].float()
    final, by_layer = logits[0], logits[1:]
    own = by_layer[:, answer_id]
    top = by_layer.topk(2, dim=-1)
    others = torch.where(top.indices[:, 0] == answer_id, top.values[:, 1], top.values[:, 0])
    return LensResult(
        prompt=prompt,
        answer=answer,
        answer_id=answer_id,
        position=index,
        str_tokens=adapter.str_tokens(prompt),
        layers=chosen,
        answer_prob=by_layer.softmax(-1)[:, answer_id].cpu().numpy(),
        answer_rank=(by_layer > own[:, None]).sum(-1).cpu().numpy(),
        answer_margin=(own - others).cpu().numpy(),
        top_token=tuple(adapter.tokenizer.decode([int(i)]) for i in top.indices[:, 0]),
        top_margin=(top.values[:, 0] - top.values[:, 1]).cpu().numpy(),
        final_prob=float(final.softmax(-1)[answer_id]),
        n_layers=adapter.n_layers,
        provenance=adapter.provenance(),
    )


def _lens_edits(layers: tuple[int, ...], position: int) -> dict[Site, Edit]:
    """Remember each layer's residual stream and append them all before the final norm."""
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
