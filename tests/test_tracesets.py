"""Traces of a set of facts."""

import numpy as np
import pytest

from pytest_interp import FactPrompt
from pytest_interp.errors import ClaimError
from pytest_interp.results import TraceResult
from pytest_interp.tracesets import TraceSet, role_effect, role_positions


def made(effect, subject=(1,), n_layers=2, **changes):
    """A trace with this effect [layer, position]."""
    effect = np.asarray(effect, dtype=float)
    settings = {
        "fact": FactPrompt("a b c d", "a x c d", " y", " n"),
        "site": "resid_post",
        "direction": "denoise",
        "metric": "logit_diff",
        "corruption": "interchange",
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


def test_roles_align_prompts_of_different_shape():
    short = made([[0, 1, 0, 0], [0, 0, 0, 1]], subject=(1,))
    long = made([[0, 0, 1, 0.5, 0], [0, 0.2, 0, 0, 1]], subject=(1, 2))
    both = TraceSet((short, long), ("t", "u"), ("1", "2"))
    np.testing.assert_allclose(both.effect("subject"), [[1, 0], [1, 0.2]], atol=1e-12)
    np.testing.assert_allclose(both.effect("last"), [[0, 1], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(both.effect("between"), [[0, 0], [0.5, 0]], atol=1e-12)
    assert role_positions(long, "subject_rest") == (1,)
    assert np.isnan(role_effect(short, "subject_rest")).all()
    assert role_positions(short, -1) == (3,)
    with pytest.raises(ClaimError, match="outside of the prompt"):
        role_positions(short, 4)


def test_split_is_disjoint_and_seeded():
    traces = TraceSet(
        tuple(made([[0, 1, 0, 0]]) for _ in range(10)), ("t",) * 10, tuple("abcdefghij")
    )
    first, second = traces.split(0.4, seed=1)
    assert (len(first), len(second)) == (4, 6)
    assert sorted(first.ids + second.ids) == sorted(traces.ids)
    assert traces.split(0.4, seed=1)[0].ids == first.ids
    with pytest.raises(ClaimError, match="a part is empty"):
        traces.split(0.01)


def test_traces_made_in_different_ways_do_not_mix():
    with pytest.raises(ClaimError, match="differ in direction"):
        TraceSet((made([[0, 1]]), made([[0, 1]], direction="noise")), ("t", "t"), ("1", "2"))
