"""Attribution patching, against plain autograd, finite differences and TransformerLens's own.

Float32 on tiny models: estimates of two programs agree to about 1e-6, so 1e-5 is asked for.
"""

from contextlib import ExitStack

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, adapter_of

from pytest_interp import FactPrompt
from pytest_interp.adapters import Site, Weights, backend_names, open_adapter
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.experiments import attribution_patching, causal_trace, trace_joint
from pytest_interp.facts.sets import FactSet
from pytest_interp.options import EstimateOptions
from pytest_interp.planted import planted_model

BY_TOKEN = ("resid_pre", "resid_post", "attn_out", "mlp_out")


def fact(clean="w3 w14 w15 w9 w26", corrupt="w3 w7 w15 w20 w26", answer="w30", other="w8"):
    return FactPrompt(
        clean_prompt=clean,
        corrupt_prompt=corrupt,
        answer=answer,
        counterfactual_answer=other,
        subject=clean.split()[1],
    )


FACTS = FactSet.of(
    [fact(), fact("w3 w1 w2 w9 w26 w5", "w3 w50 w4 w9 w26 w5", "w39", "w1")], "two", "plain"
)


def autograd(module, adapter, one, kind, layer, steps=1):
    """(source - base) times the gradient in the base run [pos, ...], with torch hooks alone.

    The last dimension is summed over, but that of neurons.
    """
    clean, corrupt = (adapter.encode(p) for p in (one.clean_prompt, one.corrupt_prompt))
    answer, other = (adapter.answer_id(a) for a in (one.answer, one.counterfactual_answer))
    start, end = (hooks.read(module, ids, "embed", None) for ids in (corrupt, clean))
    apart = hooks.read(module, clean, kind, layer) - hooks.read(module, corrupt, kind, layer)
    total = torch.zeros_like(apart)
    for step in range(steps):
        moved = start if steps == 1 else start + (step + 0.5) / steps * (end - start)
        seen = []
        with ExitStack() as stack:
            leaf = moved.clone().requires_grad_()
            stack.enter_context(hooks.hooked(module, "embed", None, lambda _, x=leaf: x))
            stack.enter_context(
                hooks.hooked(module, kind, layer, lambda x, s=seen: s.append(x) or x)
            )
            logits = module(corrupt, use_cache=False).logits[0, -1]
            (gradient,) = torch.autograd.grad(logits[answer] - logits[other], seen)
        total += gradient / steps
    found = (apart * total)[0]
    return (found if kind == "mlp_neurons" else found.sum(-1)).numpy()


