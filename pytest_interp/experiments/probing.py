"""Linear probes: can the class of a prompt be read from what a model holds, layer by layer?

Alain and Bengio 2016 (arXiv 1610.01644); the control task is that of Hewitt and Liang 2019 (arXiv
1909.03368). Being readable does not mean being used: for that, steer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.experiments.features import Features, capture_features
from pytest_interp.experiments.fits import Fit, check_method, difference_of_means, fit_of
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.splits import (
    Split,
    check_groups,
    grouped_splits,
    left_out_templates,
    shuffled,
)
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.probe import ProbeOptions
from pytest_interp.results.probe import ProbeResult
from pytest_interp.stats.separation import Bools, Floats, area

INNER_FOLDS = 4
"""Parts of the cross-validation inside a fitted part, which picks its layer."""


def probe(
    adapter: ModelAdapter, prompts: PromptSet, options: ProbeOptions | None = None, **asked: Any
) -> ProbeResult:
    """Fit a probe at every layer, score every prompt by fits that saw none of its group.

    Three questions are asked of held-out prompts: what each layer gives; what the layer gives that
    looks best on the other prompts (there is no gain by picking); what fits on the other wordings
    give. Baselines are scored in the same way: layer 0, the counts of the tokens, and what the
    model itself shows (how much it prefers to abstain, how sure it is), and how rare its tokens are
    (the mean of their ids). The control task fits the same probes to shuffled labels.

    A layer that holds a number that is not finite is not read: its scores are NaN, the result says
    where that is, and no claim about it is decided.

    Args:
        adapter: the model under a backend.
        prompts: prompts of two classes.
        options: how the probe is fitted.
        asked: single options by name, in place of those of ``options``.

    Raises:
        PromptError: there are not two classes, or an abstaining answer is not one token.
        ExperimentError: a class has too few groups to split, or scikit-learn is missing and the
            method needs it; or the errors of :func:`capture_features`.
    """
    chosen = replace(options or ProbeOptions(), **asked)
    positive, _ = prompts.pair()
    first = np.array([label == positive for label in prompts.labels])
    check_groups(first, prompts.groups, chosen.folds)
    check_method(chosen.method)
    layers = layers_of(adapter, chosen.layers)
    features = capture_features(
        adapter, prompts, chosen.site, chosen.position, sorted({0, *layers})
    )
    problem, features = features.undefined, features.without_undefined()
    asked_rows = [features.layers.index(layer) for layer in layers]
    states = features.states[asked_rows]
    rng = np.random.default_rng(chosen.seed)
    divisions = [
        grouped_splits(first, prompts.groups, chosen.folds, rng) for _ in range(chosen.repeats)
    ]
    fit = fit_of(chosen.method, states, chosen.seed)
    scores, selected, picked = _held_out(fit, divisions, first, prompts.groups, layers, rng)
    by_template = list(left_out_templates(first, prompts.templates))
    baselines = _baselines(features, first, divisions)
    return ProbeResult(
        name=prompts.name,
        options=chosen,
        layers=layers,
        n_layers=adapter.n_layers,
        classes=prompts.pair(),
        ids=tuple(prompt.id for prompt in prompts),
        prompts=tuple(prompt.text for prompt in prompts),
        labels=prompts.labels,
        groups=prompts.groups,
        templates=prompts.templates,
        scores=scores,
        selected=selected,
        picked=picked,
        template_scores=_scored(fit, by_template, first) if by_template else None,
        baselines=tuple(baselines),
        baseline_scores=np.stack(list(baselines.values())),
        shuffled=_control_task(states, divisions[0], first, prompts.groups, chosen, rng),
        directions=states[:, first].mean(1) - states[:, ~first].mean(1),
        undefined=problem,
        provenance=adapter.provenance(chosen.seed),
    )


def _scored(fit: Fit, splits: Iterable[Split], first: Bools) -> Floats:
    """Held-out scores [layer, prompt] of splits that score each prompt once."""
    parts = [(scored, fit(on, first)[:, scored]) for on, scored in splits]
    found = np.empty((len(parts[0][1]), len(first)))
    for scored, values in parts:
        found[:, scored] = values
    return found


def _held_out(
    fit: Fit,
    divisions: Sequence[Sequence[Split]],
    first: Bools,
    groups: Sequence[str],
    layers: Sequence[int],
    rng: np.random.Generator,
) -> tuple[Floats, Floats, tuple[int, ...]]:
    """Scores [layer, prompt]; scores [prompt] at layers picked without the prompt; those layers."""
    scores = np.zeros((len(layers), len(first)))
    selected, picked = np.zeros(len(first)), []
    for done, splits in enumerate(divisions):
        for on, held_out in splits:
            found = fit(on, first)[:, held_out]
            best = _best_layer(fit, on, first, groups, rng)
            scores[:, held_out] += found / len(divisions)
            selected[held_out] += found[best] / len(divisions)
            picked.append(layers[best])
        progress.report("fitting probes", done + 1, len(divisions))
    return scores, selected, tuple(picked)


def _best_layer(
    fit: Fit, on: Any, first: Bools, groups: Sequence[str], rng: np.random.Generator
) -> int:
    """The layer that separates best inside these prompts, by cross-validation among them."""
    inside = [groups[i] for i in on]
    smallest = min(len({g for g, f in zip(inside, first[on], strict=True) if f == side})
                   for side in (True, False))  # fmt: skip
    folds = min(INNER_FOLDS, smallest)
    if folds < 2:
        return int(area(fit(on, first)[:, on], first[on]).argmax())
    scores = np.empty((0, 0))
    for fitted, scored in grouped_splits(first[on], inside, folds, rng):
        found = fit(on[fitted], first)[:, on[scored]]
        if not scores.size:
            scores = np.empty((len(found), len(on)))
        scores[:, scored] = found
    return int(area(scores, first[on]).argmax())


def _baselines(
    features: Features, first: Bools, divisions: Sequence[Sequence[Split]]
) -> dict[str, Floats]:
    """Held-out scores [prompt] of what a probe has to exceed, by name."""
    vocabulary = sorted({token for ids in features.tokens for token in ids})
    column = {token: i for i, token in enumerate(vocabulary)}
    counts = np.zeros((len(features.tokens), len(vocabulary) + 1))
    for row, ids in enumerate(features.tokens):
        for token in ids:
            counts[row, column[token]] += 1
        counts[row, -1] = len(ids)
    simple = {
        "layer 0": features.states[features.layers.index(0)],
        "token counts": counts,
        # tokenizers number their tokens in the order of their merges, which is that of frequency
        "mean token id": np.array([[np.mean(ids)] for ids in features.tokens]),
        "confidence": features.confidence[:, None],
    }
    if features.prompts.abstain:
        simple["preference to abstain"] = features.abstains_by[:, None]
    # one that is not finite stays: without it a claim would have less to exceed
    return {
        name: np.mean([_scored(difference_of_means(x[None]), s, first)[0] for s in divisions], 0)
        for name, x in simple.items()
    }


def _control_task(
    states: Floats,
    splits: Sequence[Split],
    first: Bools,
    groups: Sequence[str],
    options: ProbeOptions,
    rng: np.random.Generator,
) -> Floats:
    """AUROC [shuffle, layer] of probes fitted to shuffled labels, on held-out prompts.

    By difference of means whatever the method: hundreds of fits have to be cheap, and what labels
    without meaning give is a matter of the number of prompts and groups.
    """
    fit = difference_of_means(states)
    found = []
    for _ in range(options.shuffles):
        labels = shuffled(first, groups, rng)
        usable = [s for s in splits if 0 < labels[s[0]].sum() < len(s[0])]
        if len(usable) < len(splits):
            continue  # a part of the shuffled labels holds one class alone
        found.append(area(_scored(fit, usable, labels), labels))
    return np.array(found).reshape(-1, len(states))
