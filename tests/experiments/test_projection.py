"""Directions projected out, against one pass a prompt with plain torch hooks."""

import numpy as np
import pytest
from labelled_sets import tiny_prompts
from tiny import ARCHITECTURES, N_LAYERS, adapter_of, tiny_module, tiny_tokenizer
from told_hooks import changed, ids_of, margin, projecting, writers

from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.projection import ablate_direction
from pytest_interp.results.direction import Direction

PROMPTS = tiny_prompts(12)
VECTORS = np.random.default_rng(1).normal(size=(2, 32)) * [[1.0], [3.0]]
TOLERANCE = 2e-4


def given(*rows):
    return [Direction(VECTORS[row], layer=1) for row in rows]


def random_ones(n_directions, seed, n=20):
    """Spans of as many random directions [random, direction, d_model]."""
    return np.random.default_rng(seed).normal(size=(n, n_directions, 32))


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("positions", ["last", "all", None])
@pytest.mark.parametrize("n", [1, 2])
def test_projecting_out_is_what_hooks_on_every_writer_give(arch, backend, positions, n):
    module, asked = tiny_module(arch), {} if positions is None else {"positions": positions}
    directions = given(0) if n == 1 else given(0, 1)
    found = ablate_direction(adapter_of(arch, backend), PROMPTS, directions, seed=2, **asked)
    ways = [VECTORS[:n], *random_ones(n, seed=2)]
    abstaining = tiny_tokenizer()("w1 w5")["input_ids"]
    for i, ids in list(enumerate(ids_of(tiny_tokenizer(), PROMPTS)))[::3]:
        before = changed(module, ids, [])
        np.testing.assert_allclose(found.before[i], margin(before, abstaining), atol=TOLERANCE)
        for way in (0, 7) if i % 2 else ():
            out = projecting(ways[way], positions or "all")
            after = margin(changed(module, ids, writers(N_LAYERS, out)), abstaining)
            measured = found.after if way == 0 else found.random_after[way - 1]
            np.testing.assert_allclose(measured[i], after, atol=TOLERANCE)


def test_several_are_one_span_whatever_their_order_and_length():
    adapter = adapter_of("llama", "nnsight")
    one, other = given(0, 1)
    longer = Direction(-7 * one.vector + other.vector, layer=0)
    found = ablate_direction(adapter, PROMPTS, (one, other))
    assert found.direction == f"{one} and {other}"
    for same in ([other, one], [longer, one]):
        again = ablate_direction(adapter, PROMPTS, same)
        np.testing.assert_allclose(again.after, found.after, atol=TOLERANCE)
    alone = ablate_direction(adapter, PROMPTS, one)
    assert np.abs(alone.after - found.after).max() > 10 * TOLERANCE
    np.testing.assert_array_equal(ablate_direction(adapter, PROMPTS, [one]).after, alone.after)


@pytest.mark.guarantee(
    "red",
    "Several directions are projected out as one span, and no direction counts twice.",
    sees="A refusal that says which to leave out: one is a sum of the others.",
)
def test_directions_that_are_no_span_are_refused():
    adapter = adapter_of("gpt2", "nnsight")
    for directions, said in (
        ([], "give at least one"),
        (given(0, 0), "not independent"),
        ([*given(0, 1), Direction(VECTORS.sum(0), 1)], "the 3 directions are not independent"),
        ([*given(0), Direction(np.ones(31), 1)], "has 31 numbers, and tiny-gpt2 is 32 wide"),
    ):
        with pytest.raises(ExperimentError, match=said):
            ablate_direction(adapter, PROMPTS, directions)