@pytest.mark.guarantee(
    "green",
    "Attribution patching estimates every cell of every asked site by two forward passes and one "
    "backward pass; with more steps the gradient is a mean over interpolated embeddings.",
    sees="the numbers of plain autograd, on every architecture and both backends",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(
    ("architecture", "steps"), [*((one, 1) for one in ARCHITECTURES), ("gemma3", 3)]
)
def test_estimates_are_those_of_plain_autograd(architecture, backend, steps):
    adapter = adapter_of(architecture, backend)
    module = adapter.weights.module
    found = attribution_patching(adapter, FACTS, sites=(*BY_TOKEN, "head"), steps=steps)
    for i, one in enumerate(FACTS.prompts):
        n = len(found.str_tokens[i])
        for layer in (0, 3):
            for kind in BY_TOKEN:
                expected = autograd(module, adapter, one, kind, layer, steps)
                np.testing.assert_allclose(found.change[kind][i, layer, :n], expected, atol=1e-5)
            heads = autograd(module, adapter, one, "head", layer, steps).sum(0)
            np.testing.assert_allclose(found.change["head"][i, layer], heads, atol=1e-5)
    assert np.isnan(found.change["mlp_out"][0, :, 5]).all()  # which the first fact has not


@pytest.mark.guarantee(
    "red",
    "Attribution patching needs no gradients to be on where it is called.",
    sees="the same numbers within torch.no_grad() and in inference mode",
)
@pytest.mark.parametrize("without", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("asked", [{}, {"steps": 2, "corruption": "gaussian"}])
def test_gradients_may_be_off_where_it_is_called(without, asked):
    adapter, one = adapter_of("llama", "nnsight"), FACTS.prompts[0]
    wanted = attribution_patching(adapter, one, sites="head", verify=2, **asked)
    with without():
        found = attribution_patching(adapter, one, sites="head", verify=2, **asked)
    np.testing.assert_array_equal(found.change["head"], wanted.change["head"])
    np.testing.assert_array_equal(found.exact["head"], wanted.exact["head"])


@pytest.mark.parametrize("backend", backend_names())
def test_each_neuron_has_an_estimate_of_its_own(backend):
    adapter, one = adapter_of("llama", backend), FACTS.prompts[0]
    found = attribution_patching(adapter, one, sites="mlp_neurons", layers=[1, 2])
    for i, layer in enumerate(found.layers):
        expected = autograd(adapter.weights.module, adapter, one, "mlp_neurons", layer).sum(0)
        np.testing.assert_allclose(found.change["mlp_neurons"][0, i], expected, atol=1e-5)
        assert np.ptp(expected) > 1e-4


@pytest.mark.parametrize("direction", ["noise", "denoise"])
def test_in_another_metric_runs_and_preferences_are_kept_apart(direction):
    adapter = adapter_of("llama", "nnsight")
    found, exact = (
        run(adapter, FACTS, direction=direction, metric="answer_prob", **asked)
        for run, asked in (
            (attribution_patching, {"sites": "mlp_out"}),
            (trace_joint, {"sets": {"any": "mlp_out.3@last"}, "controls": False}),
        )
    )
    for name in ("clean", "corrupt", "preferences"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), atol=1e-5)


def test_estimates_are_the_slopes_of_small_patches():
    adapter = adapter_of("llama", "transformer_lens")
    one = FACTS.prompts[0]
    found = attribution_patching(adapter, one, sites="mlp_out", direction="noise")
    clean, corrupt = (adapter.encode(p) for p in (one.clean_prompt, one.corrupt_prompt))
    answer, other = (adapter.answer_id(a) for a in (one.answer, one.counterfactual_answer))
    site = Site("mlp_out", 1)
    way = adapter.run(corrupt, site)[site] - adapter.run(clean, site)[site]

    def moved(by):
        def edit(x):
            x[:, 1] += by * way[:, 1]
            return x

        logits = adapter.run(clean, edits={site: edit}).logits[0, -1]
        return float(logits[answer] - logits[other])

    slope = (moved(0.01) - moved(-0.01)) / 0.02
    assert found.change["mlp_out"][0, 1, 1] == pytest.approx(slope, rel=2e-2)


def test_estimates_are_those_of_transformer_lens():
    from transformer_lens.tools.analysis.attribution_patching import attribution_patch

    adapter = adapter_of("gpt2", "transformer_lens")
    one = FACTS.prompts[0]
    found = attribution_patching(adapter, one, sites=("head", "mlp_out"), position="last")
    answer, other = (adapter.answer_id(a) for a in (one.answer, one.counterfactual_answer))
    # theirs begins the graph at the parameters, which ours hold fixed
    bridge = adapter.copy()._bridge.requires_grad_(True)
    theirs = attribution_patch(
        bridge,
        adapter.encode(one.clean_prompt),
        adapter.encode(one.corrupt_prompt),
        lambda logits: logits[0, -1, answer] - logits[0, -1, other],
    )
    seen = 0
    for node, score in theirs.node_scores.items():
        if node.kind == "mlp_out":
            own = found.change["mlp_out"][0, node.layer, node.position]
        elif node.kind == "attn_head_out" and node.position == 4:
            own = found.change["head"][0, node.layer, node.head]
        else:
            continue
        seen += 1
        assert own == pytest.approx(score, abs=1e-5)
    assert seen == 4 * 5 + 4 * 4


def test_integrated_gradients_add_up_to_the_gap():
    adapter = adapter_of("llama", "nnsight")
    one = FACTS.prompts[0]
    gap = attribution_patching(adapter, one, sites="resid_pre").gap[0]
    sums = {
        steps: attribution_patching(adapter, one, sites="resid_pre", layers=[0], steps=steps)
        .change["resid_pre"][0, 0]
        .sum()
        for steps in (1, 32)
    }
    assert abs(sums[32] - gap) < 1e-2 * abs(gap)
    assert abs(sums[1] - gap) > 0.05 * abs(gap)  # which one gradient does not


@pytest.mark.guarantee(
    "green",
    "The cells of an estimate with the largest values, and as many drawn from the rest, are "
    "computed exactly where `verify` asks for them.",
    sees="the numbers of a causal trace, beside the estimates",
)
@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_verified_cells_are_those_of_a_trace(direction):
    adapter = adapter_of("qwen3", "transformer_lens")
    one = FACTS.prompts[0]
    sites = ("resid_post", "mlp_out")
    found = attribution_patching(adapter, one, sites=sites, verify=4, direction=direction)
    for site in sites:
        trace = causal_trace(adapter, one, site=site, direction=direction, controls=False)
        exact, estimates = found.exact_effect(site)[0], found.effect(site)[0]
        there = ~np.isnan(exact)
        assert there.sum() == 8
        np.testing.assert_allclose(exact[there], trace.effect[there], atol=1e-4)
        assert np.abs(estimates)[there].max() == np.abs(estimates).max()
        worst = np.abs(estimates - exact)[there].max()
        assert found.largest_error(site) == pytest.approx(worst)


def test_heads_are_verified_at_the_positions_of_the_estimate():
    adapter = adapter_of("gemma3", "nnsight")
    one = FACTS.prompts[0]
    clean, corrupt = (adapter.encode(p) for p in (one.clean_prompt, one.corrupt_prompt))
    source = adapter.run(clean, "head.2")["head.2"]

    def measured(positions):
        def edit(x):
            x[:, positions, 1] = source[:, positions, 1]
            return x

        logits = adapter.run(corrupt, edits={"head.2": edit}).logits[0, -1]
        return float(logits[adapter.answer_id(one.answer)] - logits[adapter.answer_id("w8")])

    for position, at in (("all", slice(None)), ("subject", [1]), ("last", [-1]), (3, [3])):
        found = attribution_patching(adapter, one, sites="head", position=position, verify=16)
        exact = found.exact["head"][0]
        assert not np.isnan(exact).any()
        assert found.corrupt[0] + exact[2, 1] == pytest.approx(measured(at), abs=1e-4)


def test_noise_on_the_subject_is_averaged_over_its_samples():
    adapter = adapter_of("gpt2", "nnsight")
    one = FACTS.prompts[0]
    found = attribution_patching(
        adapter, one, sites="resid_pre", corruption="gaussian", verify=99, steps=8
    )
    trace = causal_trace(adapter, one, site="resid_pre", corruption="gaussian", controls=False)
    exact = found.exact_effect("resid_pre")[0]
    there = ~np.isnan(exact)
    np.testing.assert_allclose(exact[there], trace.effect[there], atol=1e-4)
    assert found.clean[0] == pytest.approx(trace.clean_metric, abs=1e-5)
    assert found.corrupt[0] == pytest.approx(trace.corrupt_metric, abs=1e-5)


def test_known_models_have_cells_that_estimates_get_wrong():
    planted = planted_model()
    weights = Weights("planted", planted.module, planted.tokenizer, "planted")
    adapter = open_adapter(weights, "transformer_lens")
    one = planted.facts[0]
    found = attribution_patching(adapter, one, sites=("resid_post", "mlp_out"), verify=8)
    assert found.largest_error("resid_post") > 0.05
    said = found.summary()
    assert "largest error resid_post" in said


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"sites": "pattern"}, ExperimentError, "cannot estimate 'pattern'"),
        ({"sites": "embed"}, ExperimentError, "resid_pre of layer 0 is the same"),
        ({"sites": ()}, ExperimentError, "sites is empty"),
        ({"sites": "heads"}, UnknownNameError, "head"),
        ({"steps": 0}, ExperimentError, "steps=0: give at least 1"),
        ({"verify": -1}, ExperimentError, "verify=-1"),
        ({"position": "middle"}, UnknownNameError, "middle"),
        ({"position": 9}, ExperimentError, "position 9 is outside"),
        ({"direction": "up"}, UnknownNameError, "up"),
        ({"layers": [9]}, ExperimentError, "layer 9 cannot be used"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, error, said):
    with pytest.raises(error, match=said):
        attribution_patching(adapter_of("gpt2", "nnsight"), FACTS.prompts[0], **asked)


def test_options_are_read_by_name_once():
    options = EstimateOptions(sites=("head", "head", "mlp_out"), metric="answer_prob")
    assert [kind.name for kind in options.sites] == ["head", "mlp_out"]
    assert options.metric.name == "answer_prob"
