"""How many forward passes the experiments on labelled prompts take, and of how many rows."""

import pytest
from labelled_sets import tiny_prompts

from pytest_interp.adapters import ModelAdapter, backend_names
from pytest_interp.experiments import features
from pytest_interp.experiments.features import capture_features
from pytest_interp.experiments.probing import probe
from pytest_interp.experiments.projection import ablate_direction
from pytest_interp.experiments.steering import steer
from pytest_interp.experiments.trajectory import trajectories
from pytest_interp.results.direction import Direction

PROMPTS = tiny_prompts(24)
LENGTHS = 3
"""Each of 8 prompts."""
EACH = 8
N_LAYERS = 4
NEUTRAL = ("w3 w4 w50 w22", "w20", "w20 w21")
DIRECTION = Direction([1.0, *[0.0] * 31], layer=1)
DOSES = (-2.0, -1.0, 1.0, 2.0, 4.0)
WAYS = 1 + 21 * len(DOSES)
"""The run as it is, once; the direction and twenty random ones in every dose."""


@pytest.fixture
def prefixes(monkeypatch):
    """A list that gets the rows of each pass over tokens that others begin with."""
    found, made = [], ModelAdapter.prefix
    monkeypatch.setattr(
        ModelAdapter,
        "prefix",
        lambda self, tokens, after=None: found.append(len(tokens)) or made(self, tokens, after),
    )
    return found


@pytest.mark.parametrize("backend", backend_names())
def test_all_layers_of_prompts_of_one_length_share_a_pass(passes, prefixes, backend, monkeypatch):
    adapter, rows = passes(backend)
    capture_features(adapter, PROMPTS)
    assert rows == [EACH] * LENGTHS
    probe(adapter, PROMPTS, folds=2, shuffles=19, repeats=2)
    assert rows == [EACH] * 2 * LENGTHS, "its baselines come from the same passes"
    trajectories(adapter, PROMPTS)
    assert rows[2 * LENGTHS :] == [EACH * (1 + N_LAYERS)] * LENGTHS
    assert prefixes == []
    monkeypatch.setattr(features, "rows_in_budget", lambda *_: 8)
    rows.clear()
    capture_features(adapter, tiny_prompts(60))
    assert rows == [8, 8, 4] * LENGTHS


@pytest.mark.parametrize("backend", backend_names())
def test_all_doses_and_directions_are_rows_of_one_pass(passes, prefixes, backend):
    adapter, rows = passes(backend)
    steer(adapter, PROMPTS, DIRECTION, doses=DOSES, neutral=NEUTRAL)
    # one pass over the tokens before the last, where there are any, and one that grows
    assert prefixes == [EACH] * LENGTHS + [1, 1]
    assert rows == [EACH * WAYS] * LENGTHS + [WAYS] * len(NEUTRAL)
    rows.clear(), prefixes.clear()
    steer(adapter, PROMPTS, DIRECTION, doses=DOSES, neutral=NEUTRAL, positions="all")
    assert prefixes == []
    assert rows == [EACH * WAYS] * LENGTHS + [WAYS] * len(NEUTRAL)


@pytest.mark.parametrize("backend", backend_names())
def test_rows_join_at_the_layer_that_is_steered(passes, backend, monkeypatch):
    adapter, _ = passes(backend)
    seen = {}
    run = ModelAdapter.run

    def watched(self, tokens, capture=(), edits=None, **rest):
        sites = [f"resid_pre.{layer}" for layer in range(N_LAYERS)]
        done = run(self, tokens, [*capture, *sites], edits, **rest)
        seen.setdefault("rows", [len(done[site]) for site in sites])
        return done

    monkeypatch.setattr(ModelAdapter, "run", watched)
    steer(adapter, PROMPTS, DIRECTION, doses=DOSES, neutral=NEUTRAL)
    assert seen["rows"] == [EACH, EACH, EACH * WAYS, EACH * WAYS]


@pytest.mark.parametrize("backend", backend_names())
def test_all_directions_that_are_projected_out_are_rows_of_one_pass(passes, prefixes, backend):
    adapter, rows = passes(backend)
    ablate_direction(adapter, PROMPTS, DIRECTION)
    assert rows == [EACH * (1 + 1 + 20)] * LENGTHS
    assert prefixes == []
