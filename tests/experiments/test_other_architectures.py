"""Patches and the lens on architectures with something special, against plain torch hooks.

Rows that cannot join in mid-pass, and models that have no prefix, take another way.
"""

from __future__ import annotations

from contextlib import ExitStack

import hooks
import pytest
import torch
from architectures import BUILD
from tiny import ARCHITECTURES, adapter_of

from pytest_interp import logit_lens
from pytest_interp.adapters import Site, site_kinds
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.patches import Part, patched
from pytest_interp.options.metrics import LOGIT_DIFF

SOURCE = torch.tensor([[3, 14, 15, 9, 26], [3, 7, 15, 20, 26]])
BASE = torch.tensor([[3, 14, 15, 20, 26], [3, 7, 15, 9, 27]])
ANSWERS, OTHERS = torch.tensor([31, 8]), torch.tensor([8, 31])
NOISE = 0.3 * torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
# rows that begin with the pass, no prefix, a scale of embeddings and branches, no stream between
QUICK = ("gemma4_text", "qwen3_5_text", "granite", "gpt_neox")
OTHERS_OF_BUILD = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
    for name in BUILD
    if name not in ARCHITECTURES
]


def by_hooks(module, tokens, noise, patch, values):
    """The logit difference of one pass, in which one part is that of another run."""

    def change(part):
        def edit(x):
            x = x.clone()
            x[:, part.positions] = values[part][:, part.positions]
            return x

        return edit

    with ExitStack() as stack:
        if noise is not None:
            stack.enter_context(hooks.hooked(module, "embed", None, lambda x: x + noise))
        for part in patch:
            kind, layer = str(part.site.kind), part.site.layer
            stack.enter_context(hooks.hooked(module, kind, layer, change(part)))
        return LOGIT_DIFF(hooks.logits(module, tokens)[:, -1], ANSWERS, OTHERS)


def some_patches(adapter):
    """One or two of every kind that can be patched by position, and one of two parts."""
    kinds = [one for one in site_kinds() if one.position_dim == "pos" and one.in_blocks]
    patches = []
    for kind in kinds:
        sites = [s for s in adapter.sites(kind) if not adapter.refusal(s, edited=True)]
        if sites:
            patches += [(Part(sites[0], (3,)),), (Part(sites[-1], (4,)),)]
    both = (Part(Site("attn_out", 1), (3, 4)), Part(Site("mlp_out", 2), (3,)))
    return [*patches, both]


@pytest.mark.parametrize("noise", [None, NOISE], ids=["", "noise"])
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("model", OTHERS_OF_BUILD)
@pytest.mark.guarantee(
    "green",
    "Where rows cannot join in mid-pass, or nothing can be run once for all rows, patches are the "
    "same as in passes of their own: whole rows begin together.",
    sees="the values of plain torch hooks, on both backends",
)
def test_patches_are_passes_of_their_own(model, backend, noise):
    if (model, backend) == ("qwen3_5", "transformer_lens"):
        pytest.skip("TransformerLens has no bridge for it here")
    adapter = adapter_of(model, backend)
    module, patches = adapter.weights.module, some_patches(adapter)
    pairs = Pairs(SOURCE, BASE, ANSWERS, OTHERS, base_noise=noise)
    found = patched(adapter, pairs, patches, LOGIT_DIFF)
    parts = {part for patch in patches for part in patch}
    values = {p: hooks.read(module, SOURCE, str(p.site.kind), p.site.layer) for p in parts}
    expected = [by_hooks(module, BASE, noise, patch, values) for patch in patches]
    torch.testing.assert_close(found.patched, torch.stack(expected), atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(found.base, by_hooks(module, BASE, noise, (), {}))
    moved = (found.patched - found.base).abs().amax(1) > 1e-4
    assert moved.all(), "each does something"


@pytest.mark.parametrize("model", OTHERS_OF_BUILD)
def test_the_lens_ends_at_what_the_model_says(model):
    adapter = adapter_of(model, "nnsight")
    lens = logit_lens(adapter, "w3 w14 w15 w9", "w31")
    tokens = adapter.encode("w3 w14 w15 w9")
    says = hooks.logits(adapter.weights.module, tokens)[0, -1].double().softmax(-1)
    assert lens.final_prob == pytest.approx(float(says[adapter.answer_id("w31")]), rel=1e-5)
