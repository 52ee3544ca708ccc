"""Planted "told or not told" models: building, their prompts, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_interp.errors import ExperimentError, PromptError, UnknownNameError
from pytest_interp.facts.prompts import single_token
from pytest_interp.planted import TOLD_VARIANTS, planted_told_model

ARCHS = ("gpt2", "qwen3", "llama")


def weights(arch: str, seed: int) -> torch.Tensor:
    module = planted_told_model(arch, seed=seed).module
    return torch.cat([parameter.flatten() for parameter in module.parameters()])


@pytest.mark.parametrize("arch", ARCHS)
def test_same_seed_same_weights(arch: str) -> None:
    assert torch.equal(weights(arch, 1), weights(arch, 1))
    assert not torch.equal(weights(arch, 1), weights(arch, 2))


@pytest.mark.parametrize("arch", ARCHS)
def test_saved_and_loaded_it_says_the_same(arch: str, tmp_path: Path) -> None:
    model = planted_told_model(arch)
    model.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    module = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    inputs = tokenizer(model.prompts(2).prompts[0].text, return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(module(**inputs).logits, model.module(**inputs).logits)


def test_classes_differ_in_nothing_but_who_was_named() -> None:
    prompts = planted_told_model(n_persons=8, n_cities=6).prompts(96, seed=3)
    told, untold = prompts.of("told"), prompts.of("untold")
    assert prompts.pair() == ("told", "untold")
    assert len(told) == len(untold) == 48
    for prompt in prompts:
        assert (prompt.text.split().count(prompt.group) == 2) == (prompt.label == "told")
    for one, other in zip(told, untold, strict=True):
        words = list(zip(one.text.split(), other.text.split(), strict=True))
        assert [pair for pair in words if pair[0] != pair[1]] == [
            pair for pair in words if pair[0] == one.group and pair[1] != one.group
        ]
        assert (one.group, one.template) == (other.group, other.template)
    assert set(Counter(told.groups).values()) == {6}
    assert set(Counter(prompt.answer for prompt in told).values()) == {8}
    assert set(Counter(told.templates).values()) == {16}
    places = Counter(
        [word for word in prompt.text.split() if word[0].isupper()].index(prompt.group)
        for prompt in told.where(lambda prompt: prompt.template == "wording-0")
    )
    assert len(places) == 3


@pytest.mark.parametrize("variant", TOLD_VARIANTS)
def test_every_word_is_one_token(variant: Any) -> None:
    model = planted_told_model(variant=variant, n_persons=24)
    prompts = model.prompts(100)
    assert len({len(prompt.text.split()) for prompt in prompts}) > 1, "several lengths"
    for prompt in prompts:
        ids = model.tokenizer(prompt.text)["input_ids"]
        assert len(ids) == len(prompt.text.split())
        assert model.tokenizer.unk_token_id not in ids
    assert single_token(model.tokenizer, prompts.abstain[0]) != model.tokenizer.unk_token_id


def test_rumours_hardly_go_with_the_class() -> None:
    prompts = planted_told_model(variant="hidden").prompts(100)
    share = {
        label: sum("Rumours" in prompt.text for prompt in prompts.of(label)) / 50
        for label in prompts.classes
    }
    assert share == {"told": 0.4, "untold": 0.6}


def test_invented_names_are_the_class_of_surface() -> None:
    model = planted_told_model(variant="surface")
    prompts = model.prompts(64)
    assert set(prompts.of("untold").groups) == set(model.parameters.asking.invented)
    assert all(prompt.text.split().count(prompt.group) == 1 for prompt in prompts)


def test_prompts_are_drawn_by_their_seed() -> None:
    model = planted_told_model()
    assert model.prompts(40, seed=1) == model.prompts(40, seed=1)
    assert model.prompts(40, seed=1) != model.prompts(40, seed=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bit_layer": 1}, "each must be 2 to 7"),
        ({"gate_layer": 8}, "each must be 2 to 7"),
        ({"gate_layer": 2}, "at least 3"),
        ({"gate_layer": 3, "variant": "two_directions"}, "at least 4"),
        ({"read_layer": 3, "variant": "decoy"}, "both 3"),
        ({"n_persons": 5}, "must be 6 to 24"),
        ({"n_cities": 25}, "must be 4 to 24"),
        ({"abstain_score": 13.0}, "above 13"),
        ({"d_model": 64}, "at least"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        planted_told_model("gpt2", **arguments)


@pytest.mark.parametrize("arguments", [{"arch": "gpt3"}, {"variant": "gate"}])
def test_unknown_names_are_answered_with_the_known(arguments: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean"):
        planted_told_model(**arguments)


@pytest.mark.parametrize(
    ("n", "statements", "message"),
    [(7, 3, "even number"), (8, 5, "must be 1 to 4"), (2000, 1, "too few different prompts")],
)
def test_prompts_that_cannot_be_drawn(n: int, statements: int, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        planted_told_model(n_persons=6, n_cities=4).prompts(n, statements=statements)
