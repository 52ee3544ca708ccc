"""Every architecture from a folder, and under ``models check``."""

import pytest
import torch
from architectures import BUILD
from tiny import adapter_of, tiny_module, tiny_tokenizer, tiny_weights

from pytest_interp import load_model
from pytest_interp.models.check import check_model

PROMPT = "w1 w2 w3 w20 w5"
# scaled branches, no stream between, more than two branches, linear attention
QUICK = ("granite", "gpt_neox", "gemma4_text", "qwen3_5_text")
EACH = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
    for name in BUILD
    if name != "qwen3_5"  # TransformerLens has no bridge for it here
]


@pytest.mark.parametrize("model", EACH)
@pytest.mark.guarantee(
    "green",
    "models check holds on every architecture, and says what an architecture does not have.",
    sees="rows of pytest-interp models check: pass, or not applicable and why",
)
def test_the_check_holds(model):
    found = check_model(tiny_weights(model), ["transformer_lens", "nnsight"], PROMPT)
    assert not [one.name for one in found if not one.holds]
    layout = adapter_of(model, "nnsight").layout
    why = {one.name: one.not_applicable.get("nnsight", "") for one in found}
    for relation, reason in layout.breaks.items():
        assert why[relation] == reason
    assert why["prefix"] == layout.no_prefix


@pytest.mark.parametrize(
    "model",
    [
        # the tokenizer of these tests is not that of Qwen2
        pytest.param(name, marks=[] if name == "mistral3" else pytest.mark.slow)
        for name in BUILD
        if name not in ("qwen2", "qwen2_moe")
    ],
)
def test_a_folder_of_it_opens(model, tmp_path):
    module = tiny_module(model)  # its own: saving writes into the config
    module.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    opened = load_model(str(tmp_path), "nnsight", device="cpu", dtype="float32")
    tokens = torch.tensor([[5, 17, 42, 3]])
    same = opened.run(tokens, logits="all").logits
    torch.testing.assert_close(same, module(tokens).logits, atol=1e-6, rtol=0)
