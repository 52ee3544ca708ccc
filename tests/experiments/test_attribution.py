"""Direct logit attribution, against sums by hand, plain hooks, and TransformerLens.

Float32: the parts of the tiny models, and their sums, agree to about 1e-6.
"""

from __future__ import annotations

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, N_HEADS, N_LAYERS, adapter_of, tiny_module, tiny_tokenizer

from pytest_interp import FactPrompt, FactSet, direct_logit_attribution
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.errors import ArgumentError, ClaimError, ExperimentError, PromptError
from pytest_interp.experiments import attribution


def fact(clean, corrupt, answer="w31", other="w30"):
    return FactPrompt(
        clean_prompt=clean, corrupt_prompt=corrupt, answer=answer, counterfactual_answer=other
    )


FACTS = FactSet.of(
    [
        fact("w3 w14 w15 w9 w26 w5", "w3 w4 w15 w9 w26 w5"),
        fact("w7 w2 w40 w5", "w7 w3 w40 w5", "w8", "w12"),
        fact("w1 w2 w3 w9 w26 w5", "w1 w2 w8 w9 w26 w5", "w2", "w12"),
    ]
)


def by_hand(module, tokens, answer, other):
    """Every part of the logit difference at the last token, in float64."""
    config, double = module.config, torch.float64
    gpt2, gemma = config.model_type == "gpt2", config.model_type == "gemma3_text"

    def read(kind, layer=None):
        return hooks.read(module, tokens, kind, layer)[0, -1].to(double)

    blocks = module.transformer.h if gpt2 else module.model.layers
    norm = module.transformer.ln_f if gpt2 else module.model.norm
    unembed = module.lm_head.weight.to(double)
    gain = (1 + norm.weight if gemma else norm.weight).to(double)
    towards = (unembed[answer] - unembed[other]) * gain
    stream = read("final_norm")
    eps = getattr(config, "layer_norm_epsilon", None) or getattr(config, "rms_norm_eps", None)
    if gpt2:
        towards = (towards - towards.mean()) / (stream.var(correction=0) + eps).sqrt()
    else:
        towards = towards / (stream.square().mean() + eps).sqrt()
    parts = {"embed": read("embed") @ towards}
    for layer, block in enumerate(blocks):
        projection = block.attn.c_proj if gpt2 else block.self_attn.o_proj
        matrix = (projection.weight if gpt2 else projection.weight.T).to(double)
        z = read("head", layer)
        each = [h @ w for h, w in zip(z, matrix.split(z.shape[-1]), strict=True)]
        if gemma:
            after = block.post_attention_layernorm
            scale = (sum(each).square().mean() + eps).sqrt()
            each = [one / scale * (1 + after.weight.to(double)) for one in each]
        parts |= {f"head.{layer}.{h}": one @ towards for h, one in enumerate(each)}
        if gpt2:
            parts[f"bias.{layer}"] = projection.bias.to(double) @ towards
        parts[f"mlp_out.{layer}"] = read("mlp_out", layer) @ towards
    if gpt2:
        parts["bias"] = norm.bias.to(double) @ (unembed[answer] - unembed[other])
    return {name: float(value) for name, value in parts.items()}


