"""Probes, against a slow loop over layers, folds and prompts."""

import numpy as np
import pytest
from labelled_sets import tiny_prompts
from tiny import ARCHITECTURES, adapter_of

from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, InterpError, PromptError
from pytest_interp.experiments.features import capture_features
from pytest_interp.experiments.fits import difference_of_means, logistic
from pytest_interp.experiments.probing import probe
from pytest_interp.experiments.splits import (
    check_groups,
    grouped_splits,
    left_out_templates,
    shuffled,
)
from pytest_interp.options.probe import ProbeOptions

PROMPTS = tiny_prompts(32, groups=10)
FIRST = np.array([label == "told" for label in PROMPTS.labels])
FEW = {"folds": 4, "repeats": 2, "shuffles": 19, "seed": 3}


def area(scores, first):
    pairs = [(a > b) + (a == b) / 2 for a in scores[first] for b in scores[~first]]
    return sum(pairs) / len(pairs)


def fitted(x, on, first, weights=None):
    """Scores [prompt] of one layer's difference of means, by the definition."""
    told, untold = on[first[on]], on[~first[on]]
    w = x[told].mean(0) - x[untold].mean(0) if weights is None else weights
    along = x @ w
    centre = (along[told].mean() + along[untold].mean()) / 2
    squares = [((along[side] - along[side].mean()) ** 2).sum() for side in (told, untold)]
    return (along - centre) / np.sqrt(sum(squares) / len(on))


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("backend", backend_names())
def test_held_out_scores_are_those_of_a_slow_loop(arch, backend):
    adapter = adapter_of(arch, backend)
    found = probe(adapter, PROMPTS, **FEW)
    states = capture_features(adapter, PROMPTS).states
    rng = np.random.default_rng(3)
    divisions = [grouped_splits(FIRST, PROMPTS.groups, 4, rng) for _ in range(2)]
    expected = np.zeros((len(states), len(PROMPTS)))
    for layer, x in enumerate(states):
        for splits in divisions:
            for on, held_out in splits:
                expected[layer, held_out] += fitted(x, on, FIRST)[held_out] / 2
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)
    np.testing.assert_allclose(found.auroc, [area(row, FIRST) for row in expected])
    np.testing.assert_allclose(found.baseline_scores[0], expected[0], atol=1e-6)
    assert found.baselines == (
        "layer 0",
        "token counts",
        "mean token id",
        "confidence",
        "preference to abstain",
    )
    mean_ids = np.array([np.mean(adapter.encode(p.text).tolist()) for p in PROMPTS])
    expected = [
        fitted(mean_ids[:, None], on, FIRST)[i]
        for i in range(len(PROMPTS))
        for splits in divisions
        for on, held_out in splits
        if i in held_out
    ]
    expected = np.reshape(expected, (len(PROMPTS), 2)).mean(1)
    np.testing.assert_allclose(found.baseline_scores[2], expected, atol=1e-6)
    # each prompt is scored at a layer that was picked for its part
    row, part = 0, {}
    for n, splits in enumerate(divisions):
        for _, held_out in splits:
            part |= {(n, i): found.layers.index(found.picked[row]) for i in held_out}
            row += 1
    assert row == len(found.picked) == 8
    for i in range(len(PROMPTS)):
        here = [
            fitted(states[part[n, i]], on, FIRST)[i] / 2
            for n, splits in enumerate(divisions)
            for on, held_out in splits
            if i in held_out
        ]
        np.testing.assert_allclose(found.selected[i], sum(here), atol=1e-6)
    # one wording is scored by fits on the other
    for on, held_out in left_out_templates(FIRST, PROMPTS.templates):
        for layer, x in enumerate(states):
            np.testing.assert_allclose(
                found.template_scores[layer, held_out], fitted(x, on, FIRST)[held_out], atol=1e-6
            )
    for layer in (0, 3):
        expected = states[layer, FIRST].mean(0) - states[layer, ~FIRST].mean(0)
        np.testing.assert_allclose(found.direction(layer).vector, expected)


@pytest.mark.parametrize(("few", "said"), [("told", "the first"), ("untold", "the second")])
def test_each_class_has_a_group_for_every_part(few, said):
    groups = [f"g{i % 3}" if label == few else f"h{i}" for i, label in enumerate(PROMPTS.labels)]
    check_groups(FIRST, groups, 3)
    with pytest.raises(ExperimentError, match=f"{said} class has prompts of 3 groups, and 4 parts"):
        check_groups(FIRST, groups, 4)


def test_picking_a_layer_looks_at_no_prompt_that_is_scored():
    """Labels of one held-out part are turned around: its picks and fits stay as they are."""
    from pytest_interp.experiments.probing import _best_layer

    states = np.random.default_rng(0).normal(size=(5, 32, 6))
    (on, held_out), *_ = grouped_splits(FIRST, PROMPTS.groups, 4, np.random.default_rng(1))
    turned = FIRST.copy()
    turned[held_out] = ~turned[held_out]
    fit = difference_of_means(states)
    np.testing.assert_array_equal(fit(on, FIRST), fit(on, turned))
    picks = {
        _best_layer(fit, on, first, PROMPTS.groups, np.random.default_rng(2))
        for first in (FIRST, turned)
    }
    assert len(picks) == 1


