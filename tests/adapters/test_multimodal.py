"""The text half of a model that also sees: the same as the text model with those weights."""

import numpy as np
import pytest
import torch
from tiny import tiny_module, tiny_tokenizer
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, SiglipVisionConfig

from pytest_interp import FactPrompt, attention_patterns, direct_logit_attribution
from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.adapters.sites import Site, site_kinds

TOKENS = [[5, 17, 42, 3, 28], [7, 8, 9, 10, 11]]


@pytest.fixture(scope="module")
def text():
    return Weights("text", tiny_module("gemma3"), tiny_tokenizer(), "random")


@pytest.fixture(scope="module")
def seeing(text):
    config = Gemma3Config(
        text_config=text.module.config,
        vision_config=SiglipVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=28,
            patch_size=14,
        ),
        mm_tokens_per_image=4,
        image_token_index=60,
        boi_token_index=59,
        eoi_token_index=58,
    )
    module = Gemma3ForConditionalGeneration(config)
    module.model.language_model.load_state_dict(text.module.model.state_dict())
    module.lm_head.load_state_dict(text.module.lm_head.state_dict())
    module.set_attn_implementation("eager")
    return Weights("seeing", module.eval().requires_grad_(False), tiny_tokenizer(), "random")


@pytest.mark.parametrize("kind", site_kinds(), ids=str)
def test_the_text_half_of_gemma3(text, seeing, backend, kind):
    one, other = open_adapter(text, backend), open_adapter(seeing, backend)
    site = Site(kind, 2 if kind.in_blocks else None)
    edits = {} if kind.read_only else {site: lambda x: x + 0.5 * x.flip(-1)}
    run, same = (
        a.run(torch.tensor(TOKENS), capture=[site], edits=edits, logits="all") for a in (one, other)
    )
    torch.testing.assert_close(same[site], run[site])
    # without the soft-cap, which transformers applies to the text model alone
    cap = text.module.config.final_logit_softcapping
    torch.testing.assert_close(cap * torch.tanh(same.logits / cap), run.logits)


def test_components_of_the_text_half_of_gemma3(text, seeing, backend):
    fact = FactPrompt(
        clean_prompt="w3 w14 w15 w9",
        corrupt_prompt="w3 w4 w15 w9",
        answer="w31",
        counterfactual_answer="w30",
    )
    one, same = (
        direct_logit_attribution(open_adapter(weights, backend), fact) for weights in (text, seeing)
    )
    # parts are of the difference before the cap, where there is one
    assert (one.softcap, same.softcap) == (text.module.config.final_logit_softcapping, None)
    np.testing.assert_allclose(same.contributions, one.contributions, atol=1e-5)
    np.testing.assert_allclose(same.total, same.clean, atol=1e-5)
    looks = (attention_patterns(open_adapter(w, backend), fact).patterns for w in (text, seeing))
    np.testing.assert_allclose(*looks, atol=1e-6)