@pytest.mark.guarantee(
    "green",
    "What each component adds to the logit difference is what sums by hand over plain hooks give, "
    "on every architecture and backend.",
    sees="The parts sum to the logit difference, which every run checks.",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_every_part_is_that_of_a_sum_by_hand(model, backend):
    adapter = adapter_of(model, backend)
    found = direct_logit_attribution(adapter, FACTS)
    for i, one in enumerate(FACTS.prompts):
        ids = [adapter.answer_id(a) for a in (one.answer, one.counterfactual_answer)]
        for prompt, values in (
            (one.clean_prompt, found.contributions),
            (one.corrupt_prompt, found.on_corrupt),
        ):
            wanted = by_hand(adapter.weights.module, adapter.encode(prompt), *ids)
            assert found.components == tuple(wanted)
            np.testing.assert_allclose(values[i], list(wanted.values()), atol=5e-6)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_the_parts_sum_to_the_logit_difference(model, backend):
    adapter = adapter_of(model, backend)
    found = direct_logit_attribution(adapter, FACTS)
    for i, one in enumerate(FACTS.prompts):
        logits = adapter.run(one.clean_prompt).logits[0, -1].double()
        a, b = (adapter.answer_id(x) for x in (one.answer, one.counterfactual_answer))
        assert found.clean[i] == pytest.approx(float(logits[a] - logits[b]), abs=1e-5)
        if found.softcap:  # the parts are of the difference before it
            logits = found.softcap * torch.atanh(logits / found.softcap)
        assert found.total[i] == pytest.approx(float(logits[a] - logits[b]), abs=1e-4)
    assert (found.softcap is not None) == (model == "gemma3")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_the_parts_sum_in_every_dtype(model, dtype):
    weights = Weights("cast", tiny_module(model).to(dtype), tiny_tokenizer(), "random")
    found = direct_logit_attribution(open_adapter(weights, "nnsight"), FACTS)
    exact = direct_logit_attribution(adapter_of(model, "nnsight"), FACTS)
    # another run, rounded at every step: of parts of up to 2 logits
    off = {torch.float64: 1e-5, torch.float16: 2e-2, torch.bfloat16: 0.2}[dtype]
    np.testing.assert_allclose(found.contributions, exact.contributions, atol=off)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_is_what_logit_attrs_of_transformer_lens_gives():
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    module = tiny_module("gpt2")
    name = type(module).__name__
    bridge = build_bridge_from_module(module, name, hf_config=module.config, tokenizer=None)
    # its attribution reads gains that are folded into the unembedding
    raw = {"fold_value_biases": False, "center_unembed": False, "center_writing_weights": False}
    bridge.enable_compatibility_mode(disable_warnings=True, **raw)
    bridge.set_use_attn_result(True)
    one, adapter = FACTS.prompts[0], adapter_of("gpt2", "transformer_lens")
    a, b = (adapter.answer_id(x) for x in (one.answer, one.counterfactual_answer))
    _, cache = bridge.run_with_cache(adapter.encode(one.clean_prompt))
    asked = {"layer": -1, "pos_slice": -1}
    streams = cache.decompose_resid(**asked), cache.stack_head_results(**asked)
    whole, heads = (
        cache.logit_attrs(x, tokens=a, incorrect_tokens=b, pos_slice=-1)[:, 0].detach()
        for x in streams
    )
    found = direct_logit_attribution(adapter, one)
    ours = [found.mean[f"head.{n}.{h}"] for n in range(N_LAYERS) for h in range(N_HEADS)]
    np.testing.assert_allclose(heads, ours, atol=2e-6)
    by_block = [float(found.of(f"{k}.{n}")[0]) for n in range(4) for k in ("attn_out", "mlp_out")]
    np.testing.assert_allclose(whole[2:], by_block, atol=2e-6)
    assert float(whole[:2].sum()) == pytest.approx(found.mean["embed"], abs=2e-6)


def test_facts_of_one_length_share_a_pass_within_memory(passes, monkeypatch):
    adapter, rows = passes("nnsight")
    direct_logit_attribution(adapter, FACTS)
    assert rows == [2, 4], "of the clean and the corrupt prompts of each length"
    rows.clear()
    monkeypatch.setattr(attribution, "rows_in_budget", lambda *_: 1)
    direct_logit_attribution(adapter, FACTS)
    assert rows == [2, 2, 2]


def test_a_fact_without_a_corrupt_prompt_has_clean_parts_alone():
    alone = FactPrompt(
        clean_prompt="w3 w14 w15", answer="w31", counterfactual_answer="w30", subject="w14"
    )
    found = direct_logit_attribution(adapter_of("llama", "nnsight"), alone)
    assert found.corrupt is found.on_corrupt is None
    assert found.ids == ("0",)


def broken(change, model="llama"):
    module = tiny_module(model)
    with torch.no_grad():
        change(module)
    weights = Weights(f"broken {model}", module, tiny_tokenizer(), "random")
    return open_adapter(weights, "nnsight")


def test_weights_that_are_not_numbers_give_parts_that_are_none():
    adapter = broken(lambda m: m.model.layers[2].mlp.down_proj.weight.fill_(torch.nan))
    found = direct_logit_attribution(adapter, FACTS)
    assert np.isnan(found.total).all()
    assert found.to_json()["largest"] is None


class Scaled(torch.nn.Module):
    """A norm, and a number that it does not tell anybody."""

    def __init__(self, inner, power=1.0, factor=1.0):
        super().__init__()
        self.inner, self.power, self.factor = inner, power, factor
        self.weight = inner.weight

    def forward(self, x):
        y = self.inner(x)
        return self.factor * y.sign() * y.abs() ** self.power


@pytest.mark.guarantee(
    "red",
    "Parts that do not sum to the logit difference are no attribution.",
    sees="An ExperimentError that says what of the architecture direct attribution cannot follow.",
)
def test_what_is_no_sum_is_refused():
    def not_a_norm(module):
        module.model.norm = Scaled(module.model.norm, power=2.0)

    with pytest.raises(ExperimentError, match="neither an RMSNorm nor a LayerNorm"):
        direct_logit_attribution(broken(not_a_norm), FACTS)

    def one_more_part(module):
        module.model.layers[1].register_forward_hook(lambda _, __, out: out + 0.5 * out.sin())

    with pytest.raises(ExperimentError, match=r"sum to something else, by .* add more to the"):
        direct_logit_attribution(broken(one_more_part), FACTS)

    def scaled_logits(module):
        module.lm_head.register_forward_hook(lambda _, __, out: 0.5 * out)

    with pytest.raises(ExperimentError, match="not its final norm times its unembedding"):
        direct_logit_attribution(broken(scaled_logits), FACTS)


def test_a_norm_with_a_factor_of_its_own_is_followed():
    def louder(module):
        module.model.norm = Scaled(module.model.norm, factor=3.0)

    found = direct_logit_attribution(broken(louder), FACTS)
    plain = direct_logit_attribution(adapter_of("llama", "nnsight"), FACTS)
    np.testing.assert_allclose(found.contributions, 3 * plain.contributions, rtol=1e-4, atol=1e-5)


def test_a_bias_of_the_unembedding_is_a_part():
    bias = torch.linspace(-2, 3, len(tiny_tokenizer()))

    def biased(module):
        module.lm_head.bias = torch.nn.Parameter(bias)

    found = direct_logit_attribution(broken(biased), FACTS)
    plain = direct_logit_attribution(adapter_of("llama", "nnsight"), FACTS)
    answers, others = (
        [tiny_tokenizer()(text)["input_ids"][0] for text in side]
        for side in zip(*((f.answer, f.counterfactual_answer) for f in FACTS.prompts), strict=True)
    )
    added = (bias[answers] - bias[others]).numpy()
    np.testing.assert_allclose(found.of("bias"), added, atol=1e-5)
    np.testing.assert_allclose(found.clean, plain.clean + added, atol=1e-5)
    np.testing.assert_allclose(found.total, found.clean, atol=1e-5)


def test_large_logits_are_followed_as_closely_as_small_ones():
    """Rounding grows with them; by how much they may be off is a share of their size."""
    found = direct_logit_attribution(broken(lambda m: m.lm_head.weight.mul_(1e4)), FACTS)
    plain = direct_logit_attribution(adapter_of("llama", "nnsight"), FACTS)
    assert np.abs(found.clean).min() > 100
    np.testing.assert_allclose(found.contributions, 1e4 * plain.contributions, rtol=1e-3, atol=1)


def test_components_that_the_model_lacks_are_refused():
    found = direct_logit_attribution(adapter_of("llama", "nnsight"), FACTS)
    for name in ("head.4.0", "head.0.4", "mlp_out.9", "bias.0", "attn_out.4", "resid_post.1"):
        with pytest.raises(ClaimError, match=f"'{name}' is no part of .* 0 to 3 with heads 0 to 3"):
            found.of(name)
    with pytest.raises(ExperimentError, match="is no component"):
        found.of("head 9")
    with pytest.raises(ArgumentError, match="has to be a FactPrompt"):
        direct_logit_attribution(adapter_of("llama", "nnsight"), "w3 w14")
    with pytest.raises(PromptError, match="must be exactly one"):
        direct_logit_attribution(
            adapter_of("llama", "nnsight"), fact("w3 w14", "w4 w14", answer="w3 w4")
        )


def test_several_components_are_added_and_each_counts_once():
    found = direct_logit_attribution(adapter_of("gpt2", "nnsight"), FACTS)
    heads = [f"head.1.{h}" for h in range(4)]
    np.testing.assert_allclose(found.of("attn_out.1"), found.of([*heads, "bias.1"]))
    np.testing.assert_allclose(found.of(["head.1.2", "attn_out.1"]), found.of("attn_out.1"))
    np.testing.assert_allclose(found.of(found.components), found.total)
    assert found.pick([1]).total == pytest.approx(found.total[1:2])
