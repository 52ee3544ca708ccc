"""Traces of single heads and of sets of cells, against one pass for each with plain hooks.

Effects are ratios of logit differences: in float32 they agree to about 1e-6 on tiny models.
"""

from __future__ import annotations

from functools import cache

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, adapter_of

from pytest_interp import FactPrompt, FactSet, causal_trace, trace_heads, trace_joint
from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, UnknownNameError, UnsupportedSiteError
from pytest_interp.facts.prompts import tokenize_fact

ATOL = 1e-4
FACT = FactPrompt(
    clean_prompt="w3 w14 w15 w9 w26",
    corrupt_prompt="w3 w7 w15 w20 w26",
    answer="w31",
    counterfactual_answer="w8",
)
SHORT = FactPrompt(
    clean_prompt="w1 w2 w3 w4",
    corrupt_prompt="w1 w5 w3 w4",
    answer="w6",
    counterfactual_answer="w7",
)
FACTS = FactSet.of([FACT, SHORT], "two", "made")


class Hooked:
    """Effects of one fact by hooks: one pass for each patch."""

    def __init__(self, model, fact, direction="denoise"):
        adapter = adapter_of(model, "nnsight")
        self.module, self.fact = adapter.weights.module, tokenize_fact(fact, adapter.tokenizer)
        clean = torch.tensor([self.fact.clean_ids])
        corrupt = torch.tensor([self.fact.corrupt_ids])
        self.clean, self.corrupt = self.metric(clean), self.metric(corrupt)
        self.denoises = direction == "denoise"
        self.source, self.base = (clean, corrupt) if self.denoises else (corrupt, clean)

    def metric(self, ids, *site):
        logits = hooks.logits(self.module, ids, *site)[0, -1]
        return (logits[self.fact.answer_id] - logits[self.fact.counterfactual_id]).item()

    def effect(self, kind, layer, index, positions):
        kept = hooks.read(self.module, self.source, kind, layer)

        def patch(x):
            x = x.clone()
            at = list(range(x.shape[1])) if positions is None else list(positions)
            if kind == "pattern":
                x[:, index, positions] = kept[:, index, positions]
            elif index is None:
                x[:, at] = kept[:, at]
            else:
                x[:, at, index] = kept[:, at, index]
            return x

        value = self.metric(self.base, kind, layer, patch)
        recovery = (value - self.corrupt) / (self.clean - self.corrupt)
        return recovery if self.denoises else 1 - recovery


hooked = cache(Hooked)


