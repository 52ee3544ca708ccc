"""Parts of a set of labelled prompts that share no group. No torch here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pytest_interp.errors import ExperimentError
from pytest_interp.stats.separation import Bools

Indices = npt.NDArray[np.int64]
Split = tuple[Indices, Indices]
"""Prompts to fit on, and prompts to score."""


def grouped_splits(
    first: Bools, groups: Sequence[str], folds: int, rng: np.random.Generator
) -> list[Split]:
    """Cross-validation by whole groups, with the classes as even in each part as groups allow.

    Groups are dealt out in random order, those with the most prompts first; each goes to the part
    that has the fewest prompts of the group's classes.

    Raises:
        ExperimentError: a class has fewer groups than there are parts.
    """
    check_groups(first, groups, folds)
    names = np.array(list(dict.fromkeys(groups)))
    member = np.array([[g == name for g in groups] for name in names])
    counts = np.stack([member @ first, member @ ~first], axis=1).astype(float)
    order = rng.permutation(len(names))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    load = np.zeros((folds, 2))
    part = np.empty(len(groups), dtype=int)
    for g in order:
        cost = load @ counts[g]
        lightest = np.flatnonzero(cost == cost.min())
        chosen = lightest[load[lightest].sum(1).argmin()]
        load[chosen] += counts[g]
        part[member[g]] = chosen
    return [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(folds)]


def left_out_templates(first: Bools, templates: Sequence[str]) -> Iterator[Split]:
    """One split for each template, which is scored by fits on the others.

    Nothing where there is one template, or where one holds all prompts of a class.
    """
    names = np.array(templates)
    splits = [
        (np.flatnonzero(names != name), np.flatnonzero(names == name))
        for name in dict.fromkeys(templates)
    ]
    if len(splits) > 1 and all(0 < first[fit].sum() < len(fit) for fit, _ in splits):
        yield from splits


def check_groups(first: Bools, groups: Sequence[str], folds: int) -> None:
    """Raise unless each class has a group for every part.

    Raises:
        ExperimentError: it does not.
    """
    for one, is_of in (("first", first), ("second", ~first)):
        n = len({g for g, yes in zip(groups, is_of, strict=True) if yes})
        if n < folds:
            raise ExperimentError(
                f"the {one} class has prompts of {n} groups, and {folds} parts need a group each: "
                "add prompts of other groups, or ask for fewer folds",
                about="folds",
            )


def shuffled(first: Bools, groups: Sequence[str], rng: np.random.Generator) -> Bools:
    """The labels, shuffled: between groups where a group has one label, within it where it has two.

    What prompts of a group share therefore stays with one label, as in the true labels.
    """
    names = list(dict.fromkeys(groups))
    members = [np.flatnonzero([g == name for g in groups]) for name in names]
    made = first.copy()
    pure = [m for m in members if len(set(first[m].tolist())) == 1]
    labels = [bool(first[m[0]]) for m in pure]
    for m, label in zip(pure, rng.permutation(labels).tolist(), strict=True):
        made[m] = label
    for m in members:
        if len(set(first[m].tolist())) > 1:
            made[m] = rng.permutation(first[m])
    return made