def test_the_logistic_probe_is_scikit_learns():
    linear_model = pytest.importorskip("sklearn.linear_model")
    states = np.random.default_rng(0).normal(size=(2, 32, 6)) * 3 + 5
    states[1, FIRST, 2] += 30
    ((on, held_out), *_) = grouped_splits(FIRST, PROMPTS.groups, 4, np.random.default_rng(1))
    found = logistic(states, 0)(on, FIRST)
    for layer, x in enumerate(states):
        z = (x - x[on].mean(0)) / x[on].std(0)
        model = linear_model.LogisticRegression(C=0.01, max_iter=1000).fit(z[on], FIRST[on])
        expected = fitted(z, on, FIRST, model.coef_[0])
        np.testing.assert_allclose(found[layer], expected, atol=1e-4)
    assert area(found[1, held_out], FIRST[held_out]) > 0.9


@pytest.mark.parametrize("backend", backend_names())
def test_a_logistic_probe_is_held_out_as_well(backend):
    pytest.importorskip("sklearn")
    adapter = adapter_of("gpt2", backend)
    found = probe(adapter, PROMPTS, method="logistic", layers=[1, 2], **FEW | {"repeats": 1})
    states = capture_features(adapter, PROMPTS, layers=[1, 2]).states
    fit, expected = logistic(states, 3), np.empty((2, len(PROMPTS)))
    for on, held_out in grouped_splits(FIRST, PROMPTS.groups, 4, np.random.default_rng(3)):
        expected[:, held_out] = fit(on, FIRST)[:, held_out]
    np.testing.assert_allclose(found.scores, expected, atol=1e-4)


@pytest.mark.guarantee(
    "messages",
    "A logistic probe without scikit-learn is refused before anything runs.",
    sees="The extra that installs it: pytest-interp[probes].",
)
def test_without_scikit_learn_a_logistic_probe_is_refused_before_it_runs(monkeypatch, passes):
    adapter, rows = passes("nnsight")
    monkeypatch.setattr("pytest_interp.experiments.fits.find_spec", lambda name: None)
    with pytest.raises(ExperimentError, match=r"pip install 'pytest-interp\[probes\]'"):
        probe(adapter, PROMPTS, method="logistic", **FEW)
    assert rows == []


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(("site", "position"), [("mlp_out", 0), ("head", -2)])
def test_a_probe_reads_any_site_at_any_position(backend, site, position):
    adapter = adapter_of("llama", backend)
    found = probe(adapter, PROMPTS, site=site, position=position, **FEW)
    states = capture_features(adapter, PROMPTS, site, position).states
    for layer, x in enumerate(states):
        np.testing.assert_allclose(
            found.direction(layer).vector, x[FIRST].mean(0) - x[~FIRST].mean(0)
        )
    assert found.direction(0).site == site


@pytest.mark.parametrize("seed", range(20))
def test_splits_share_no_group_and_keep_the_classes_even(seed):
    rng = np.random.default_rng(seed)
    first = rng.random(60) < 0.4
    groups = [f"g{g}" for g in rng.integers(0, 20, size=60)]
    splits = grouped_splits(first, groups, 5, rng)
    assert sorted(np.concatenate([scored for _, scored in splits])) == list(range(60))
    for on, scored in splits:
        assert set(on) | set(scored) == set(range(60))
        assert not set(on) & set(scored)
        assert not {groups[i] for i in on} & {groups[i] for i in scored}
        for side in (first, ~first):
            share = side[scored].sum() / side.sum()
            assert 0 < share < 0.45


def test_shuffled_labels_keep_what_groups_share():
    rng = np.random.default_rng(0)
    pure = np.repeat([True, True, False, False, False], 4)
    pure_groups = [f"g{i // 4}" for i in range(20)]
    mixed_groups = [f"m{i // 4}" for i in range(20)]
    mixed = np.tile([True, False, False, False], 5)
    drawn = [shuffled(pure, pure_groups, rng).reshape(5, 4) for _ in range(200)]
    assert all((d == d[:, :1]).all() and d[:, 0].sum() == 2 for d in drawn)
    np.testing.assert_allclose(np.mean([d[:, 0] for d in drawn], 0), 0.4, atol=0.12)
    drawn = [shuffled(mixed, mixed_groups, rng).reshape(5, 4) for _ in range(200)]
    assert all((d.sum(1) == 1).all() for d in drawn)
    np.testing.assert_allclose(np.mean(drawn, 0), 0.25, atol=0.12)


def test_a_group_is_never_split_by_the_set_either():
    for seed in range(10):
        one, other = PROMPTS.split(seed=seed)
        assert not set(one.groups) & set(other.groups)
        assert set(one.classes) == set(other.classes) == {"told", "untold"}


@pytest.mark.guarantee(
    "red",
    "A probe needs two classes, and prompts of enough groups for every part of its "
    "cross-validation.",
    sees="A refusal that says how many groups there are, and what to change.",
)
def test_sets_that_cannot_be_split_are_refused():
    adapter = adapter_of("gpt2", "nnsight")
    with pytest.raises(PromptError, match="two are compared"):
        probe(adapter, PROMPTS.of("told"))
    with pytest.raises(ExperimentError, match="of 3 groups, and 5 parts need a group each"):
        probe(adapter, tiny_prompts(24, groups=3))
    with pytest.raises(PromptError, match="too few groups to split"):
        tiny_prompts(8, groups=1).split()


@pytest.mark.parametrize(
    "asked", [{"folds": 1}, {"repeats": 0}, {"shuffles": 18}, {"method": "lda"}, {"seed": -1}]
)
def test_options_that_make_no_sense_are_refused(asked):
    with pytest.raises(InterpError):
        ProbeOptions(**asked)
