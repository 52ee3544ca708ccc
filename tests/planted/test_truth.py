"""The derived truth against values written by hand from the description of the mechanism."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted import Cell, Truth, planted_model


def basic() -> Truth:
    return planted_model("gpt2", store_layer=2, read_layer=4, n_layers=6).truth


def test_off_by_ones_of_the_residual_stream() -> None:
    truth = basic()
    (subject,), (last,) = truth.positions["subject"], truth.positions["last"]
    for site, subject_until, last_from in (("resid_pre", 4, 5), ("resid_post", 3, 4)):
        expected = np.zeros((6, len(truth.clean)))
        expected[: subject_until + 1, subject] = 1
        expected[last_from:, last] = 1
        for direction in ("denoise", "noise"):
            np.testing.assert_array_equal(truth.effect(site, direction), expected)


def test_only_the_store_and_the_reader_matter() -> None:
    truth = basic()
    (subject,), (last,) = truth.positions["subject"], truth.positions["last"]
    ((layer, head),) = truth.heads
    for site, cell in (("mlp_out", (2, subject)), ("attn_out", (4, last))):
        expected = np.zeros((6, len(truth.clean)))
        expected[cell] = 1
        np.testing.assert_array_equal(truth.effect(site), expected)
    expected = np.zeros((6, truth.mechanism.n_heads, len(truth.clean)))
    expected[layer, head, last] = 1
    np.testing.assert_array_equal(truth.effect("head"), expected)
    assert layer == truth.crossover_layer == 4
    assert dict(truth.mlps) == {2: "store"}


def test_the_first_token_of_two_is_gathered() -> None:
    truth = planted_model("gpt2", store_layer=2, read_layer=4, subject_tokens=2).truth
    first, second = truth.positions["subject"]
    effect = truth.effect("resid_pre")
    assert effect[:, first].tolist() == [1, 1, 0, 0, 0, 0], "gathered by layer 1"
    assert effect[:, second].tolist() == [0, 0, 1, 1, 1, 0]
    assert sorted(truth.heads.values()) == ["gather", "read"]


@pytest.mark.parametrize(
    ("variant", "contrast", "denoise", "noise"),
    [
        ("stored_twice", "unknown", 1, 0),  # each sufficient, neither necessary
        ("stored_twice", "known", 0.5, 0.5),  # symmetry
        ("split", "unknown", 0, 1),  # neither sufficient, each necessary
        ("split", "known", 0.5, 0.5),
    ],
)
def test_two_stores(variant: str, contrast: str, denoise: float, noise: float) -> None:
    truth = planted_model(
        "gpt2", variant=variant, contrast=contrast, store_layer=2, read_layer=4
    ).truth
    (subject,) = truth.positions["subject"]
    assert truth.effect("mlp_out", "denoise")[[2, 3], subject].tolist() == [denoise] * 2
    assert truth.effect("mlp_out", "noise")[[2, 3], subject].tolist() == [noise] * 2


def test_a_backup_head_hides_the_need_for_the_first() -> None:
    truth = planted_model("gpt2", variant="backup_head", contrast="unknown").truth
    (last,) = truth.positions["last"]
    (read, backup) = sorted(truth.heads)
    denoise, noise = truth.effect("head", "denoise"), truth.effect("head", "noise")
    assert (denoise[read][last], noise[read][last]) == (1, 0)
    assert (denoise[backup][last], noise[backup][last]) == (0, 0)


def test_an_unrelated_attribute_has_no_effect() -> None:
    planted = planted_model("gpt2", variant="distractor_mlp", store_layer=2, read_layer=4)
    (subject,) = planted.truth.positions["subject"]
    assert planted.truth.effect("mlp_out")[:, subject].tolist() == [0, 0, 1, 0, 0, 0]
    assert 3 not in planted.truth.mlps
    assert any(rule.layer == 3 for rule in planted.mechanism.rules)


@pytest.mark.parametrize("variant", ["unknown_fact", "shuffled_weights"])
def test_nothing_is_stated_of_a_model_that_does_not_know(variant: str) -> None:
    truth = planted_model("gpt2", variant=variant).truth
    assert np.isnan(truth.effect("resid_pre")).all()
    assert truth.crossover_layer is None
    assert not {**truth.heads, **truth.mlps}


def test_asking_for_what_is_not_there() -> None:
    truth = basic()
    with pytest.raises(UnknownNameError, match="resid_post"):
        truth.effect("resid_pots")
    with pytest.raises(UnknownNameError, match="denoise"):
        truth.effect("head", "denoize")  # type: ignore[arg-type]
    with pytest.raises(ExperimentError, match="layers are 0 to 5"):
        truth.joint_effect([Cell("mlp_out", 6, 0)])
    with pytest.raises(ExperimentError, match="head index"):
        truth.joint_effect([Cell("head", 2, 0)])