@pytest.mark.guarantee(
    "green",
    "A map of single heads is that of one pass for each head, for every part of attention and for "
    "neurons, also where heads share keys and values.",
    sees="the effects of plain torch hooks, on both backends",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_each_head_is_a_pass_of_its_own(model, backend):
    adapter, truth = adapter_of(model, backend), hooked(model, FACT)
    asked = {
        "head": ("last", (4,)),
        "q": ("last", (4,)),
        "k": ("subject", (1, 2, 3)),
        "v": ("all", None),
        "pattern": (-1, (4,)),
    }
    for site, (position, at) in asked.items():
        found = trace_heads(
            adapter, FACT, site=site, position=position, layers=[1, 3], controls=False
        )
        assert len(found.heads) == (adapter.n_kv_heads if site in "kv" else adapter.n_heads)
        expected = [[truth.effect(site, n, h, at) for h in found.heads] for n in (1, 3)]
        np.testing.assert_allclose(found.effect[0], expected, atol=ATOL, err_msg=site)
        assert np.ptp(expected) > 1e-3, "not flat, so agreement means something"
    found = trace_heads(
        adapter, FACT, site="mlp_neurons", heads=[0, 7, 40], layers=[2], controls=False
    )
    expected = [truth.effect("mlp_neurons", 2, n, (4,)) for n in (0, 7, 40)]
    np.testing.assert_allclose(found.effect[0, 0], expected, atol=ATOL)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_facts_of_several_lengths_in_both_directions(direction):
    found = trace_heads(adapter_of("llama", "nnsight"), FACTS, direction=direction)
    for fact, effect in zip(FACTS.prompts, found.effect, strict=True):
        truth, n = hooked("llama", fact, direction), len(fact.clean_prompt.split())
        expected = [
            [truth.effect("head", layer, h, (n - 1,)) for h in range(4)] for layer in range(4)
        ]
        np.testing.assert_allclose(effect, expected, atol=ATOL)
    assert [control.name for control in found.controls] == ["identity patch", "unrelated pair"]
    alone = trace_heads(adapter_of("llama", "nnsight"), SHORT, direction=direction, controls=False)
    np.testing.assert_allclose(alone.effect[0], found.effect[1], atol=ATOL)


SETS = {
    "subject": ("resid_post.1@subject",),
    "window": ("mlp_out.1-3@2",),
    "heads": ("head.1.0@last", "head.1.2@last", "head.3.1@last"),
    "everywhere": ("attn_out.2@all",),
    "one": ("head.2.3@last",),
}


@pytest.mark.guarantee(
    "green",
    "Cells that are patched together are changed in one run: all tokens of a subject, windows of "
    "layers, sets of heads, all positions.",
    sees="the effects of plain torch hooks, on both backends",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ["gpt2", "gemma3"])
def test_sets_of_cells_are_patched_together(model, backend):
    adapter, truth = adapter_of(model, backend), hooked(model, FACT)
    found = trace_joint(adapter, FACT, SETS)
    effects = dict(zip(found.names, found.effect[0], strict=True))
    subject = truth.effect("resid_post", 1, None, (1, 2, 3))
    assert effects["subject"] == pytest.approx(subject, abs=ATOL)
    everywhere = truth.effect("attn_out", 2, None, None)
    assert effects["everywhere"] == pytest.approx(everywhere, abs=ATOL)
    assert effects["one"] == pytest.approx(truth.effect("head", 2, 3, (4,)), abs=ATOL)
    # several sites at once: by hooks that are all there in one pass
    several = {"window": [("mlp_out", n, None, 2) for n in (1, 2, 3)]}
    several["heads"] = [("head", 1, 0, 4), ("head", 1, 2, 4), ("head", 3, 1, 4)]
    for name, cells in several.items():
        assert effects[name] == pytest.approx(_together(truth, cells), abs=ATOL)


def _together(truth, cells):
    from contextlib import ExitStack

    def writes(kept, position, index):
        def patch(x):
            x = x.clone()
            at = (0, position) if index is None else (0, position, index)
            x[at] = kept[at]
            return x

        return patch

    kept = [hooks.read(truth.module, truth.source, kind, layer) for kind, layer, *_ in cells]
    with ExitStack() as stack:
        for one, (kind, layer, index, position) in zip(kept, cells, strict=True):
            stack.enter_context(
                hooks.hooked(truth.module, kind, layer, writes(one, position, index))
            )
        return (truth.metric(truth.base) - truth.corrupt) / (truth.clean - truth.corrupt)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_in_another_metric_runs_and_preferences_are_kept_apart(direction):
    adapter, truth = adapter_of("llama", "nnsight"), hooked("llama", FACT, direction)
    found = trace_joint(
        adapter, FACT, {"end": "resid_post.3@last"}, direction=direction, metric="answer_prob"
    )
    clean, corrupt = (
        hooks.logits(truth.module, torch.tensor([ids]))[0, -1].softmax(-1)[truth.fact.answer_id]
        for ids in (truth.fact.clean_ids, truth.fact.corrupt_ids)
    )
    assert found.clean == pytest.approx([float(clean)], abs=1e-6)
    assert found.corrupt == pytest.approx([float(corrupt)], abs=1e-6)
    # the last state decides all
    end = clean if direction == "denoise" else corrupt
    assert found.patched[:, 0] == pytest.approx([float(end)], abs=1e-6)
    preferred = [[truth.clean], [truth.corrupt]]
    np.testing.assert_allclose(found.preferences, preferred, atol=ATOL)


def test_a_trace_patches_windows_of_layers():
    adapter = adapter_of("qwen3", "nnsight")
    trace = causal_trace(adapter, FACT, site="mlp_out", window=3)
    joint = trace_joint(
        adapter,
        FACT,
        {"first": ["mlp_out.0-1@2"], "middle": ["mlp_out.1-3@2"], "last": ["mlp_out.2-3@2"]},
        controls=False,
    )
    np.testing.assert_allclose(trace.effect[[0, 2, 3], 2], joint.effect[0], atol=ATOL)
    assert trace.to_json()["window"] == 3
    assert "window" not in causal_trace(adapter, FACT, controls=False).to_json()


def test_a_map_of_all_heads_of_a_layer_by_position():
    adapter = adapter_of("qwen2", "transformer_lens")
    trace = causal_trace(adapter, FACT, site="head", controls=False)
    joint = trace_joint(adapter, FACT, {"2": ["head.2@3"]}, controls=False)
    assert trace.effect[2, 3] == pytest.approx(joint.effect[0, 0], abs=ATOL)


@pytest.mark.guarantee(
    "messages",
    "A head or a key-value head that the model lacks, and cells that cannot be read, are refused "
    "before anything is run.",
    sees="what there is, and what to write",
)
@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (
            {"site": "resid_post"},
            ExperimentError,
            "has no heads.* causal_trace patches",
        ),
        ({"site": "v", "heads": [3]}, ExperimentError, "no key-value head 3"),
        ({"heads": []}, ExperimentError, "heads is empty"),
        ({"site": "mlp_neurons"}, ExperimentError, r"48 neurons in each layer: name some"),
        ({"position": "middle"}, ExperimentError, "no token 'middle'"),
        ({"window": 2}, ExperimentError, "trace_joint"),
        ({"window": 0}, ExperimentError, "window=0"),
        ({"layers": [9]}, ExperimentError, "layers 0 to 3"),
    ],
    ids=str,
)
def test_heads_that_cannot_be_traced(asked, error, says):
    with pytest.raises(error, match=says):
        trace_heads(adapter_of("llama", "nnsight"), FACT, **asked)


@pytest.mark.parametrize(
    ("sets", "error", "says"),
    [
        ({}, ExperimentError, "nothing is patched"),
        ({"none": []}, ExperimentError, "'none' has no cells"),
        ({"x": "mlp_out.2"}, ExperimentError, "cannot read the cells"),
        ({"x": "mlp_out.3-1@last"}, ExperimentError, "go down"),
        ({"x": "mlp_out.2-9@last"}, UnsupportedSiteError, "layers 0 to 3"),
        ({"x": "head.2.7@last"}, ExperimentError, "no head 7"),
        ({"x": "mlp_put.2@last"}, UnknownNameError, "Did you mean 'mlp_out'"),
    ],
    ids=str,
)
def test_cells_that_cannot_be_patched(sets, error, says):
    with pytest.raises(error, match=says):
        trace_joint(adapter_of("llama", "nnsight"), FACT, sets)
