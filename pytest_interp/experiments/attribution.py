"""Direct logit attribution: how much does each component write towards the answer?

Every block adds to the residual stream, so that the last stream is a sum over components, and so
is the logit difference, once the scale of the final norm is held as the run had it (Elhage et al.
2021, "A Mathematical Framework for Transformer Circuits"; Wang et al. 2022, arXiv 2211.00593).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.block_scales import block_scales
from pytest_interp.adapters.components import LAYER_INPUTS
from pytest_interp.adapters.projections import output_bias, output_matrix
from pytest_interp.adapters.sites import (
    ATTN_OUT,
    EMBED,
    FINAL_NORM,
    HEAD,
    MLP_OUT,
    RESID_POST,
    RESID_PRE,
    Site,
)
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.batching import READ, by_length, rows_in_budget
from pytest_interp.experiments.frozen_norm import FrozenNorm, exact
from pytest_interp.experiments.spreading import spreads
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.precision import precision_of
from pytest_interp.results.attribution import Attribution
from pytest_interp.results.over_facts import as_set


@spreads
def direct_logit_attribution(adapter: ModelAdapter, facts: FactPrompt | FactSet) -> Attribution:
    """What each component adds to the logit difference of each fact, at the last token.

    Components are the embedding, each head through its output matrix (where a layer has no heads,
    its attention), each MLP, and biases. Their
    outputs go through the final norm with the scale (and for LayerNorm, the mean) that it had in
    the run, and through ``W_U[answer] - W_U[counterfactual]``. Heads of an architecture with a norm
    after attention go through that norm in the same way. The parts sum to the logit difference,
    which is checked for every fact; where the model caps its logits, to that before the cap.
    Where it multiplies its logits, or what leaves its blocks, so are the parts. What a block adds
    from inputs of its own (Gemma 4) is what is left of it without attention and MLP.

    Facts of one token length share their forward passes, one for the clean and the corrupt prompts
    together.

    Args:
        adapter: the model under a backend.
        facts: one fact or a set. The corrupt prompts are attributed along the same direction, for
            what a component writes whatever the prompt says.

    Raises:
        PromptError: prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: the parts do not sum to the logit difference, as in an architecture that
            does more between its blocks and its logits than a norm and a matrix.
    """
    chosen = as_set(facts)
    read = all_tokenized(adapter, chosen.prompts)
    has_corrupt = all(one.corrupt_ids for one in read)
    provenance = adapter.provenance()
    found: dict[int, Parts] = {}
    for members in together(adapter, list(map(len, read))):
        asked = [read[i] for i in members]
        ids = [one.clean_ids for one in asked]
        ids += [one.corrupt_ids for one in asked if has_corrupt]
        made = _parts(adapter, ids, asked * (1 + has_corrupt))
        # one row of each fact, or two: its clean and its corrupt run
        found |= {i: made.rows(slice(k, None, len(asked))) for k, i in enumerate(members)}
        progress.report(f"attributing logits of {adapter.name}", len(found), len(read))
    parts = [found[i] for i in range(len(read))]
    differences = np.stack([one.logit_diff for one in parts])
    values = np.stack([np.stack([*one.by_component.values()], -1) for one in parts])
    return Attribution(
        facts=chosen,
        clean=differences[:, 0],
        corrupt=differences[:, 1] if has_corrupt else None,
        components=tuple(parts[0].by_component),
        contributions=values[:, 0],
        on_corrupt=values[:, 1] if has_corrupt else None,
        softcap=_softcap(adapter),
        provenance=provenance,
    )


def together(adapter: ModelAdapter, lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of the facts that share a pass, each with its clean and its corrupt prompt."""
    streams = 4 if adapter.layout.adds_more else 2
    kept = adapter.n_layers * (adapter.n_heads * adapter.d_head + streams * adapter.d_model)

    def fitting(length: int) -> int:
        return min(READ, max(1, rows_in_budget(adapter, length, kept * length) // 2))

    return by_length(lengths, fitting)


class Parts(NamedTuple):
    """Runs: the logit difference of each [row], and what each component adds [row]."""

    logit_diff: Tensor
    by_component: dict[str, Tensor]

    def rows(self, chosen: slice) -> Parts:
        """Some of the runs."""
        picked = {name: value[chosen] for name, value in self.by_component.items()}
        return Parts(self.logit_diff[chosen], picked)


def _parts(
    adapter: ModelAdapter, ids: Sequence[Sequence[int]], facts: Sequence[TokenizedFact]
) -> Parts:
    """Runs of one length, each with the answers of its fact."""
    weights, layout = adapter.weights, adapter.layout
    streams = (RESID_PRE, RESID_POST) if layout.adds_more else ()
    kinds = (EMBED, HEAD, ATTN_OUT, MLP_OUT, *streams, FINAL_NORM)
    layers = range(adapter.n_layers)
    sites = [Site(kind, n) for kind in kinds if kind.in_blocks for n in layers if kind != HEAD]
    sites += adapter.sites(HEAD) or [Site(HEAD, 0)]  # the last is refused, and says why
    run = adapter.run(ids, capture=[Site(EMBED), *sites, Site(FINAL_NORM)])
    at = {site: exact(value[:, -1]) for site, value in run.captured.items()}
    unembed: Any = weights.part(weights.unembedding)
    answers = torch.tensor([[one.answer_id, one.counterfactual_id] for one in facts])
    columns = layout.logit_scale * exact(unembed.weight[answers.to(unembed.weight.device)])
    direction = columns[:, 0] - columns[:, 1]
    norm: Any = weights.part(layout.final_norm)
    stream = run[Site(FINAL_NORM)][:, -1]
    held = FrozenNorm(norm, f"the final norm of {adapter.name}", stream)
    normed = norm(stream)
    towards = held.pull(direction, held.scale(stream, normed))

    scales = block_scales(weights, layout)
    parts = {"embed": _dot(at[Site(EMBED)], towards) * scales.prod()}
    for layer in layers:
        passed = towards * scales[layer:].prod()
        if Site(HEAD, layer) in at:
            parts |= _heads(adapter, layer, at, passed)
        else:
            parts[f"attn_out.{layer}"] = _dot(at[Site(ATTN_OUT, layer)], passed)
        parts[f"mlp_out.{layer}"] = _dot(at[Site(MLP_OUT, layer)], passed)
        if layout.adds_more:
            rest = _rest(at, layer, float(scales[layer]))
            parts[f"{LAYER_INPUTS}.{layer}"] = _dot(rest, towards) * scales[layer + 1 :].prod()
    constant = direction @ held.bias
    own = getattr(unembed, "bias", None)
    given = exact(torch.zeros(answers.shape) if own is None else own[answers.to(own.device)])
    given = layout.logit_scale * given
    if own is not None or _has_bias(norm):
        parts["bias"] = constant + given[:, 0] - given[:, 1]

    linear = (columns * exact(normed)[:, None]).sum(-1) + given
    logits = exact(run.logits[:, -1]).gather(1, answers)
    _check(adapter, parts, linear, logits)
    return Parts(logits[:, 0] - logits[:, 1], parts)


def _heads(
    adapter: ModelAdapter, layer: int, at: dict[Site, Tensor], towards: Tensor
) -> dict[str, Tensor]:
    """What the heads of a layer add [row], and what its biases do, where there are such."""
    weights, layout = adapter.weights, adapter.layout
    matrix = exact(output_matrix(weights, layout, layer, adapter.n_heads))
    bias = output_bias(weights, layout, layer)
    z, constant, norm = at[Site(HEAD, layer)], torch.zeros(len(towards)), None
    if layout.attn_out != layout.attention:
        path = f"{layout.blocks}.{layer}.{layout.attn_out}"
        norm = weights.part(path)
        given = torch.einsum("rhz,hzd->rd", z, matrix)
        given = given if bias is None else given + exact(bias)
        held = FrozenNorm(norm, f"{path} of {adapter.name}", next(norm.parameters()))
        constant, towards = (
            towards @ held.bias,
            held.pull(towards, held.scale(given, at[Site(ATTN_OUT, layer)])),
        )
    by_head = torch.einsum("rhz,hzd,rd->hr", z, matrix, towards)
    parts = {f"head.{layer}.{head}": by_head[head] for head in range(adapter.n_heads)}
    if bias is not None:
        constant = constant + towards @ exact(bias)
    there = bias is not None or _has_bias(norm)
    return parts | ({f"bias.{layer}": constant} if there else {})


def _rest(at: dict[Site, Tensor], layer: int, scale: float) -> Tensor:
    """What a layer adds besides attention and MLP, as it leaves the block [row, d_model]."""
    known = (at[Site(kind, layer)] for kind in (RESID_PRE, ATTN_OUT, MLP_OUT))
    return at[Site(RESID_POST, layer)] - scale * sum(known)


def _has_bias(module: Any) -> bool:
    return getattr(module, "bias", None) is not None


def _check(adapter: ModelAdapter, parts: dict[str, Tensor], linear: Tensor, logits: Tensor) -> None:
    """Raise unless the parts sum to the logit difference, and the capped logits are the model's."""
    within = precision_of(adapter.dtype).parts
    values = torch.stack([*parts.values()])
    off = (values.sum(0) - (linear[:, 0] - linear[:, 1])).abs()
    allowed = within * values.abs().sum(0).clamp_min(1)
    if (off > allowed).any():
        raise ExperimentError(
            f"the parts of the logit difference of {adapter.name} sum to something else, by "
            f"{float(off.max()):.3g} logits: its blocks add more to the stream than attention and "
            "an MLP. Name the module of each in its layout (register_layout), or do without"
        )
    cap = _softcap(adapter)
    capped = linear if cap is None else cap * torch.tanh(linear / cap)
    apart = (capped - logits).abs()
    if (apart > within * logits.abs().clamp_min(1)).any():
        raise ExperimentError(
            f"the logits of {adapter.name} are not its final norm times its unembedding, by "
            f"{float(apart.max()):.3g}: it changes them once more. Where it multiplies them, give "
            "the number in its layout (logit_scale); nothing else can be followed"
        )


def _softcap(adapter: ModelAdapter) -> float | None:
    """The bound that the model keeps its logits under, by a tanh; None where it has none."""
    # of the config of the class that makes the logits: the text config of a model that also sees
    # may have such a bound, and not every such model keeps to it
    config = adapter.weights.module.config
    config = config.get_text_config() if adapter.layout.caps_as_text else config
    cap = getattr(config, "final_logit_softcapping", None)
    return None if cap is None else float(cap)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1)
