"""Where nothing differs, claims about labelled prompts pass no more often than they may."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.claims import check_commits_later, check_dose_response, check_separates
from pytest_interp.experiments import steer, trajectories
from pytest_interp.planted import planted_told_model
from pytest_interp.results.direction import Direction
from pytest_interp.results.steering import SteerResult


@cache
def built(variant):
    model = planted_told_model("gpt2", variant=variant, n_persons=24)
    adapter = open_adapter(Weights("planted", model.module, model.tokenizer, "planted"), "nnsight")
    return model, adapter, model.prompts(96, seed=3)


def shuffled(result, seed):
    """Labels dealt out anew within each person."""
    rng, labels = np.random.default_rng(seed), np.array(result.labels, dtype=object)
    groups = np.array(result.groups)
    for group in set(result.groups):
        labels[groups == group] = rng.permutation(labels[groups == group])
    return replace(result, labels=tuple(map(str, labels)))


def allowed(n, rate):
    """Passes that a true rate exceeds once in a thousand such tests."""
    return int(binom.ppf(0.999, n, rate))


@pytest.mark.guarantee(
    "green",
    "Where classes or directions do not differ, a claim about labelled prompts passes no more "
    "often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
@pytest.mark.parametrize("variant", ["hidden", "gated"])
def test_shuffled_labels_hardly_ever_commit_later(variant):
    """Prompts of these models settle at two layers, whatever label they are given."""
    _, adapter, prompts = built(variant)
    curves, n, passed = trajectories(adapter, prompts), 60, 0
    assert len(set(curves.settled)) > 1
    for seed in range(n):
        verdict = check_commits_later(
            shuffled(curves, seed), label="untold", than="told", by_layers=1e-9, min_matched=0.3
        )
        passed += verdict.status == "passed"
    assert passed <= allowed(n, 0.025)  # one side of an interval of 95 %


@pytest.mark.guarantee(
    "green",
    "Where classes or directions do not differ, a claim about labelled prompts passes no more "
    "often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
def test_shuffled_labels_are_hardly_ever_separated():
    model, adapter, prompts = built("gated")
    bit = Direction(-model.truth.directions["untold"].vector, layer=3)
    steered, n = steer(adapter, prompts, bit, doses=(-1, 1), neutral=("Note :",)), 100
    found = [check_separates(shuffled(steered, seed), auroc_at_least=0.501) for seed in range(n)]
    assert sum(one.status == "passed" for one in found) <= allowed(n, 0.025)


@pytest.mark.guarantee(
    "green",
    "Where classes or directions do not differ, a claim about labelled prompts passes no more "
    "often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
def test_random_directions_are_hardly_ever_dose_responses():
    """Each of 40 random directions, against 20 of the others."""
    _, adapter, prompts = built("none")
    vector = np.random.default_rng(5).normal(size=adapter.d_model)
    vector /= np.linalg.norm(vector)
    steered = steer(
        adapter,
        prompts.pick(range(0, 96, 4)),
        Direction(vector, layer=3),
        doses=(-1, 1),
        random=40,
        neutral=("Note :",),
    )
    passed = [
        check_dose_response(as_if_given(steered, way), at_least=0.01, rising=rising).status
        == "passed"
        for way in range(40)
        for rising in (True, False)
    ]
    # the largest of 21, on one side or the other
    assert sum(passed) <= allowed(40, 1 / 21)


def as_if_given(steered: SteerResult, way: int) -> SteerResult:
    """The result, had one of its random directions been asked about, and 20 others been drawn."""
    others = np.random.default_rng(way).choice(np.delete(np.arange(40), way), 20, replace=False)
    return replace(
        steered,
        log_odds=steered.random_log_odds[way],
        random_log_odds=steered.random_log_odds[others],
        random_neutral_kl=steered.random_neutral_kl[others],
    )
