"""Blocks of positions, each behind what the base run holds: the same numbers as without any.

Maps without blocks are compared with plain torch hooks elsewhere (test_patches, test_tracing).
"""

from itertools import chain, combinations

import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, adapter_of

from pytest_interp import FactPrompt, causal_trace, causal_traces, trace_joint
from pytest_interp.adapters import ModelAdapter, Site, backend_names
from pytest_interp.adapters.sites import site_kinds
from pytest_interp.experiments.blocks import Costs, plan_of
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.parts import Part
from pytest_interp.experiments.patches import patched
from pytest_interp.options import Gaussian
from pytest_interp.options.metrics import LOGIT_DIFF

# longer than the window of gemma3, and different from the second token on
FACTS = [
    FactPrompt(
        clean_prompt=f"w3 {word} w15 w9 w26 w2 w7 w30",
        corrupt_prompt=f"w3 w7 w15 w20 w26 w2 {word} w30",
        answer="w31",
        counterfactual_answer="w8",
        subject=word,
    )
    for word in ("w14", "w40")
]
N = 8


@pytest.fixture
def starts(monkeypatch):
    """Where each pass begins; each position is a block of its own."""
    found, run = [], ModelAdapter.run

    def watched(self, tokens, *args, **options):
        found.append(N - np.shape(tokens)[1])
        return run(self, tokens, *args, **options)

    monkeypatch.setattr(ModelAdapter, "run", watched)
    monkeypatch.setattr(
        Costs, "cheapest", lambda self, starts, *_: [(i, i + 1) for i in range(len(starts))]
    )
    return found


def whole(monkeypatch, call):
    """What a call gives when all is in one block."""
    with monkeypatch.context() as patch:
        patch.setattr(Costs, "cheapest", lambda self, starts, *_: [(0, len(starts))])
        return call()


