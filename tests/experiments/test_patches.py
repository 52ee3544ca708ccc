"""Many patches in one growing pass, against one pass per patch with plain torch hooks.

Float32 on tiny models: the two agree to about 1e-6, so 1e-5 is asked for.
"""

from __future__ import annotations

from contextlib import ExitStack

import hooks
import pytest
import torch
from tiny import ARCHITECTURES, adapter_of

from pytest_interp.adapters import Site, backend_names
from pytest_interp.adapters.sites import PATTERN
from pytest_interp.errors import ExperimentError, UnsupportedSiteError
from pytest_interp.experiments.growing import Growing
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.patches import Part, patched
from pytest_interp.options.metrics import LOGIT_DIFF

SOURCE = torch.tensor([[3, 14, 15, 9, 26], [3, 7, 15, 20, 26], [3, 1, 2, 9, 26]])
BASE = torch.tensor([[3, 7, 15, 20, 26], [3, 9, 15, 9, 27], [3, 50, 4, 9, 26]])
ANSWERS, OTHERS = torch.tensor([31, 8, 40]), torch.tensor([8, 31, 2])
PAIRS = Pairs(SOURCE, BASE, ANSWERS, OTHERS)
PATCHES = [
    (),
    (Part(Site("resid_post", 2), (-1,)),),
    (Part(Site("head", 1), (1, 3), (0, 2)), Part(Site("head", 3), None, (1,))),
    (Part(Site("attn_out", 0)), Part(Site("mlp_out", 1), (2,)), Part(Site("resid_pre", 3), (3,))),
    (Part(Site("mlp_out", 2), (0, 1, 2, 3, 4)),),
    (Part(Site("embed"), (1, 2)), Part(Site("resid_mid", 2), (3,))),
    (Part(Site("resid_post", 1), (1,)), Part(Site("resid_post", 1), (3, 4))),
    (Part(Site("head", 0), (4,), ()),),  # nothing of it
    (Part(Site("final_norm"), (4,)),),
    (Part(Site("q", 1), (3,), (1,)), Part(Site("k", 1), (1, 2), (1,)), Part(Site("v", 2))),
    (Part(Site("mlp_neurons", 1), (-1,), (0, 7, 30)),),
    (Part(Site("pattern", 2), (4,), (1,)),),
]


def of(site):
    return str(site.kind), site.layer


def difference(logits):
    return LOGIT_DIFF(logits[:, -1], ANSWERS, OTHERS)


def by_hooks(module, patch, value):
    """One pass of the base runs, with one hook per part."""

    def edit(part):
        def change(x):
            x = x.clone()
            if part.site.kind == PATTERN:
                x[:, part.index, part.positions] = value(part, x)[:, part.index, part.positions]
                return x
            positions = range(5) if part.positions is None else part.positions
            for position in positions:
                new = value(part, x)[:, position]
                if part.index is None:
                    x[:, position] = new
                for i in part.index or ():
                    x[:, position, i] = new[:, i]
            return x

        return change

    with ExitStack() as stack:
        for part in patch:
            stack.enter_context(
                hooks.hooked(module, str(part.site.kind), part.site.layer, edit(part))
            )
        return difference(hooks.logits(module, BASE))


def from_source(module):
    return lambda part, x: hooks.read(module, SOURCE, *of(part.site))


