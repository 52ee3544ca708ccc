"""Fitting a linear probe on some prompts and scoring all of them, at every layer at once.

No torch here. A score is the projection on the fitted direction, in standard deviations of the
prompts that were fitted, from the point midway between their classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import cast

import numpy as np

from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.splits import Indices
from pytest_interp.options.probe import Method
from pytest_interp.stats.separation import Bools, Floats

Fit = Callable[[Indices, Bools], Floats]
"""From the prompts to fit on and the labels of all prompts [prompt] to scores [layer, prompt].

The labels of other prompts are not looked at."""


def fit_of(method: Method, states: Floats, seed: int) -> Fit:
    """The fit of a method to states [layer, prompt, d].

    Raises:
        ExperimentError: scikit-learn, which the method needs, is not installed.
    """
    return (
        difference_of_means(states) if method == "difference_of_means" else logistic(states, seed)
    )


def check_method(method: Method) -> None:
    """Raise where a method needs what is not installed.

    Raises:
        ExperimentError: scikit-learn is missing.
    """
    if method == "logistic" and find_spec("sklearn") is None:
        raise ExperimentError(
            "the method 'logistic' needs scikit-learn: pip install 'pytest-interp[probes]'",
            about="method",
        )


def difference_of_means(states: Floats) -> Fit:
    """Project on the difference between the means of the classes.

    Only products between prompts are needed, so that a fit costs nothing however wide the model.
    """
    centred = states - states.mean(1, keepdims=True)
    products = centred @ centred.swapaxes(1, 2)

    def fit(on: Indices, first: Bools) -> Floats:
        weights = np.where(first[on], 1.0, -1.0)
        weights /= np.where(first[on], first[on].sum(), (~first[on]).sum())
        return _standardised(products[:, :, on] @ weights, on, first)

    return fit


def logistic(states: Floats, seed: int) -> Fit:
    """L2-regularised logistic regression on standardised features, layer by layer.

    Raises:
        ExperimentError: scikit-learn is not installed.
    """
    check_method("logistic")
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    def fit(on: Indices, first: Bools) -> Floats:
        found = np.empty(states.shape[:2])
        for layer, x in enumerate(states):
            if not np.isfinite(x).all():
                found[layer] = np.nan  # as a difference of means, which is not refused either
                continue
            scale = StandardScaler().fit(x[on])
            model = LogisticRegression(C=0.01, max_iter=1000, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one that has not converged is as good a probe
                model.fit(scale.transform(x[on]), first[on])
            found[layer] = model.decision_function(scale.transform(x))
        return _standardised(found, on, first)

    return fit


def _standardised(projected: Floats, on: Indices, first: Bools) -> Floats:
    """Scores [layer, prompt] on a scale that different fits share, so that they can be ranked."""
    one, other = projected[:, on[first[on]]], projected[:, on[~first[on]]]
    means = one.mean(1), other.mean(1)
    spread = np.sqrt((one.var(1) * one.shape[1] + other.var(1) * other.shape[1]) / len(on))
    # classes without any spread are told apart by the sign alone
    spread = np.where(spread > 0, spread, 1.0)
    return cast(Floats, (projected - (means[0] + means[1])[:, None] / 2) / spread[:, None])
