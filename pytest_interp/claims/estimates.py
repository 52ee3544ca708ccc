"""An estimated effect: decided only where the error of the estimates could not turn it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import parse_site
from pytest_interp.claims.groups import require
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.places import Layers, layers_listed
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, least_effect, most_effect, shown
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import Sense
from pytest_interp.results.estimates import COLUMNS, Estimates


@dataclass(frozen=True, eq=False)
class _Cell:
    """For each fact the numbers of a head, or of the tokens of a column; some computed exactly."""

    site: str
    layer: int
    place: str | int
    """The column of tokens, or the head."""
    estimates: Sequence[Floats]
    """Of each fact [token]."""
    exact: Sequence[Floats]
    """Of each fact [token]; NaN where it was not computed."""

    @property
    def where(self) -> str:
        mark = "@" if isinstance(self.place, str) else "."
        return f"{self.site}.{self.layer}{mark}{self.place}"

    def values(self, moved: float = 0.0) -> Floats:
        """The number of the strongest token [fact]; 0 of a fact without such a token.

        Where there is an exact number it counts; where there is none, the estimate, moved by so
        much. Which token is the strongest follows from these: it may be one whose estimate is
        small.
        """
        each = zip(self.estimates, self.exact, strict=True)
        known = [np.where(np.isnan(exact), guess + moved, exact) for guess, exact in each]
        return np.array([one.max() if one.size else 0.0 for one in known])

    @property
    def is_exact(self) -> bool:
        return not any(np.isnan(one).any() for one in self.exact)


@checking
def check_estimated_effect(
    estimates: Estimates,
    cells: str | Sequence[str],
    layer_range: Layers | None = None,
    *,
    at_least: float,
    others_at_most: float | None = None,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that cells have an effect by attribution patching, and that other cells have none.

    An estimate may be wrong, so the claim counts with an error: the largest one among the cells of
    its site that were computed exactly. It is decided only where moving all estimates by that much,
    either way, would not turn it. Of cells that were computed exactly the exact number counts. If
    nothing of a site was computed exactly the claim is inconclusive.

    Args:
        estimates: what :func:`pytest_interp.attribution_patching` returns, with ``verify``.
        cells: ``head.9.6``, ``mlp_out.5@last``, or ``resid_post@subject`` with ``layer_range``; or
            several of these.
        layer_range: a ``range``, an inclusive pair, or one layer, for cells without a layer.
        at_least: least mean effect of each, as a share of the gap.
        others_at_most: most effect of all other cells of the same sites, without it nothing is
            claimed of them.
        **given: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: these are no estimates, or the claim is badly stated.
        UnknownNameError: there is no such site.
    """
    require(estimates, Estimates, "attribution_patching(adapter, facts, verify=...)")
    terms = Terms.of(check_estimated_effect, given)
    least = least_effect("at_least", at_least)
    given_cells: object = cells
    if not isinstance(given_cells, str | Component | Iterable) or isinstance(given_cells, bytes):
        raise ClaimError(f"cells={shown(cells)}: name one or several, as 'head.9.6'")
    texts = list(map(str, [cells] if isinstance(cells, str | Component) else cells))
    if not texts:
        raise ClaimError("cells is empty: name at least one, as 'head.9.6'")
    named = [cell for text in texts for cell in _named(estimates, text, layer_range)]
    claim = f"{' and '.join(texts)} have an effect of at least {least:.2f} by attribution"
    sides: list[tuple[_Cell, Sense, float]] = [(cell, "at least", least) for cell in named]
    if others_at_most is not None:
        most = most_effect("others_at_most", others_at_most, least, f"at_least={least:g}")
        claim += f", all others at most {most:.2f}"
        sides += [(cell, "at most", most) for cell in _others(estimates, named)]
    return _decide(claim, estimates, sides, terms)


assert_estimated_effect = register_claim("estimated_effect")(asserting(check_estimated_effect))


def _decide(
    claim: str,
    estimates: Estimates,
    sides: Sequence[tuple[_Cell, Sense, float]],
    terms: Terms,
) -> Verdict:
    """As the numbers say, unless the error could turn it."""
    errors = {cell.site: estimates.largest_error(cell.site) for cell, _, _ in sides}

    def decided(by: int) -> Verdict:
        """With estimates moved against the claim by the error (1), in its favour (-1), or not."""
        demands = []
        for cell, sense, limit in sides:
            error = by * (errors[cell.site] or 0.0) if by and not cell.is_exact else 0.0
            values = cell.values(-error if sense == "at least" else error)
            demands.append(Demand(cell.where, values, sense, limit))
        direction = estimates.direction
        return decide_over_facts(claim, estimates, demands, terms, direction=direction)

    verdict = decided(0)
    if verdict.status is Status.INCONCLUSIVE:
        return verdict
    open_ = [cell for cell, _, _ in sides if not cell.is_exact]
    for site in dict.fromkeys(cell.site for cell in open_):
        error = errors[site]
        if error is None:
            return _undecided(
                verdict,
                f"An estimate alone decides nothing, and no cell of {site} was computed exactly: "
                "ask for attribution_patching(..., verify=20), or trace the site",
            )
        if not math.isfinite(error):
            said = f"a cell of {site} that was computed exactly is no finite number"
            return _undecided(verdict, f"{said}, so that nothing bounds the error of the estimates")
    other = decided(1 if verdict.status is Status.PASSED else -1)
    if other.status is verdict.status:
        return verdict
    said = ", ".join(f"{site} {errors[site]:.3f}" for site in dict.fromkeys(c.site for c in open_))
    return _undecided(
        verdict,
        f"By the estimates it {'holds' if verdict.status is Status.PASSED else 'is false'}, but "
        f"their largest error where they were computed exactly ({said}) could turn it: compute "
        "more cells exactly by verify=, take more steps, or trace the site",
    )


