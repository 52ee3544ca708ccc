"""Answers that sharpen layer by layer, and answers that come late and at once."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.claims import check_commits_later, check_separates, check_sharpens_gradually
from pytest_interp.experiments import capture_features, steer, trajectories
from pytest_interp.planted import planted_told_model
from pytest_interp.results.direction import Direction
from pytest_interp.results.trajectories import Trajectories

LAST = 13
MODELS = {
    # told answers grow from layer 2 to the last; guesses come at layer 2 at once
    "gradual": {"variant": "gradual", "read_layer": 2},
    # everything that is said comes at the last layer at once
    "late": {"variant": "never", "read_layer": LAST},
}


@cache
def built(name: str, backend: str):
    model = planted_told_model("llama", n_layers=LAST + 1, n_persons=24, **MODELS[name])
    weights = Weights(f"planted {name}", model.module, model.tokenizer, "planted")
    return open_adapter(weights, backend), model.prompts(48, seed=5)


@cache
def curves_of(name: str, backend: str) -> Trajectories:
    return trajectories(*built(name, backend))


@pytest.mark.guarantee(
    "green",
    "An answer whose lead grows evenly over the layers sharpens gradually, and one that comes in a "
    "single layer does not.",
    sees="A verdict with the largest rise in one layer, as a share of the final probability.",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(
    ("name", "label", "status"),
    [
        ("gradual", "told", "passed"),
        ("gradual", "untold", "failed"),
        ("late", "told", "failed"),
        ("late", "untold", "failed"),
    ],
)
def test_what_sharpens_gradually_is_told_from_what_comes_at_once(name, label, status, backend):
    curves = curves_of(name, backend)
    assert check_sharpens_gradually(curves, label=label).status == status
    rises = np.diff(curves.margin[curves.of(label)], axis=1)
    grown = rises[:, 2:] if name == "gradual" and label == "told" else None
    if grown is not None:
        np.testing.assert_allclose(grown, np.median(grown), atol=0.7)
    elif name == "late":
        assert (rises.argmax(1) == LAST - 1).all()


@pytest.mark.parametrize("backend", backend_names())
def test_what_grows_commits_later_than_what_comes_at_once(backend):
    curves = curves_of("gradual", backend)
    assert check_commits_later(curves, label="told", than="untold", by_layers=3).status == "passed"
    turned = check_commits_later(curves, label="untold", than="told", by_layers=1)
    assert turned.status == "failed"
    late = curves_of("late", backend)
    assert set(late.settled) == {LAST}
    for label, than in (("told", "untold"), ("untold", "told")):
        assert check_commits_later(late, label=label, than=than).status == "failed"


def by_chance(groups, seed: int) -> tuple[str, ...]:
    """Persons dealt out to two classes: prompts of one model, between which nothing differs."""
    persons = sorted(set(groups))
    dealt = np.random.default_rng(seed).permutation(np.arange(len(persons)) % 2)
    of = dict(zip(persons, dealt.tolist(), strict=True))
    return tuple(("told", "untold")[of[group]] for group in groups)


def allowed(n: int) -> int:
    """Passes that one side of an interval of 95 % exceeds once in a thousand such tests."""
    return int(binom.ppf(0.999, n, 0.025))


@pytest.mark.guarantee(
    "green",
    "Where classes or directions do not differ, a claim about labelled prompts passes no more "
    "often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
def test_persons_dealt_out_by_chance_hardly_ever_commit_later():
    """Told prompts settle at six layers or so, by the person; classes differ by chance."""
    adapter, prompts = built("gradual", "nnsight")
    curves, n, passed = trajectories(adapter, prompts.of("told")), 100, 0
    assert len(set(curves.settled)) > 4
    for seed in range(n):
        labels = by_chance(curves.groups, seed)
        verdict = check_commits_later(
            replace(curves, labels=labels),
            label="told",
            than="untold",
            by_layers=1e-9,
            min_matched=0.2,
        )
        passed += verdict.status == "passed"
    assert passed <= allowed(n)


@pytest.mark.guarantee(
    "green",
    "Where classes or directions do not differ, a claim about labelled prompts passes no more "
    "often than its confidence allows.",
    sees="A verdict that fails or is inconclusive.",
)
def test_directions_between_persons_dealt_out_by_chance_hardly_ever_separate():
    """Each is fitted on half of the persons and tried on the others."""
    adapter, prompts = built("gradual", "nnsight")
    told, n, passed = prompts.of("told"), 100, 0
    states = capture_features(adapter, told, layers=[6]).states[0]
    some = steer(
        adapter,
        prompts.split()[1],
        Direction(np.eye(adapter.d_model)[0], 6),
        doses=(-1, 1),
        neutral=("Note :",),
    )
    # what the claim does not read fits its prompts, too
    unread = {"log_odds": (3,), "right": (3,), "random_log_odds": (20, 3)}
    for seed in range(n):
        labels = np.array(by_chance(told.groups, seed))
        half = np.array(by_chance(told.groups, 1000 + seed)) == "told"
        means = (states[half & (labels == label)].mean(0) for label in ("told", "untold"))
        fitted = np.subtract(*means)
        tried = np.flatnonzero(~half)
        verdict = check_separates(
            replace(
                some,
                ids=tuple(told.prompts[i].id for i in tried),
                labels=tuple(labels[tried].tolist()),
                groups=tuple(told.groups[i] for i in tried),
                templates=tuple(told.templates[i] for i in tried),
                projections=states[tried] @ fitted,
                **{name: np.zeros((*shape, len(tried))) for name, shape in unread.items()},
            ),
            auroc_at_least=0.501,
        )
        passed += verdict.status == "passed"
    assert passed <= allowed(n)
