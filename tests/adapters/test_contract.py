"""What every adapter promises, checked against plain torch hooks on the Hugging Face module.

Tolerances. Tiny models compute in float32 with activations of size 1 to 10: both backends give
what the hooks give to about 1e-6, so 1e-5 leaves room for another machine's kernels and catches
any wrong place. SmolLM2 has activations of several hundred and thirty layers: 1e-4 on its logits
where both sides run one batch. A row of a batch of four and the same row alone go through other
kernels, which moves its logits by up to 1.3e-4: 1e-3 there. Behind a prefix the matrices are of
another shape everywhere, which moves them by up to 1.1e-3: 5e-3 there.
"""

from __future__ import annotations

import hooks
import pytest
import torch
from contract import TOKENS, WRITABLE, change, check_writable, close, everywhere, site_of
from tiny import ARCHITECTURES, tiny_module, tiny_tokenizer
from torch import Tensor

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.adapters.sites import (
    ATTN_OUT,
    HEAD,
    MLP_OUT,
    RESID_MID,
    RESID_POST,
    RESID_PRE,
    Site,
    site_kinds,
)


@pytest.mark.parametrize("kind", site_kinds(), ids=str)
@pytest.mark.parametrize("rows", [1, 2])
def test_capture_reads_what_a_torch_hook_reads(anatomy, kind, rows):
    tokens = torch.tensor(TOKENS[:rows])
    ends = {0, anatomy.n_layers // 2, anatomy.n_layers - 1}
    sites = [s for s in anatomy.sites(kind) if s.layer is None or s.layer in ends]
    run = anatomy.run(tokens, capture=sites)
    for site in sites:
        expected = hooks.read(anatomy.weights.module, tokens, kind, site.layer)
        close(anatomy, run[site], expected)


@pytest.mark.guarantee(
    "green",
    "Every site is read and written at the same place on every backend and architecture: queries, "
    "keys and values, the attention pattern, heads, neurons and the stream.",
    sees="the activations and the logits of plain torch hooks",
)
@pytest.mark.parametrize("kind", WRITABLE, ids=str)
@pytest.mark.parametrize("rows", [1, 2])
def test_edit_changes_the_logits_as_a_torch_hook_does(anatomy, kind, rows):
    tokens = torch.tensor(TOKENS[:rows])
    module = anatomy.weights.module
    site = site_of(anatomy, kind)
    actual = anatomy.run(tokens, edits={site: change}, logits="all").logits
    expected = hooks.logits(module, tokens, kind, site.layer, change)
    close(anatomy, actual, expected)
    assert (expected - hooks.logits(module, tokens)).abs().max() > 1e-3, "the edit does something"


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_an_edit_of_one_row_leaves_the_others(tiny, kind):
    tokens = torch.tensor(TOKENS)
    site = site_of(tiny, kind)
    module = tiny.weights.module

    def second_row(x: Tensor) -> Tensor:
        return torch.cat([x[:1], change(x[1:])])

    actual = tiny.run(tokens, edits={site: second_row}, logits="all").logits
    close(tiny, actual[0], hooks.logits(module, tokens[:1])[0])
    close(tiny, actual[1], hooks.logits(module, tokens[1:], kind, site.layer, change)[0])


def test_an_edit_of_one_head(tiny):
    tokens = torch.tensor(TOKENS)
    site = tiny.sites(HEAD)[0]

    def ablate(z: Tensor) -> Tensor:
        assert z.shape[2:] == (tiny.n_heads, tiny.d_head)
        z = z.clone()
        z[:, :, 1] = 0
        return z

    actual = tiny.run(tokens, edits={site: ablate}, logits="all").logits
    close(tiny, actual, hooks.logits(tiny.weights.module, tokens, "head", site.layer, ablate))


def test_edits_at_several_sites_of_one_layer_compose(tiny):
    """resid_mid goes through what enters the block and what attention adds: all at once."""
    kinds = (RESID_PRE, ATTN_OUT, RESID_MID, MLP_OUT, RESID_POST)
    tokens = torch.tensor(TOKENS)
    edits = dict.fromkeys(check_writable(tiny, *(Site(kind, 2) for kind in kinds)), change)
    run = tiny.run(tokens, capture=edits, edits=edits, logits="all")
    pre, attn, mid, mlp, post = (run[Site(kind, 2)] for kind in kinds)
    close(tiny, mid, change(pre + attn))
    close(tiny, post, change(mid + mlp))
    after = tiny.run(tokens, edits={Site(RESID_POST, 2): lambda _: post}, logits="all")
    close(tiny, run.logits, after.logits)


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_a_capture_sees_what_flows_on(tiny, kind):
    site = site_of(tiny, kind)
    tokens = torch.tensor(TOKENS)
    before = tiny.run(tokens, capture=[site])[site]
    after = tiny.run(tokens, capture=[site], edits={site: change})[site]
    close(tiny, after, change(before))


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_an_edit_that_writes_in_place_is_as_good_as_a_pure_one(tiny, kind):
    site = site_of(tiny, kind)
    tokens = torch.tensor(TOKENS)

    def in_place(x: Tensor) -> Tensor:
        x[:, 2] += 0.5 * x[:, 2].flip(-1)
        return x

    before = tiny.run(tokens, capture=tiny.sites(RESID_PRE), edits={site: change})
    after = tiny.run(tokens, capture=tiny.sites(RESID_PRE), edits={site: in_place})
    close(tiny, after.logits, before.logits)
    for earlier in tiny.sites(RESID_PRE):
        close(tiny, after[earlier], before[earlier])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_writes_are_exact_in_bfloat16(architecture, backend):
    """What was written is what flows on, to the bit, where eight bits make a number."""
    tokens = torch.tensor(TOKENS)
    module = tiny_module(architecture).bfloat16()
    adapter = open_adapter(Weights("half", module, tiny_tokenizer(), "random"), backend)
    edits = {site: lambda x: x for site in everywhere(adapter)}
    same = adapter.run(tokens, edits=edits, logits="all").logits
    assert torch.equal(same, adapter.run(tokens, logits="all").logits)

    # a small target beside a large stream
    pre, mid, mlp, post = (Site(kind, 1) for kind in (RESID_PRE, RESID_MID, MLP_OUT, RESID_POST))
    large = {pre: lambda x: 1e4 * x}
    target = 0.01 * adapter.run(tokens, capture=[mid])[mid]
    run = adapter.run(
        tokens, capture=[mid, mlp, post], edits={**large, mid: lambda x: target.clone()}
    )
    assert torch.equal(run[mid], target)
    assert torch.equal(run[post], target + run[mlp])
    assert not torch.equal(adapter.run(tokens, capture=[mid], edits=large)[mid], target)


def test_an_identity_edit_is_a_no_op_everywhere(anatomy):
    tokens = torch.tensor(TOKENS[:1])
    edits = {site: lambda x: x for site in everywhere(anatomy)}
    actual = anatomy.run(tokens, edits=edits, logits="all").logits
    close(anatomy, actual, hooks.logits(anatomy.weights.module, tokens))


def test_captures_are_copies(tiny):
    """What leaves block 1 is what enters block 2: two captures, and neither is the other's."""
    post, pre, tokens = Site(RESID_POST, 1), Site(RESID_PRE, 2), torch.tensor(TOKENS)
    run = tiny.run(tokens, capture=[post, pre])
    assert torch.equal(run[post], run[pre])
    run[post].zero_()
    assert run[pre].abs().max() > 0


def test_logits_at_the_last_position_alone(tiny):
    tokens = torch.tensor(TOKENS)
    last = tiny.run(tokens).logits
    assert last.shape == (2, 1, tiny.d_vocab)
    close(tiny, last[:, 0], tiny.run(tokens, logits="all").logits[:, -1])


def test_the_module_underneath_stays_as_it_was(tiny):
    """Backends wrap a twin: the pristine module keeps no hook, no grad, and its own answers."""
    module = tiny.weights.module
    tokens = torch.tensor(TOKENS)
    before = hooks.logits(module, tokens)
    tiny.run(tokens, edits={Site(MLP_OUT, 1): lambda x: 0 * x})
    assert torch.equal(hooks.logits(module, tokens), before)
    assert not module.training
    assert not any(p.requires_grad for p in module.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_no_gradient_unless_asked(tiny):
    site, tokens = Site(RESID_POST, 1), torch.tensor(TOKENS[:1])
    assert not tiny.run(tokens, capture=[site]).logits.requires_grad


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_gradients_are_those_of_small_edits(tiny, kind):
    site, tokens = site_of(tiny, kind), torch.tensor(TOKENS[:1])
    run = tiny.run(tokens, capture=[site], grad=True)
    (gradient,) = torch.autograd.grad(run.logits[0, -1, 7], run[site])
    # where the logit is steep, a shorter step: it is curved as well
    step = 1e-3 / max(1.0, float(gradient.norm()) / 10) * gradient / gradient.norm()
    up, down = (
        tiny.run(tokens, edits={site: lambda x, s=s: x + s * step}).logits[0, -1, 7]
        for s in (1, -1)
    )
    # central difference along the gradient: its error is of third order in the step, and float32
    # leaves it about four digits
    torch.testing.assert_close((gradient * step).sum(), (up - down) / 2, atol=1e-6, rtol=2e-2)