@pytest.mark.guarantee(
    "green",
    "A map that is swept in blocks of positions, each behind what the base run holds before it, "
    "is that of one pass a cell.",
    sees="The same numbers, sooner.",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_every_site_in_blocks(model, backend, starts, monkeypatch):
    adapter = adapter_of(model, backend)
    ids = torch.randint(1, 60, (4, N), generator=torch.Generator().manual_seed(1))
    pairs = Pairs(ids[:2], ids[2:], torch.tensor([31, 8]), torch.tensor([8, 40]))
    kinds = [kind for kind in site_kinds() if kind.traceable and adapter.layout.has(kind)]
    patches = [
        (Part(Site(kind, layer), (p,)),) for kind in kinds for layer in (1, 2) for p in (2, 5)
    ]
    # several cells, layers and sites together, single heads, and all tokens
    patches += [
        (Part(Site("resid_post", 0), (-3, -2)), Part(Site("mlp_out", 2), (3, 7))),
        (Part(Site("head", 1), (6,), (1, 2)), Part(Site("k", 3), (6,), (1,))),
        (Part(Site("pattern", 2), (4,), (1,), (0, 3)),),
        (Part(Site("attn_out", 3)),),
        (Part(Site("embed"), (4,)), Part(Site("final_norm"), (7,))),
    ]

    def run(values=None, max_rows=None):
        return patched(adapter, pairs, patches, LOGIT_DIFF, values, max_rows=max_rows)

    def half_way(part, rows):
        return (rows.source + rows.own) / 2

    for values, max_rows in ((None, None), (half_way, 7)):
        expected = whole(monkeypatch, lambda values=values: run(values))
        starts.clear()
        found = run(values, max_rows)
        for one, other in zip(vars(found).values(), vars(expected).values(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
        assert sorted(set(starts)) == [0, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_noise_in_blocks(model, backend, starts, monkeypatch):
    """The base runs differ by their noise, also in what lies before a block."""
    adapter = adapter_of(model, backend)

    def run(direction):
        asked = {"corruption": Gaussian(2.0, samples=2, seed=5), "layers": [0, 2]}
        return causal_traces(adapter, FACTS, direction=direction, **asked)

    for direction in ("denoise", "noise"):
        expected = whole(monkeypatch, lambda d=direction: run(d))
        starts.clear()
        for one, other in zip(run(direction), expected, strict=True):
            np.testing.assert_allclose(one.patched_metric, other.patched_metric, atol=1e-5)
        assert starts == list(range(1, N))
        assert np.ptp(expected[0].patched_metric[:, 3:6]) > 1e-3, "behind the noise, too"


def test_windows_and_joint_sets_in_blocks(starts, monkeypatch):
    adapter = adapter_of("gemma3", "nnsight")
    sets = {"both": ("resid_post.1@subject", "mlp_out.1-3@last"), "end": "attn_out.0-2@-2"}

    def run():
        trace = causal_trace(adapter, FACTS[0], site="mlp_out", window=3)
        joint = trace_joint(adapter, FACTS[0], sets)
        controls = [c.value for found in (trace, joint) for c in found.controls if c.value]
        return trace.patched_metric, joint.patched, np.array(controls)

    expected = whole(monkeypatch, run)
    starts.clear()
    for one, other in zip(run(), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert {1, 6, 7} <= set(starts)


def test_the_source_runs_once_however_many_passes_there_are(starts, monkeypatch):
    adapter, sources = adapter_of("qwen3", "nnsight"), []
    embed = ModelAdapter.embed
    monkeypatch.setattr(
        ModelAdapter, "embed", lambda self, *a: sources.append(len(a[0])) or embed(self, *a)
    )
    causal_trace(adapter, FACTS[0], controls=False)
    # the first pass holds both runs; a pass of the base alone needs no embeddings put in place
    assert sources == [2]
    assert len(starts) == N - 1


def test_a_prefix_is_cut_and_noise_is_in_it():
    adapter = adapter_of("gpt2", "nnsight")
    tokens = torch.tensor([[3, 14, 15, 9, 26, 5], [3, 7, 15, 20, 26, 5]])
    noise = torch.randn(2, 5, adapter.d_model, generator=torch.Generator().manual_seed(0))
    noisy = adapter.run(tokens, edits={Site("embed"): lambda x: x + padded(noise, x)}).logits
    whole = adapter.prefix(tokens[:, :5], noise=noise)
    for start in (1, 3, 5):
        left = padded(noise, tokens[..., None])[:, start:]
        edits = {Site("embed"): lambda x, left=left: x + left}
        found = adapter.run(tokens[:, start:], edits=edits, prefix=whole.before(start)).logits
        torch.testing.assert_close(found, noisy, atol=1e-5, rtol=1e-5)


def padded(noise, like):
    return torch.nn.functional.pad(noise, (0, 0, 0, like.shape[1] - noise.shape[1]))


def smollm2(n_positions, start, max_rows=100):
    """Costs for a model of the size of SmolLM2."""
    return Costs(n_positions, 30, 8.0, start, None, max_rows, room=0)


@pytest.mark.parametrize("start", [0.0, 30.0, 300.0, 1e6])
@pytest.mark.parametrize("first", [0, 2])
def test_no_other_blocks_are_cheaper(start, first):
    """Against all ways to cut seven positions."""
    costs = smollm2(9, start, max_rows=50)
    starts = list(range(first, first + 7))
    layers, patches = [10, 400, 0, 30, 435, 435, 7], [1, 30, 0, 2, 29, 29, 1]

    def cost(cuts):
        ends = [*cuts, len(starts)]
        found = 0.0
        for begin, end in zip([0, *cuts], ends, strict=True):
            n, count = 9 - starts[begin], sum(patches[begin:end])
            passes = max(1.0, 3 * (count + 1) / 50)
            run = 3 * sum(layers[begin:end]) + max(3, passes) * 30
            found += n * run + passes * start * 38
        return found + ((start + 27) * 30 if cuts and first == 0 else 0)

    ways = chain.from_iterable(combinations(range(1, 7), k) for k in range(7))
    chosen = costs.cheapest(starts, layers, patches, 3)
    assert [b for b, _ in chosen] == [0, *[e for _, e in chosen[:-1]]]
    assert cost(tuple(b for b, _ in chosen[1:])) == pytest.approx(min(map(cost, ways)))


def test_few_blocks_for_a_short_prompt_and_many_for_a_long_one():
    def n_blocks(n_positions, start):
        n = n_positions - 3
        found = smollm2(n_positions, start).cheapest(range(3, n_positions), [435] * n, [29] * n, 1)
        return len(found)

    assert [n_blocks(n, 33.0) for n in (5, 10, 33)] == [1, 3, 10]
    assert n_blocks(10, 33_000.0) == 1


def test_pairs_share_passes_as_long_as_they_have_room():
    adapter, n = adapter_of("llama", "nnsight"), 6
    patches = [(Part(Site("resid_post", 1), (p,)),) for p in range(1, n)]
    firsts = {i: i + 1 for i in range(n - 1)}

    def plan(max_rows, split=True):
        return plan_of(adapter, patches, firsts, 5, n, 1, 2, max_rows, split)

    # two runs of a pair, and its five patches
    assert [plan(rows).n_pairs for rows in (3, 14, 21, 1000)] == [1, 2, 3, 5]
    assert plan(14, split=False).n_pairs == 5
    sizes = [len(places) for _, places in plan(4).passes(n_runs=2)]
    assert sizes == [2, 3], "the first pass holds the source too"