@pytest.mark.guarantee(
    "green",
    "Many patches, each of one part or of several together, share a forward pass; each is the same "
    "as a pass of its own.",
    sees="the values of plain torch hooks, on both backends",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_each_patch_is_a_pass_of_its_own(model, backend):
    adapter = adapter_of(model, backend)
    module = adapter.weights.module
    found = patched(adapter, PAIRS, PATCHES, LOGIT_DIFF)
    torch.testing.assert_close(found.source, difference(hooks.logits(module, SOURCE)))
    torch.testing.assert_close(found.base, difference(hooks.logits(module, BASE)))
    value = from_source(module)
    # hooks run one forward pass inside of another where they read the source: read it first
    kept = {part: value(part, None) for patch in PATCHES for part in patch}
    expected = torch.stack([by_hooks(module, p, lambda part, _: kept[part]) for p in PATCHES])
    torch.testing.assert_close(found.patched, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(found.patched[0], found.base)
    moved = (found.patched - found.base).abs().amax(1) > 1e-4
    assert moved.tolist() == [i not in (0, 7) for i in range(len(PATCHES))], "each does something"


@pytest.mark.parametrize("backend", backend_names())
def test_numbers_tensors_and_functions_in_place_of_the_source(backend):
    adapter = adapter_of("llama", backend)
    module = adapter.weights.module
    patches = PATCHES[:5]
    zeros = patched(adapter, PAIRS, patches, LOGIT_DIFF, 0.0)
    assert zeros.source is None
    expected = torch.stack([by_hooks(module, p, lambda _, x: 0 * x) for p in patches])
    torch.testing.assert_close(zeros.patched, expected, atol=1e-5, rtol=1e-5)

    sites = {part.site for patch in patches for part in patch}
    means = {s: torch.randn(1, *hooks.read(module, BASE, *of(s)).shape[1:]) for s in sites}
    own = {s: torch.randn_like(hooks.read(module, BASE, *of(s))) for s in sites}
    alone = Pairs(None, BASE, ANSWERS, OTHERS)
    for given in (means, own):

        def value(part, x, given=given):
            return given[part.site].expand_as(x)

        expected = torch.stack([by_hooks(module, p, value) for p in patches])
        for max_rows in (None, 4, 7):  # passes of some of the pairs, and of some of the patches
            found = patched(adapter, alone, patches, LOGIT_DIFF, given, max_rows=max_rows)
            torch.testing.assert_close(found.patched, expected, atol=1e-5, rtol=1e-5)

    def half_way(part, rows):
        assert rows.own.shape == rows.base.shape == rows.source.shape
        return (rows.source + rows.own) / 2

    kept = {part: from_source(module)(part, None) for patch in patches for part in patch}
    found = patched(adapter, PAIRS, patches, LOGIT_DIFF, half_way)
    expected = torch.stack(
        [by_hooks(module, p, lambda part, x: (kept[part] + x) / 2) for p in patches]
    )
    torch.testing.assert_close(found.patched, expected, atol=1e-5, rtol=1e-5)


def test_later_parts_may_be_held_at_what_the_base_run_has():
    """As path patching does: a part is changed, and what lies behind it is kept from changing."""
    adapter = adapter_of("gpt2", "nnsight")
    first = Part(Site("attn_out", 1), (2,))
    held = tuple(Part(Site("resid_post", layer)) for layer in (2, 3))

    def value(part, rows):
        return rows.source if part == first else rows.base

    free, frozen = patched(adapter, PAIRS, [(first,), (first, *held)], LOGIT_DIFF, value).patched
    base = patched(adapter, PAIRS, [], LOGIT_DIFF).base
    assert (free - base).abs().min() > 1e-4
    torch.testing.assert_close(frozen, base)


def test_passes_are_cut_where_memory_ends(passes):
    adapter, rows = passes("nnsight")
    whole = patched(adapter, PAIRS, PATCHES, LOGIT_DIFF)
    assert rows == [3 * (2 + 11)]
    for limit in (3, 8, 11):
        rows.clear()
        cut = patched(adapter, PAIRS, PATCHES, LOGIT_DIFF, max_rows=limit)
        assert max(rows) <= limit
        torch.testing.assert_close(cut.patched, whole.patched, atol=1e-5, rtol=1e-5)


def test_what_no_patch_changes_is_run_once(monkeypatch):
    adapter, shared = adapter_of("qwen3", "nnsight"), []
    prefix = type(adapter).prefix
    monkeypatch.setattr(
        type(adapter),
        "prefix",
        lambda self, tokens: shared.append(tokens.shape[1]) or prefix(self, tokens),
    )
    late = [(Part(Site("mlp_out", 1), (3,)), Part(Site("head", 2), (4,), (1,)))]
    everywhere = [(Part(Site("mlp_out", 1)),)]
    patched(adapter, PAIRS, late + everywhere, LOGIT_DIFF)
    assert shared == [1], "the source differs from token 1 on"
    shared.clear()
    found = patched(adapter, PAIRS, late, LOGIT_DIFF, 0.0)
    assert shared == [3], "a number changes what it is put in, and nothing before"
    again = patched(adapter, PAIRS, late, LOGIT_DIFF, 0.0, n_shared=0)
    torch.testing.assert_close(found.patched, again.patched, atol=1e-5, rtol=1e-5)
    shared.clear()
    patched(adapter, PAIRS, everywhere, LOGIT_DIFF, 0.0)
    assert shared == []
    patched(adapter, PAIRS, late, LOGIT_DIFF, lambda part, rows: rows.source)
    assert shared == [1]


def test_the_rows_of_a_pass_can_be_captured():
    adapter = adapter_of("llama", "transformer_lens")
    # rows join in order of their layers: the second patch first
    growing = Growing(PAIRS, [PATCHES[2], PATCHES[1]], None)
    site = Site("resid_post", 2)
    run = adapter.run(growing.tokens, capture=[site], edits=growing.edits())
    clean = adapter.run(SOURCE, capture=[site])[site]
    torch.testing.assert_close(run[site][growing.rows(1)][:, -1], clean[:, -1])


@pytest.mark.guarantee(
    "messages",
    "A head, a key-value head or a neuron that the model lacks is refused.",
    sees="its number, the numbers that there are, and which key-value head a head reads",
)
@pytest.mark.parametrize(
    ("part", "error", "says"),
    [
        (Part(Site("head", 1), (0,), (4,)), ExperimentError, r"no head 4 at head: .* 0 to 3"),
        (
            Part(Site("v", 1), (0,), (3,)),
            ExperimentError,
            r"no key-value head 3 at v: .* 0 to 1. Head 3 reads key-value head 1",
        ),
        (Part(Site("mlp_neurons", 1), (0,), (48,)), ExperimentError, "no neuron 48"),
        (Part(Site("mlp_out", 1), (5,)), ExperimentError, "position 5: the prompts have 5 tokens"),
        (Part(Site("mlp_out", 1), (0,), (1,)), ExperimentError, "neither heads nor neurons"),
        (Part(Site("mlp_out", 4)), UnsupportedSiteError, "layers 0 to 3"),
        (Part(Site("mlp_out", 1), keys=(1,)), ExperimentError, "names keys"),
    ],
    ids=str,
)
def test_what_is_not_there_is_refused(part, error, says):
    with pytest.raises(error, match=says):
        patched(adapter_of("llama", "nnsight"), PAIRS, [(part,)], LOGIT_DIFF)
