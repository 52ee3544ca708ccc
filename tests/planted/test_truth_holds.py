"""The truth tables against the networks: every cell of every site, in both directions.

Measured over 240 random builds: the largest difference from the stated effect was 2e-5 (float32;
the distractors respond a little to the subject), and 5e-3 with a backup head and a subject that
has no fact. The truth states 1e-4 and 1e-2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from patching import Patcher

from pytest_interp.planted import SITES, Cell, PlantedModel, planted_model

ARCHS = ("gpt2", "qwen3", "llama")
KNOWING = ("basic", "stored_twice", "split", "backup_head", "distractor_mlp")
LAYOUTS: tuple[dict[str, Any], ...] = (
    {"n_layers": 3, "store_layer": 0, "read_layer": 1, "n_facts": 7, "seed": 1},
    {"n_layers": 3, "store_layer": 1, "read_layer": 2, "n_facts": 2, "seed": 2},
    # the first layer gathers the two tokens and stores
    {
        "n_layers": 4,
        "store_layer": 0,
        "read_layer": 2,
        "n_facts": 5,
        "seed": 3,
        "subject_tokens": 2,
    },
    {"n_layers": 8, "store_layer": 1, "read_layer": 6, "n_facts": 5, "seed": 3},
    {"n_layers": 12, "store_layer": 7, "read_layer": 9, "n_facts": 16, "seed": 4},
)


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Matrices this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cells_of(planted: PlantedModel, site: str) -> list[tuple[Cell]]:
    model = planted.mechanism
    heads: Any = range(model.n_heads) if site == "head" else (None,)
    return [
        (Cell(site, layer, position, head),)
        for layer in range(model.n_layers)
        for head in heads
        for position in range(len(planted.truth.clean))
    ]


def knows(patcher: Any) -> bool:
    """Each prompt prefers its own answer by a logit difference above 5."""
    return bool(patcher.start > 5 and patcher.end < -5)


def check(planted: PlantedModel, fact: int = 0) -> None:
    truth = planted.truth
    patcher = Patcher(planted, planted.facts[fact])
    assert knows(patcher)
    for site in SITES:
        for direction in ("denoise", "noise"):
            stated = truth.effect(site, direction)
            measured = patcher.effects(cells_of(planted, site), direction).reshape(stated.shape)
            np.testing.assert_allclose(
                measured, stated, rtol=0, atol=truth.tolerance, err_msg=f"{site}, {direction}"
            )
    lens = patcher.lens()
    leads = (lens.argmax(-1) == patcher.answer).tolist()
    assert leads == [layer >= truth.crossover_layer for layer in range(len(leads))]
    top = lens.topk(2, dim=-1).values
    assert (top[:, 0] - top[:, 1]).min() > 3, "margin of the lens on both sides of the crossover"


@pytest.mark.parametrize("contrast", ["known", "unknown"])
@pytest.mark.parametrize("subject_tokens", [1, 2])
@pytest.mark.parametrize("variant", KNOWING)
@pytest.mark.parametrize("arch", ARCHS)
def test_every_cell_has_the_stated_effect(
    arch: str, variant: Any, subject_tokens: int, contrast: Any
) -> None:
    # the number of layers falls to keep this fast; depth is the next test's
    check(
        planted_model(
            arch, variant=variant, subject_tokens=subject_tokens, contrast=contrast, n_layers=5,
            store_layer=1, read_layer=3,
        )
    )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout['n_layers']}-layers")
@pytest.mark.parametrize("arch", ARCHS)
def test_at_any_depth_layer_and_number_of_facts(arch: str, layout: dict[str, Any]) -> None:
    planted = planted_model(arch, **layout)
    check(planted, fact=layout["seed"] % len(planted.facts))


@pytest.mark.parametrize("arch", ARCHS)
def test_every_fact_and_template_is_known(arch: str) -> None:
    planted = planted_model(arch, n_facts=7, subject_tokens=2)
    for template in range(4):
        for fact in planted.facts_in(template):
            patcher = Patcher(planted, fact)
            assert knows(patcher), fact


def test_other_templates_have_their_own_positions() -> None:
    planted = planted_model("qwen3", subject_tokens=2)
    truth = planted.truth_in(3)
    patcher = Patcher(planted, planted.facts_in(3)[0])
    store = Cell("mlp_out", planted.parameters.store_layer, truth.positions["subject_last"][0])
    assert truth.joint_effect([store]) == 1
    assert patcher.effects([(store,)], "denoise") == pytest.approx(1, abs=truth.tolerance)
    assert truth.positions["subject_last"] != planted.truth.positions["subject_last"]


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("variant", ["stored_twice", "split", "backup_head"])
def test_joint_patches(arch: str, variant: Any) -> None:
    """Both stores, or the head and its backup, at once: where single patches mislead."""
    planted = planted_model(arch, variant=variant, contrast="unknown")
    truth, p = planted.truth, planted.parameters
    if variant == "backup_head":
        last = truth.positions["last"][0]
        group = tuple(Cell("head", layer, last, head) for layer, head in truth.heads)
    else:
        subject = truth.positions["subject_last"][0]
        group = tuple(Cell("mlp_out", layer, subject) for layer in p.store_layers)
    patcher = Patcher(planted, planted.facts[0])
    for direction in ("denoise", "noise"):
        stated = truth.joint_effect(group, direction)
        assert stated == 1
        assert patcher.effects([group], direction) == pytest.approx(stated, abs=truth.tolerance)


@pytest.mark.parametrize("arch", ARCHS)
def test_a_model_that_does_not_know_has_no_preference(arch: str) -> None:
    planted = planted_model(arch, variant="unknown_fact")
    patcher = Patcher(planted, planted.facts[0])
    assert max(abs(patcher.start), abs(patcher.end)) < 1e-3
    assert not planted.knows
    assert patcher.answer not in patcher.lens().argmax(-1)


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_weights_know_nothing(arch: str, seed: int) -> None:
    """No fact is known in both prompts with the margin that an intact model has."""
    planted = planted_model(arch, variant="shuffled_weights", seed=seed)
    for fact in planted.facts:
        patcher = Patcher(planted, fact)
        assert not knows(patcher)
