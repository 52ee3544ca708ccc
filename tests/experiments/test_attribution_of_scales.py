"""Direct attribution where a model multiplies logits, branches or blocks, against plain torch.

Float32: the parts of the tiny models, and their sums, agree to about 1e-6.
"""

from __future__ import annotations

import hooks
import numpy as np
import pytest
import torch
from architectures import BUILD
from tiny import ARCHITECTURES, N_LAYERS, adapter_of

from pytest_interp import FactPrompt, ablate, direct_logit_attribution
from pytest_interp.errors import ExperimentError
from pytest_interp.figures.attribution import attribution_figure

FACT = FactPrompt(
    clean_prompt="w3 w14 w15 w9 w26 w5",
    corrupt_prompt="w3 w4 w15 w9 w26 w5",
    answer="w31",
    counterfactual_answer="w30",
)
SCALED = ("granite", "cohere", "gemma4_text", "gemma4")
QUICK = ("granite", "cohere", "gemma4", "gpt_neox", "olmo2", "qwen3_5_text", "gpt_oss")


def by_hand(module, tokens, answer, other):
    """What each branch adds to the logit difference at the last token, in float64."""
    config = module.config.get_text_config()
    text = getattr(module.model, "language_model", module.model)
    gemma, cohere = config.model_type == "gemma4_text", config.model_type == "cohere"

    def read(kind, layer=None):
        return hooks.read(module, tokens, kind, layer)[0, -1].double()

    unembed, stream = module.lm_head.weight.double(), read("final_norm")
    towards = (unembed[answer] - unembed[other]) * text.norm.weight.double()
    if cohere:
        towards = (towards - towards.mean()) / (
            stream.var(correction=0) + config.layer_norm_eps
        ).sqrt()
    else:
        towards = towards / (stream.square().mean() + config.rms_norm_eps).sqrt()
    towards = towards * {"granite": 1 / 1.7, "cohere": 0.7}.get(config.model_type, 1.0)
    through = [float(block.layer_scalar) if gemma else 1.0 for block in text.layers]
    parts = {"embed": read("embed") @ towards * np.prod(through)}
    kinds = ("attn_out", "mlp_out", "layer_inputs")[: 3 if gemma else 2]
    for layer in range(N_LAYERS):
        after = np.prod(through[layer:])
        for kind in kinds:
            parts[f"{kind}.{layer}"] = read(kind, layer) @ towards * after
    return {name: float(value) for name, value in parts.items()}


def difference(module, tokens, answer, other):
    """The logit difference of the Hugging Face model, before any cap."""
    logits = hooks.logits(module, tokens)[0, -1].double()
    if module.config.get_text_config().model_type in ("gemma2", "gemma3_text", "gemma4_text"):
        cap = getattr(module.config, "final_logit_softcapping", None)
        if module.config.model_type == "gemma4":
            cap = module.config.text_config.final_logit_softcapping
        logits = logits if cap is None else cap * torch.atanh(logits / cap)
    return float(logits[answer] - logits[other])


@pytest.mark.guarantee(
    "green",
    "Direct attribution follows a model that multiplies its logits, what its branches give, or what"
    " leaves its blocks.",
    sees="Parts that sums by hand over plain hooks give: of Granite, Cohere and Gemma 4 as well.",
)
@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("model", SCALED)
def test_parts_behind_scales_are_those_of_sums_by_hand(model, backend):
    adapter = adapter_of(model, backend)
    module = adapter.weights.module
    found = direct_logit_attribution(adapter, FACT)
    ids = [adapter.answer_id(one) for one in (FACT.answer, FACT.counterfactual_answer)]
    wanted = by_hand(module, adapter.encode(FACT.clean_prompt), *ids)
    for name, value in wanted.items():
        assert float(found.of(name)[0]) == pytest.approx(value, abs=5e-6), name
    assert sum(wanted.values()) == pytest.approx(float(found.total[0]), abs=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in BUILD
        if name not in ARCHITECTURES
    ],
)
def test_the_parts_sum_to_what_the_plain_model_prefers(model):
    adapter = adapter_of(model, "nnsight")
    ids = [adapter.answer_id(one) for one in (FACT.answer, FACT.counterfactual_answer)]
    found = direct_logit_attribution(adapter, FACT)
    for prompt, total in (
        (FACT.clean_prompt, found.contributions[0].sum()),
        (FACT.corrupt_prompt, found.on_corrupt[0].sum()),
    ):
        wanted = difference(adapter.weights.module, adapter.encode(prompt), *ids)
        assert total == pytest.approx(wanted, abs=2e-5)


def test_what_layers_make_of_inputs_of_their_own_is_a_component():
    found = direct_logit_attribution(adapter_of("gemma4", "nnsight"), FACT)
    each = [float(found.of(f"layer_inputs.{n}")[0]) for n in range(N_LAYERS)]
    np.testing.assert_allclose(found.to_json()["by_layer_inputs"], each, atol=1e-5)
    above, _, _ = attribution_figure(found).axes
    ends = above.lines[0].get_ydata()[-1]
    assert ends == pytest.approx(float(found.total[0]))
    with pytest.raises(ExperimentError, match=r"layer_inputs\.1 is at no site"):
        ablate(adapter_of("gemma4", "nnsight"), FACT, ["layer_inputs.1"], kind="zero")


def test_attention_without_heads_is_one_component():
    adapter = adapter_of("qwen3_5_text", "nnsight")
    found, module = direct_logit_attribution(adapter, FACT), adapter.weights.module
    tokens = adapter.encode(FACT.clean_prompt)
    ids = [adapter.answer_id(one) for one in (FACT.answer, FACT.counterfactual_answer)]
    stream = hooks.read(module, tokens, "final_norm", None)[0, -1].double()
    unembed, norm = module.lm_head.weight.double(), module.model.norm
    towards = (unembed[ids[0]] - unembed[ids[1]]) * (1 + norm.weight.double())
    towards = towards / (stream.square().mean() + norm.eps).sqrt()
    for layer in range(N_LAYERS):
        wanted = float(hooks.read(module, tokens, "attn_out", layer)[0, -1].double() @ towards)
        assert float(found.of(f"attn_out.{layer}")[0]) == pytest.approx(wanted, abs=5e-6)
    said = found.to_json()
    assert ("attn_out.0" in found.components, "attn_out.1" in found.components) == (True, False)
    assert said["by_head"][0] == [0.0] * 4
    assert said["by_attention"][0] == pytest.approx(float(found.of("attn_out.0")[0]), abs=1e-5)
    assert np.isnan(found.head_map()[0]).all()
    attribution_figure(found)
