"""A share of what a whole model does, as a number of each fact."""

from __future__ import annotations

import numpy as np

from pytest_interp.claims.over_facts import scope_of
from pytest_interp.claims.terms import Terms
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import OverFacts


def known_facts(result: OverFacts, terms: Terms) -> list[int]:
    """Indices of the facts that the model knows."""
    return [i for i, why in enumerate(result.unknown_because(terms.min_gap)) if why is None]


def shares(result: OverFacts, terms: Terms, part: Floats, whole: Floats) -> Floats:
    """Mean part divided by mean whole over the known facts, as numbers of each fact [fact].

    The mean of these numbers is the ratio of the two means, and their spread is that of the ratio
    to first order (the delta method). A mean of ratios would hang on the facts whose whole is
    smallest. Where every template has to hold on its own each has its own ratio. Facts that the
    model does not know have NaN, and so have all of a sample whose mean whole is not above 0: a
    share of it says nothing.

    Args:
        result: what was measured.
        terms: which facts count.
        part: [fact].
        whole: [fact].
    """
    found = np.full(len(result), np.nan)
    known = known_facts(result, terms)
    for sample in scope_of(result, known).samples() if known else ():
        members = [known[i] for i in sample.members]
        top, bottom = part[members], whole[members]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = top.mean() / bottom.mean()
            found[members] = ratio + (top - ratio * bottom) / bottom.mean()
        if not bottom.mean() > 0:
            found[members] = np.nan
    return found
