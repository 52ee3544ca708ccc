"""A crossover layer is an int that can say why, and never passes a claim it did not reach."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pytest_interp.results import LensResult
from pytest_interp.results.crossover import CrossoverLayer


def crossover(layer: int | None) -> CrossoverLayer:
    return CrossoverLayer(
        layer,
        answer=" Paris",
        layers=range(4),
        prob=np.array([0.1, 0.2, 0.6, 0.9]),
        rank=np.array([9, 1, 0, 0]),
        margin=np.array([-3.0, -1.0, 0.5, 2.0]),
        top_token=(" the", " the", " Paris", " Paris"),
    )


def test_it_compares_like_an_int():
    two = crossover(2)
    assert two == 2
    assert two <= 2 < two + 1
    assert two != 3
    assert not two > 2
    assert hash(two) == hash(2)
    assert f"{two:>3}" == "  2"
    assert {2: "x"}[two] == "x"


@pytest.mark.parametrize("other", [-1, 0, 2, 30])
def test_never_passes_no_comparison(other):
    never = crossover(None)
    passed = [never == other, never != other, never < other, never <= other]
    assert not any([*passed, never > other, never >= other, other > never, other <= never])
    assert not never.reached
    assert repr(never) == str(never) == f"{never}" == "never"


def test_it_explains_itself():
    text = "\n".join(crossover(2).explain())
    assert "' Paris' is the top token from layer 2" in text
    assert "+0.50" in text
    assert "never the top token" in "\n".join(crossover(None).explain())


def test_it_shows_three_layers_on_either_side():
    curve = {name: np.zeros(12) for name in ("prob", "rank", "margin")}
    deep = CrossoverLayer(8, layers=range(12), answer=" Paris", top_token=[" the"] * 12, **curve)
    shown = [line.split()[0] for line in deep.explain()[2:-1]]
    assert shown == ["5", "6", "7", "8", "9", "10", "11"]


def test_it_survives_a_pickle():
    again = pickle.loads(pickle.dumps(crossover(2)))
    assert again == 2
    assert again.explain() == crossover(2).explain()


def lens(margin):
    """A lens of layers 10 to 12 with this margin [layer]; no rank says anything else."""
    return LensResult(
        prompt="p",
        answer="a",
        answer_id=1,
        position=0,
        str_tokens=("p",),
        layers=(10, 11, 12),
        answer_prob=np.array([0.1, 0.2, 0.3]),
        answer_rank=np.zeros(3),
        answer_margin=np.array(margin),
        top_token=("a", "a", "a"),
        top_margin=np.zeros(3),
        final_prob=0.3,
    )


@pytest.mark.parametrize(
    ("margin", "first", "settled"),
    [
        ((-3, 0.1, 2), 11, 11),
        ((1, -2, 1), 10, 12),
        ((1, -1, -2), 10, None),
        ((-5, -4, -3), None, None),
    ],
)
def test_first_and_settled_layer_of_a_lens(margin, first, settled):
    made = lens(margin)
    assert made.crossover_layer.layer == first
    assert made.settled_layer.layer == settled
    assert made.to_json()["crossover_layer"] == first


@pytest.mark.parametrize("nothing", [0.0, np.nan, np.inf])
def test_a_tie_and_what_is_not_a_number_are_no_lead(nothing):
    assert lens((nothing, 1, 1)).crossover_layer.layer == 11
    assert lens((1, nothing, 1)).settled_layer.layer == 12
    assert lens((1, 1, nothing)).settled_layer.layer is None
    assert lens((nothing,) * 3).crossover_layer.layer is None
