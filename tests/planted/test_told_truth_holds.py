"""What is stated of "told or not told" models, against the networks under plain hooks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from told_runs import Runs, held_out_auroc

from pytest_interp.planted import TOLD_VARIANTS, ToldModel, planted_told_model

ARCHS = ("gpt2", "qwen3", "llama")
LAYOUTS: tuple[dict[str, Any], ...] = (
    {"bit_layer": 4, "read_layer": 4, "gate_layer": 4},  # the layer does all
    {"bit_layer": 2, "read_layer": 7, "gate_layer": 4},  # told prompts settle later
    {"bit_layer": 2, "read_layer": 5, "gate_layer": 5, "abstain_score": 14.5},
    {"bit_layer": 6, "read_layer": 3, "gate_layer": 7, "n_persons": 24, "n_cities": 12},
    {"bit_layer": 5, "read_layer": 8, "gate_layer": 10, "n_layers": 12, "n_persons": 6},
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def check(model: ToldModel, seed: int, statements: int = 3) -> None:
    truth, runs = model.truth, Runs(model)
    prompts = model.prompts(24, seed, statements)
    texts = [prompt.text for prompt in prompts]
    words = {i: word for word, i in model.tokenizer.get_vocab().items()}

    lens = [[words[int(i)] for i in layer] for layer in runs.lens(runs.stream(prompts))]
    assert lens == [list(layer) for layer in zip(*map(truth.lens, texts), strict=True)]
    if model.parameters.reads:
        told = prompts.of("told")
        leads = [words[int(i)] for i in runs.logits(told).argmax(1)]
        assert leads == [prompt.answer.strip() for prompt in told if prompt.answer]

    def near(measured: np.ndarray, stated: list[float]) -> None:
        np.testing.assert_allclose(measured, stated, rtol=0, atol=truth.tolerance)

    near(runs.log_odds(prompts), [truth.log_odds(text) for text in texts])
    few = prompts.pick(range(0, 24, 4))
    before = runs.log_odds(few)
    for name, direction in truth.directions.items():
        for layer in (1, direction.written_at, model.parameters.gate_layer):
            for dose in (-2.0, 1.0, 4.0):
                moved = runs.steered(few, dose * direction.vector, layer) - before
                near(moved, [truth.effect(p.text, {name: dose}, layer) for p in few])
    for n in (1, 2):
        for names in combinations(truth.directions, n):
            left = runs.ablated(prompts, [truth.directions[name].vector for name in names])
            near(left, [truth.log_odds(text, ablate=names) for text in texts])
            removed = truth.ablation_removes(*names)
            if removed is not None:
                assert (left > 0).any() != removed


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("variant", TOLD_VARIANTS)
@pytest.mark.parametrize("arch", ARCHS)
def test_lens_steering_and_ablation_are_as_stated(arch: str, variant: Any, seed: int) -> None:
    check(planted_told_model(arch, variant=variant, seed=seed), seed)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("arch", ARCHS)
def test_at_any_layer_and_size(arch: str, layout: dict[str, Any]) -> None:
    check(planted_told_model(arch, **layout), seed=2, statements=4)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("variant", TOLD_VARIANTS)
@pytest.mark.parametrize("arch", ARCHS)
def test_the_classes_are_told_apart_where_stated(arch: str, variant: Any, seed: int) -> None:
    model = planted_told_model(arch, variant=variant, seed=seed)
    prompts = model.prompts(192, seed + 10)
    found = held_out_auroc(Runs(model).stream(prompts), prompts)
    stated = np.array(model.truth.auroc)
    assert found[stated == 1] == pytest.approx(1, abs=0.01)
    assert found[stated < 1] == pytest.approx(stated[stated < 1], abs=0.1)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("variant", ["gated", "hidden"])
def test_what_nothing_reads_moves_no_more_than_noise(arch: str, variant: Any) -> None:
    """Steering by the bit after its gate is like steering by a direction without meaning."""
    model = planted_told_model(arch, variant=variant)
    (name, bit), *_ = model.truth.directions.items()
    runs, prompts = Runs(model), model.prompts(24)
    told = prompts.pick([i for i, p in enumerate(prompts) if not model.truth.abstains(p.text)])
    told = told.where(lambda prompt: model.truth.log_odds(prompt.text) > -20)  # guessed as well
    start, gate = runs.log_odds(told), model.parameters.gate_layer
    used = runs.steered(told, 4 * bit.vector, gate - 1)
    assert (used > 0).all(), f"adding {name} before the gate makes it abstain"
    noise = np.random.default_rng(0).normal(size=len(bit.vector))
    noise *= 4 / np.linalg.norm(noise)
    late = runs.steered(told, 4 * bit.vector, gate)
    assert (late < 0).all()
    assert np.abs(late - start).max() < np.abs(runs.steered(told, noise, gate) - start).max() + 2


@pytest.mark.parametrize("arch", ARCHS)
def test_the_response_to_the_dose_rises(arch: str) -> None:
    model = planted_told_model(arch)
    bit, runs, prompts = model.truth.directions["untold"], Runs(model), model.prompts(24)
    for label, doses in (("told", (-2, -1, 0, 0.5, 1, 2, 4)), ("untold", (-2, -1, 0, 0.5, 1, 2))):
        some = prompts.of(label)
        moved = np.array([runs.steered(some, dose * bit.vector, 4) for dose in doses])
        assert (np.diff(moved, axis=0) > 0).all(), label


@pytest.mark.parametrize("arch", ARCHS)
def test_classes_that_settle_together_may_differ_in_confidence(arch: str) -> None:
    def confidence(score: float) -> tuple[float, float]:
        model = planted_told_model(arch, read_layer=5, gate_layer=5, abstain_score=score)
        assert model.truth.settling() == {"told": 5, "untold": 5}
        prompts = model.prompts(48)
        logits = torch.from_numpy(Runs(model).logits(prompts))
        top = logits.log_softmax(-1).amax(-1).exp().numpy()
        return float(top[:24].mean()), float(top[24:].mean())

    told, untold = confidence(14.0)
    assert told - untold > 0.05
    told, untold = confidence(16.0)
    assert told == pytest.approx(untold, abs=0.05)
