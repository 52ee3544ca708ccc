"""Traces of a set of facts."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import MADE

from pytest_interp import FactPrompt
from pytest_interp.errors import ClaimError
from pytest_interp.options import TraceOptions
from pytest_interp.results import TraceResult
from pytest_interp.results.roles import role_effect, role_positions
from pytest_interp.results.traces import TraceSet


def fact(i=0):
    """Facts with prompts of their own."""
    return FactPrompt(
        clean_prompt=f"a b c d{i}",
        corrupt_prompt=f"a x c d{i}",
        answer=" y",
        counterfactual_answer=" n",
    )


def made(effect, subject=(1,), **changes):
    """A trace with this effect [layer, position]."""
    effect = np.asarray(effect, dtype=float)
    settings = {
        "fact": fact(),
        "options": TraceOptions(),
        "layers": tuple(range(len(effect))),
        "str_tokens": tuple("abcdefgh"[: effect.shape[1]]),
        "corrupt_str_tokens": tuple("axcdefgh"[: effect.shape[1]]),
        "corrupted_positions": subject,
        "subject_positions": subject,
        "clean_metric": 4.0,
        "corrupt_metric": -4.0,
        "patched_metric": 8 * effect - 4,
    }
    return TraceResult(**{**settings, **changes})


def join(*traces):
    return TraceSet(traces, ("t",) * len(traces), tuple(map(str, range(len(traces)))))


def test_roles_align_prompts_of_different_shape():
    short = made([[0, 1, 0, 0], [0, 0, 0, 1]], subject=(1,))
    long = made([[0, 0, 1, 0.5, 0], [0, 0.2, 0, 0, 1]], subject=(1, 2), fact=fact(1))
    both = TraceSet((short, long), ("t", "u"), ("1", "2"))
    np.testing.assert_allclose(both.effect("subject"), [[1, 0], [1, 0.2]], atol=1e-12)
    np.testing.assert_allclose(both.effect("last"), [[0, 1], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(both.effect("between"), [[0, 0], [0.5, 0]], atol=1e-12)
    assert role_positions(long, "subject_rest") == (1,)
    assert np.isnan(role_effect(short, "subject_rest")).all()
    assert role_positions(short, -1) == (3,)
    with pytest.raises(ClaimError, match="outside of the prompt"):
        role_positions(short, 4)
    with pytest.raises(ClaimError, match="unknown position 'middle': use before, subject, "):
        role_positions(short, "middle")


def test_split_is_disjoint_and_seeded():
    traces = TraceSet(
        tuple(made([[0, 1, 0, 0]], fact=fact(i)) for i in range(10)),
        ("t",) * 10,
        tuple("abcdefghij"),
    )
    first, second = traces.split(0.4, seed=1)
    assert (len(first), len(second)) == (4, 6)
    assert sorted(first.ids + second.ids) == sorted(traces.ids)
    assert traces.split(0.4, seed=1)[0].ids == first.ids
    with pytest.raises(ClaimError, match="a part is empty"):
        traces.split(0.01)


@pytest.mark.parametrize(
    ("field", "value"),
    [("options", TraceOptions(direction="noise")), ("n_layers", 7)],
)
def test_traces_made_in_different_ways_do_not_mix(field, value):
    with pytest.raises(ClaimError, match=f"differ in {field}"):
        join(made([[0, 1]]), made([[0, 1]], fact=fact(1), **{field: value}))


@pytest.mark.parametrize("field", ["fingerprint", "backend", "dtype"])
def test_traces_of_two_models_do_not_mix(field):
    one, other = MADE, replace(MADE, **{field: "another", "time": "later"})
    with pytest.raises(ClaimError, match=f"differ in {field}: .*'another'"):
        join(*(made([[0, 1]], fact=fact(i), provenance=p) for i, p in enumerate((one, other))))


def test_a_fact_stands_in_a_set_once():
    one = made([[0, 1]])
    with pytest.raises(ClaimError, match=r"same prompts twice, at 0 and 2: 'a b c d0'"):
        join(one, made([[0, 1]], fact=fact(1)), one)
    with pytest.raises(ClaimError, match="has an id twice"):
        TraceSet((one, made([[0, 1]], fact=fact(1))), ("t", "t"), ("1", "1"))


def test_the_strongest_token_of_a_role_is_the_largest_or_the_furthest_from_zero():
    trace = made([[0, -0.9, 0.02, 0], [0, 0.3, -0.1, 0]], subject=(1, 2))
    np.testing.assert_allclose(role_effect(trace, "subject"), [0.02, 0.3], atol=1e-12)
    either = role_effect(trace, "subject", either_way=True)
    np.testing.assert_allclose(either, [-0.9, 0.3], atol=1e-12)
    undefined = made([[0, np.nan, 0.5, 0]], subject=(1, 2))
    for way in (False, True):
        assert np.isnan(role_effect(undefined, "subject", either_way=way)).all()