def _undecided(verdict: Verdict, why: str) -> Verdict:
    return replace(verdict, status=Status.INCONCLUSIVE, sentence=f"{why}.")


def _named(estimates: Estimates, text: str, layer_range: Layers | None) -> Iterator[_Cell]:
    """The cells that a text names."""
    if "@" in text:
        site = parse_site(text)
        kind, layer, unit, column = site.kind, site.layer, site.head, site.position
    else:
        part = Component.of(text)
        kind, layer, unit, column = part.site.kind, part.layer, part.index, None
    if estimates.is_by_token(kind.name):
        if column is None:
            raise ClaimError(f"write the cell {text!r} with its tokens, as in '{text}@last'")
        if isinstance(column, int) and len({len(t) for t in estimates.str_tokens}) > 1:
            raise ClaimError(
                f"token {column} means different things in prompts of different length: use "
                "subject, subject_last or last"
            )
        for one in _layers(estimates, text, layer, layer_range):
            yield _at(estimates, kind.name, one, column if isinstance(column, str) else str(column))
        return
    asked = estimates.options.position
    if column is not None and column != asked:
        raise ClaimError(
            f"{text!r} is about {column}, but the estimates of {kind} are at {asked!r}: ask for "
            f"attribution_patching(..., position={column!r})"
        )
    units = estimates.change[kind.name].shape[2]
    if unit is None or unit >= units:
        raise ClaimError(
            f"{text!r} names no part of {kind} that there is: they are 0 to {units - 1}, as in "
            f"'{kind}.{estimates.layers[-1]}.{units - 1}'"
        )
    for one in _layers(estimates, text, layer, layer_range):
        yield _unit(estimates, kind.name, one, unit)


def _layers(
    estimates: Estimates, text: str, layer: int | None, layer_range: Layers | None
) -> Iterable[int]:
    span = layer_range if layer is None else layer
    if span is None or (layer is not None and layer_range is not None):
        raise ClaimError(f"give {text!r} either a layer of its own, or layer_range")
    return layers_listed(estimates.layers, span)


def _at(estimates: Estimates, site: str, layer: int, column: str) -> _Cell:
    at = estimates.layers.index(layer)
    tokens = [list(estimates.positions(i, _role(column))) for i in range(len(estimates))]
    found, exact = (
        [one[i, at, of_fact] for i, of_fact in enumerate(tokens)]
        for one in (estimates.effect(site), estimates.exact_effect(site))
    )
    return _Cell(site, layer, column, found, exact)


def _unit(estimates: Estimates, site: str, layer: int, unit: int) -> _Cell:
    at = estimates.layers.index(layer)
    found, exact = estimates.effect(site), estimates.exact_effect(site)
    return _Cell(site, layer, unit, [*found[:, at, unit, None]], [*exact[:, at, unit, None]])


def _others(estimates: Estimates, named: Sequence[_Cell]) -> Iterator[_Cell]:
    """All other cells of the sites that are named."""
    for site in dict.fromkeys(cell.site for cell in named):
        taken = {(cell.layer, cell.place) for cell in named if cell.site == site}
        if not estimates.is_by_token(site):
            units = range(estimates.change[site].shape[2])
            for layer in estimates.layers:
                yield from (
                    _unit(estimates, site, layer, u) for u in units if (layer, u) not in taken
                )
            continue
        used = {str(place) for _, place in taken}
        by_index = len(estimates) == 1 or any(one.lstrip("-").isdecimal() for one in used)
        for layer in estimates.layers:
            own = {str(place) for at, place in taken if at == layer}
            if by_index:
                there = {p for one in own for p in estimates.positions(0, _role(one))}
                rest = [str(p) for p in range(len(estimates.str_tokens[0])) if p not in there]
            else:
                covered = own | ({"subject"} if "subject_last" in own else set())
                rest = [column for column in COLUMNS if column not in covered]
            yield from (_at(estimates, site, layer, column) for column in rest)


def _role(place: str) -> str | int:
    return int(place) if place.lstrip("-").isdecimal() else place
