"""Building: speed, determinism, files, tokenizer, and what is refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.facts.prompts import tokenize_fact
from pytest_interp.planted import VARIANTS, planted_model

ARCHS = ("gpt2", "qwen3", "llama")


def weights(arch: str, seed: int) -> torch.Tensor:
    module = planted_model(arch, seed=seed).module
    return torch.cat([parameter.flatten() for parameter in module.parameters()])


@pytest.mark.parametrize("arch", ARCHS)
def test_same_seed_same_weights(arch: str) -> None:
    assert torch.equal(weights(arch, 1), weights(arch, 1))
    assert not torch.equal(weights(arch, 1), weights(arch, 2))


def test_the_callers_random_numbers_are_left_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    planted_model("gpt2", variant="shuffled_weights")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("arch", ARCHS)
def test_building_takes_less_than_a_second(arch: str) -> None:
    planted_model(arch)  # imports
    start = time.perf_counter()
    planted_model(arch, n_layers=12, n_facts=16)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("arch", ARCHS)
def test_saved_and_loaded_it_says_the_same(arch: str, tmp_path: Path) -> None:
    planted = planted_model(arch)
    planted.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    module = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    text = planted.facts[0].clean_prompt
    inputs = tokenizer(text, return_tensors="pt")
    assert set(inputs) == {"input_ids", "attention_mask"}
    assert inputs["input_ids"].tolist() == [planted.tokenizer(text)["input_ids"]]
    with torch.no_grad():
        assert torch.equal(module(**inputs).logits, planted.module(**inputs).logits)


@pytest.mark.parametrize("arch", ARCHS)
def test_the_module_is_ready(arch: str) -> None:
    module = planted_model(arch).module
    assert not module.training
    assert module.config._attn_implementation == "eager"
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in module.parameters())
    assert all(p.std() > 0 for p in module.parameters() if p.dim() > 1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("tokens", [1, 2])
def test_facts_can_be_traced(variant: Any, tokens: int) -> None:
    planted = planted_model("gpt2", variant=variant, subject_tokens=tokens, n_facts=7)
    assert len({fact.clean_prompt for fact in planted.facts}) == 7
    for fact in planted.facts:
        tokens_of = tokenize_fact(fact, planted.tokenizer)
        assert tokens_of.subject_positions == planted.truth.positions["subject"]
        assert tokens_of.corrupted_positions == planted.truth.positions["subject_first"]
        assert tokens_of.answer_id == planted.tokenizer(fact.answer.strip())["input_ids"][0]


def test_head_width_differs_from_model_width_by_heads() -> None:
    config = planted_model("qwen3").module.config
    assert config.head_dim != config.hidden_size // config.num_attention_heads
    assert config.num_key_value_heads < config.num_attention_heads


def test_width_is_a_parameter() -> None:
    assert planted_model("gpt2", d_model=128).module.config.n_embd == 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"store_layer": 4, "read_layer": 4}, "must be read later"),
        ({"store_layer": 3, "read_layer": 4, "variant": "split"}, "stored up to layer 4"),
        ({"read_layer": 5, "variant": "backup_head"}, "at most 5"),
        ({"n_facts": 1}, "must be 2 to"),
        ({"d_model": 32, "n_facts": 16}, "at least"),
        ({"subject_tokens": 3}, "must be 1 or 2"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        planted_model("gpt2", **arguments)


@pytest.mark.parametrize(
    "arguments", [{"arch": "gpt3"}, {"variant": "basics"}, {"contrast": "unknwon"}]
)
def test_unknown_names_are_answered_with_the_known(arguments: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean"):
        planted_model(**arguments)
