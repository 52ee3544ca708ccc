"""A crossover layer can say why; reached it is an int, never reached it passes no claim."""

from __future__ import annotations

import copy
import json
import math
import operator
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_interp.errors import ClaimFailed, NeverReachedError
from pytest_interp.results import CrossoverLayer, LensResult, NeverReached, ReachedLayer

CURVE = SimpleNamespace(
    answer=" Paris",
    layers=range(4),
    answer_prob=[0.1, 0.2, 0.6, 0.9],
    answer_rank=[9, 1, 0, 0],
    answer_margin=[-3.0, -1.0, 0.5, 2.0],
    top_token=(" the", " the", " Paris", " Paris"),
)
TWO, NEVER = ReachedLayer(2, CURVE), NeverReached(CURVE)


def test_a_reached_layer_is_an_int():
    assert isinstance(TWO, int)
    assert isinstance(TWO, CrossoverLayer)
    assert TWO == 2 == TWO.layer
    assert TWO <= 2 < TWO + 1
    assert TWO != 3
    assert not TWO > 2
    assert hash(TWO) == hash(2)
    assert f"{TWO:>3}" == "  2"
    assert (str(TWO), repr(TWO), json.dumps([TWO])) == ("2", "2", "[2]")
    assert {2: "x"}[TWO] == "x"
    assert max([ReachedLayer(1, CURVE), TWO]) == 2
    assert np.asarray([TWO]).dtype == int
    assert np.int64(2) == TWO <= np.float32(2.5)


def test_layer_0_is_a_layer():
    assert ReachedLayer(0, CURVE)
    assert ReachedLayer(0, CURVE) == 0
    assert ReachedLayer(0, CURVE).reached


@pytest.mark.guarantee(
    "undefined",
    "A layer that is never reached passes no comparison with a number, from either side.",
    sees="A failed assert with the curve of the answer.",
)
@pytest.mark.parametrize("other", [-1, 0, 2.5, 30, np.int64(5), np.float32(5)], ids=repr)
@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_never_is_on_no_side_of_a_number(compare, other):
    assert compare(NEVER, other) is False
    assert compare(other, NEVER) is False


TAKES_IT_FOR_A_NUMBER = {
    "== 4": lambda never: never == 4,
    "!= 4": lambda never: never != 4,
    "4 ==": lambda never: np.int64(4) == never,
    "in": lambda never: never in (29,),
    "not in": lambda never: never not in (29,),
    "in a range": lambda never: never not in range(3),
    "== another": lambda never: never == NeverReached(CURVE),
    "< another": lambda never: never < TWO,
    "another >=": lambda never: operator.ge(TWO, never),
    "max": lambda never: max([TWO, never]) <= 5,
    "max, first": lambda never: max([never, TWO]) <= 5,
    "sorted": lambda never: sorted([never, TWO])[-1] <= 5,
    "truth": lambda never: not never,
    "int": int,
    "float": float,
    "index": operator.index,
    "round": round,
    "abs": abs,
    "add": lambda never: never + 1 <= 12,
    "radd": lambda never: 1 + never,
    "divide": lambda never: never / 6 <= 0.9,
    "of NumPy": lambda never: np.int64(12) - never,
    "sum": lambda never: sum([TWO, never]),
    "isclose": lambda never: math.isclose(never, 4),
    "approx": lambda never: never == pytest.approx(4),
    "approx from the left": lambda never: pytest.approx(4) == never,
    "array": lambda never: np.asarray([never]) <= 5,
    "array of both": lambda never: np.array([TWO, never]) <= 5,
    "array of floats": lambda never: np.array([never], dtype=float),
    "beside an array": lambda never: np.arange(3) >= never,
    "mean": lambda never: np.mean([never, TWO]) <= 5,
    "np.max": lambda never: np.max([TWO, never]),
}


@pytest.mark.guarantee(
    "undefined",
    "A layer that is never reached cannot be computed with, converted, written or taken for true.",
    sees="A NeverReachedError, which is a failed claim, with the curve; `.reached` asks.",
)
@pytest.mark.parametrize("use", TAKES_IT_FOR_A_NUMBER.values(), ids=TAKES_IT_FOR_A_NUMBER)
def test_never_is_no_number(use):
    with pytest.raises(NeverReachedError, match="' Paris' is never the top token, so it has no"):
        use(NEVER)


@pytest.mark.guarantee(
    "undefined",
    "A layer that is never reached cannot be computed with, converted, written or taken for true.",
    sees="A NeverReachedError, which is a failed claim, with the curve; `.reached` asks.",
)
def test_never_is_no_number_in_other_words():
    with pytest.raises(TypeError, match="NeverReached is not JSON serializable"):
        json.dumps(NEVER)
    assert not isinstance(NEVER, int)
    assert not hasattr(NEVER, "real")
    assert NEVER.layer is None
    assert not NEVER.reached
    assert (NEVER == "never", NEVER == None, NEVER != None) == (False, False, True)  # noqa: E711
    assert repr(NEVER) == str(NEVER) == f"{NEVER}" == "never"
    assert f"{NEVER:>6}" == " never"
    assert len({NEVER, NEVER}) == 1


def test_the_refusal_is_a_failed_claim_and_a_type_error():
    with pytest.raises(ClaimFailed) as failed:
        NEVER == 4  # noqa: B015
    assert isinstance(failed.value, TypeError)
    assert "+2.00" in str(failed.value)


def test_it_explains_itself():
    text = "\n".join(TWO.explain())
    assert "' Paris' is the top token from layer 2" in text
    assert "+0.50" in text
    assert "never the top token" in "\n".join(NEVER.explain())


def test_it_shows_three_layers_on_either_side():
    zeros = dict.fromkeys(("answer_prob", "answer_rank", "answer_margin"), [0] * 12)
    deep = SimpleNamespace(answer=" Paris", layers=range(12), top_token=[" the"] * 12, **zeros)
    shown = [line.split()[0] for line in ReachedLayer(8, deep).explain()[2:-1]]
    assert shown == ["5", "6", "7", "8", "9", "10", "11"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("layer", [TWO, NEVER, ReachedLayer(0, CURVE)], ids=str)
def test_it_survives_a_copy(copied, layer):
    again = copied(layer)
    assert (type(again), again.layer) == (type(layer), layer.layer)
    assert again.explain() == layer.explain()


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


@pytest.mark.guarantee(
    "undefined",
    "A tie and a logit that is not a number are no lead: no crossover, no settled layer.",
    sees="`never`, and a failed claim about the layer.",
)
@pytest.mark.parametrize("nothing", [0.0, np.nan, np.inf, -np.inf])
def test_a_tie_and_what_is_not_a_number_are_no_lead(nothing):
    assert lens((nothing, 1, 1)).crossover_layer.layer == 11
    assert lens((1, nothing, 1)).settled_layer.layer == 12
    assert lens((1, 1, nothing)).settled_layer.layer is None
    assert lens((nothing,) * 3).crossover_layer.layer is None


@pytest.mark.guarantee(
    "undefined",
    "A top token that is level with the next, or is not a number, is no top token.",
    sees="None in the result, and `none leads` in the curve.",
)
@pytest.mark.parametrize("nothing", [0.0, np.nan, np.inf])
def test_a_tie_and_what_is_not_a_number_are_no_top_token(nothing):
    made = replace(
        lens((-1,) * 3), top_token=tuple("aaa"), top_margin=np.array([1.0, nothing, 2.0])
    )
    assert made.top_token == ("a", None, "a")
    assert "none leads" in "\n".join(made.crossover_layer.explain())
