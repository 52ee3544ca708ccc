"""A direction between two classes: the difference of their mean activations."""

from __future__ import annotations

import numpy as np

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import SiteKind
from pytest_interp.experiments.features import capture_features
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.results.direction import Direction


def class_direction(
    adapter: ModelAdapter,
    prompts: PromptSet,
    layer: int,
    site: SiteKind | str = "resid_post",
    position: int = -1,
) -> Direction:
    """The mean activation of the first class minus that of the second.

    Marks and Tegmark 2023 (arXiv 2310.06824). Try it on prompts of other groups:
    ``fitted, tried = prompts.split()``.

    Args:
        adapter: the model under a backend.
        prompts: prompts of two classes.
        layer: where the activations are read.
        site: a kind of site that holds one vector per token.
        position: the token that is read; -1 is the last.

    Raises:
        PromptError: there are not two classes.
        ExperimentError: the model has no such layer, or the errors of ``capture_features``.
    """
    first, second = prompts.pair()
    features = capture_features(adapter, prompts, site, position, [layer])
    is_first = np.array([label == first for label in prompts.labels])
    states = features.states[0]
    return Direction(
        vector=states[is_first].mean(0) - states[~is_first].mean(0),
        layer=layer,
        site=str(features.kind),
        origin=f"mean of {first} minus mean of {second} in {prompts.name!r}",
        fingerprint=adapter.provenance().fingerprint,
        groups=frozenset(prompts.groups),
        texts=frozenset(prompt.text for prompt in prompts),
    )
