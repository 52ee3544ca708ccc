"""What a model needs of its components, and what it does without."""

from __future__ import annotations

from typing import Literal, Unpack, get_args

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.claims.groups import positive, require
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.ratios import known_facts, shares
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError, UnknownNameError
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control

Unit = Literal["share", "metric"]
MAKERS = "ablate(adapter, facts, components) or knock_out_attention(...)"
RANDOM_LIMIT = 0.5
"""Share of the claimed drop: what matters does at least twice what any of its kind does."""


@checking
def check_ablation_drops(
    ablations: Ablations,
    what: Component | str,
    *,
    at_least: float = 0.5,
    unit: Unit = "share",
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that the metric falls without a component, or without a set of them.

    It passes where the whole interval of the mean drop is at least ``at_least``. Random sets of as
    many components of the same kinds must not do as much: where their median drop is above half of
    this one the verdict is inconclusive. Of attention that is knocked out, the same is asked of as
    many other tokens.

    That a drop is small does not show that a component does nothing. Later components may take over
    (Wang et al. 2022, arXiv 2211.00593; McGrath et al. 2023, arXiv 2307.15771).

    Args:
        ablations: what :func:`pytest_interp.ablate` returns.
        what: a component, as ``head.9.6``, or the name of a set.
        at_least: least mean drop.
        unit: ``share`` counts the drop as a share of the mean of the metric after the clean
            prompts; ``metric`` in the unit of the metric, logits by default.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no ablation, an argument makes no sense, or the metric is no such thing
            as one can take a share of.
        UnknownNameError: this was not ablated, or there is no such unit.
    """
    require(ablations, Ablations, MAKERS)
    terms, least = Terms.of(check_ablation_drops, given), positive("at_least", at_least)
    if unit not in get_args(Unit):
        raise UnknownNameError.of("unit", unit, get_args(Unit))
    at = ablations.index(what)
    drop, name = ablations.drop[:, at], ablations.what[at]
    if unit == "share":
        _require_a_whole(ablations, terms, "give unit='metric', or ")
        values = shares(ablations, terms, drop, ablations.clean)
        said = f"{least:.0%} of its mean"
    else:
        values, said = drop, f"{least:g} {ablations.metric.unit}"
    return decide_over_facts(
        f"without {name} the {ablations.metric.name} falls by at least {said}",
        ablations,
        [Demand(f"drop without {name}", values, "at least", least)],
        terms,
        controls=[_control(ablations, name, terms)],
    )


@checking
def check_survives_ablation(
    ablations: Ablations,
    what: Component | str,
    *,
    keeps: float = 0.9,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that the metric is kept without a component, or without a set of them.

    It passes where the whole interval of the share that is kept, the mean of the metric without it
    by that of the clean prompts, is at least ``keeps``.

    Args:
        ablations: what :func:`pytest_interp.ablate` returns.
        what: a component, as ``head.9.6``, or the name of a set.
        keeps: least share of the metric.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no ablation, an argument makes no sense, or the metric is no such thing
            as one can take a share of.
        UnknownNameError: this was not ablated.
    """
    require(ablations, Ablations, MAKERS)
    terms, least = Terms.of(check_survives_ablation, given), positive("keeps", keeps)
    at = ablations.index(what)
    name = ablations.what[at]
    _require_a_whole(ablations, terms)
    kept = shares(ablations, terms, ablations.ablated[:, at], ablations.clean)
    return decide_over_facts(
        f"without {name} at least {least:.0%} of the mean {ablations.metric.name} is left",
        ablations,
        [Demand(f"share left without {name}", kept, "at least", least)],
        terms,
    )


assert_ablation_drops = register_claim("ablation_drops")(asserting(check_ablation_drops))
assert_survives_ablation = register_claim("survives_ablation")(asserting(check_survives_ablation))


def _require_a_whole(ablations: Ablations, terms: Terms, instead: str = "") -> None:
    """Raise where the metric of the clean prompts is nothing to take a share of.

    Raises:
        ClaimError: its mean is not above 0, as that of a log-probability: what falls then is a
            larger share of it.
    """
    known = known_facts(ablations, terms)
    whole = float(ablations.clean[known].mean()) if known else np.nan
    if whole <= 0:
        raise ClaimError(
            f"the mean {ablations.metric.name} of the clean prompts is {whole:.3g}, and a share "
            f"of what is not above 0 says nothing: {instead}ablate with a metric that is above 0 "
            "where the model is right, as logit_diff"
        )


def _control(ablations: Ablations, name: str, terms: Terms) -> Control:
    """What is drawn at random and does as much is no sign of this one."""
    known = known_facts(ablations, terms)
    own = float(ablations.drop[known, ablations.index(name)].mean()) if known else np.nan
    read = _random_sets if ablations.other_tokens is None else _other_tokens
    return read(ablations, name, known, own)


def _share(drops: Floats, own: float) -> float:
    """The median of drops, as a share of what the claim is about."""
    # of a metric that does not fall the claim is false, whatever others do
    return float(np.median(drops)) / own if own > 0 else 0.0


def _other_tokens(ablations: Ablations, name: str, known: list[int], own: float) -> Control:
    """What as many other tokens do, cut in the same layers, as a share of what these do."""
    drops = ablations.other_tokens_drop[:, ablations.index(name)][known]
    if not drops.size:
        why = ablations.no_other_tokens or "there are none to compare with"
        return Control("random tokens", None, RANDOM_LIMIT, why)
    means = drops.mean(0)
    note = (
        f"median drop with other tokens cut, of {len(means)} draws, as a share of this one; "
        f"the largest is {means.max():.2f}"
    )
    return Control("random tokens", _share(means, own), RANDOM_LIMIT, note)


def _random_sets(ablations: Ablations, name: str, known: list[int], own: float) -> Control:
    """What random sets of as many components do, as a share of what this one does."""
    columns = ablations.beside(name)
    if not columns or not known:
        return Control("random components", None, RANDOM_LIMIT, "there are none to compare with")
    drops = ablations.random_drop[np.ix_(known, columns)].mean(0)
    largest = int(np.argmax(drops))
    of = "+".join(ablations.random_members[columns[largest]])
    note = (
        f"median drop of {len(drops)} random sets, as a share of this one; "
        f"the largest is {drops[largest]:.2f} without {of if len(of) < 40 else of[:37] + '...'}"
    )
    return Control("random components", _share(drops, own), RANDOM_LIMIT, note)
