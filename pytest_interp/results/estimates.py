"""Estimates of what patching each cell would do, and some of them beside the exact number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from pytest_interp.adapters.sites import SiteKind, parse_kind
from pytest_interp.errors import ClaimError
from pytest_interp.options.estimates import EstimateOptions
from pytest_interp.results.base import Axis, Floats, Reading, dtype_of, frozen
from pytest_interp.results.over_facts import rounded
from pytest_interp.results.paired import PairedFacts
from pytest_interp.results.tolerances import Tolerance, float_tolerance

COLUMNS = ("subject", "elsewhere", "last")
"""Tokens as a set of facts has them: of each the strongest counts."""
_MOST_CELLS = 4000
"""Cells of a map that the JSON holds; of larger ones it holds the largest numbers."""
_LARGEST = 50


class Largest(NamedTuple):
    """A cell, and its mean effect over facts."""

    cell: str
    effect: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimates(PairedFacts):
    """For each site a map of the estimated change of the metric, cell by cell.

    Maps are [fact, layer, token], or [fact, layer, head] where a site has heads, key-value heads or
    neurons. A fact with fewer tokens than others has NaN at the end.

    Raises:
        ClaimError: a map has another shape than its facts and layers.
    """

    options: EstimateOptions
    layers: tuple[int, ...]
    str_tokens: tuple[tuple[str, ...], ...]
    """Of each fact."""
    subject_positions: tuple[tuple[int, ...], ...]
    """Of each fact."""
    change: Mapping[str, Floats]
    """By site: how much the metric would change if the cell alone were patched, in its unit."""
    exact: Mapping[str, Floats]
    """The same, computed by patching; NaN in all cells where it was not, and infinite where what
    was computed is not a number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("change", "exact"):
            maps = {site: frozen(one, float) for site, one in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(maps))
        self._check()

    def _check(self) -> None:
        n = len(self.facts)
        for name in ("str_tokens", "subject_positions"):
            if len(getattr(self, name)) != n:
                raise ClaimError(f"{name} of an Estimates has {len(getattr(self, name))} of {n}")
        for name in ("change", "exact"):
            maps: Mapping[str, Floats] = getattr(self, name)
            for site, one in self.change.items():
                found = np.shape(maps.get(site, ()))
                if found != one.shape or found[:2] != (n, len(self.layers)) or len(found) != 3:
                    raise ClaimError(
                        f"{name} of an Estimates is [fact, layer, place] for each site, and has the"
                        f" shape {found} for {site}: there are {n} facts and {len(self.layers)} "
                        "layers"
                    )

    def _picked(self, chosen: list[int]) -> dict[str, Any]:
        return {
            **super()._picked(chosen),
            "str_tokens": tuple(self.str_tokens[i] for i in chosen),
            "subject_positions": tuple(self.subject_positions[i] for i in chosen),
            "change": {site: one[chosen] for site, one in self.change.items()},
            "exact": {site: one[chosen] for site, one in self.exact.items()},
        }

    def measured_arrays(self) -> Mapping[str, Floats]:
        return {f"the map of {site}": self.effect(site) for site in self.change}

    def effect(self, site: SiteKind | str) -> Floats:
        """Estimates as shares of the gap [fact, layer, place]: 0 does nothing, 1 moves all of it.

        Raises:
            ClaimError: the site was not asked for.
        """
        return np.asarray(self.change[self._asked(site)] / self.gap[:, None, None])

    def exact_effect(self, site: SiteKind | str) -> Floats:
        """The same of what was computed exactly; NaN elsewhere."""
        return np.asarray(self.exact[self._asked(site)] / self.gap[:, None, None])

    def errors(self, site: SiteKind | str) -> Floats:
        """Mean over facts of estimate minus exact number [cell], of the cells that have both.

        Of facts that the model knows; of all, where it knows none.
        """
        known = [i for i, why in enumerate(self.unknown_because()) if why is None]
        some = self.pick(known) if known else self
        apart = some.effect(site) - some.exact_effect(site)
        there = ~np.isnan(some.exact[self._asked(site)])
        count = there.sum(0)
        total = np.where(there, apart, 0.0).sum(0)
        return np.asarray(total[count > 0] / count[count > 0])

    def largest_error(self, site: SiteKind | str) -> float | None:
        """The largest of these errors, either way; None where nothing was computed exactly."""
        errors = self.errors(site)
        return float(np.abs(errors).max()) if errors.size else None

    def is_by_token(self, site: SiteKind | str) -> bool:
        """Whether the map of a site has tokens; others have heads or neurons."""
        return parse_kind(self._asked(site)).unit_dim is None

    def positions(self, fact: int, column: str | int) -> tuple[int, ...]:
        """Token positions of one of :data:`COLUMNS`, of ``subject_last``, or of an index.

        Raises:
            ClaimError: the prompt has no such token.
        """
        n, subject = len(self.str_tokens[fact]), self.subject_positions[fact]
        if isinstance(column, int):
            if not -n <= column < n:
                raise ClaimError(
                    f"position {column} is outside of the prompt, which has {n} tokens "
                    f"{list(self.str_tokens[fact])}"
                )
            return (column % n,)
        named = {"subject": subject, "subject_last": subject[-1:], "last": (n - 1,)}
        if column == "elsewhere":
            return tuple(i for i in range(n - 1) if i not in subject)
        return named[column]

    def by_column(self, site: SiteKind | str, column: str | int) -> tuple[Floats, Floats]:
        """Estimates and exact numbers of the strongest token of a column [fact, layer].

        A fact without such a token has 0 in both. The exact number is NaN where that token was not
        computed.
        """
        estimates, exact = self.effect(site), self.exact_effect(site)
        shape = estimates.shape[:2]
        found, known = np.zeros(shape), np.zeros(shape)
        for fact in range(len(self)):
            positions = list(self.positions(fact, column))
            if positions:
                best = np.argmax(estimates[fact][:, positions], axis=1)
                at = (fact, np.arange(shape[1]), np.asarray(positions)[best])
                found[fact], known[fact] = estimates[at], exact[at]
        return found, known

    def means(self, site: SiteKind | str) -> Floats:
        """Mean estimate over facts: [layer, token] of one fact, [layer, column] of several.

        [layer, head] where the site has heads.
        """
        if not self.is_by_token(site) or len(self) == 1:
            return np.asarray(self.effect(site).mean(0))
        columns = [self.by_column(site, column)[0].mean(0) for column in COLUMNS]
        return np.stack(columns, axis=1)

    def labels(self, site: SiteKind | str) -> tuple[str, ...]:
        """What the second dimension of :meth:`means` counts."""
        if not self.is_by_token(site):
            return tuple(map(str, range(self.change[self._asked(site)].shape[2])))
        if len(self) > 1:
            return COLUMNS
        return tuple(map(str, range(len(self.str_tokens[0]))))

    def largest(self) -> Largest | None:
        """The cell of all sites whose mean estimate is furthest from 0; None where one is NaN."""
        cells = list(self._cells())
        if not cells or not np.isfinite([one.effect for one in cells]).all():
            return None
        return max(cells, key=lambda one: abs(one.effect))

    def _cells(self) -> Iterator[Largest]:
        for site in self.change:
            means, labels = self.means(site), self.labels(site)
            row, column = np.unravel_index(int(np.argmax(np.abs(means))), means.shape)
            mark = "@" if self.is_by_token(site) else "."
            name = f"{site}.{self.layers[row]}{mark}{labels[column]}"
            yield Largest(name, float(means[row, column]))

    def _asked(self, site: SiteKind | str) -> str:
        if str(site) not in self.change:
            raise ClaimError(
                f"{str(site)!r} was not estimated, but {', '.join(self.change)}: ask for "
                f"attribution_patching(..., sites=({str(site)!r},))"
            )
        return str(site)

    def to_json(self) -> dict[str, Any]:
        """Mean estimates by site, and the largest error of each; without provenance."""
        return {
            "kind": "attribution_patching",
            **self.facts_json(),
            **self.options.to_json(),
            "layers": list(self.layers),
            "estimates": {site: _held(self.means(site)) for site in self.change},
            "largest_error": {site: self._error(site) for site in self.change},
        }

    def _error(self, site: str) -> float | None:
        error = self.largest_error(site)
        return None if error is None else round(error, 5)

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Numbers by the dtype of the model."""
        names = ("clean_metric", "corrupt_metric", "estimates", "largest_error")
        return dict.fromkeys(names, float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return dict.fromkeys(("clean_metric", "corrupt_metric"), (Axis("fact", "ids"),))

    def summary(self) -> str:
        found = self.largest()
        if found is None:
            return "the largest estimate is undefined"
        errors = {site: self.largest_error(site) for site in self.change}
        said = [f"{site} {error:.3f}" for site, error in errors.items() if error is not None]
        checked = f"largest error {', '.join(said)}" if said else "nothing was computed exactly"
        return f"largest estimate {found.effect:.3f} at {found.cell}; {checked}"

    def readings(self) -> tuple[Reading, ...]:
        found = self.largest()
        if found is None:
            return ()
        return (Reading(f"largest estimate, at {found.cell}", found.effect, "of the gap"),)


def _held(means: Floats) -> Any:
    """A map as the JSON has it; of a map with many cells only the largest sizes, in order."""
    if means.size <= _MOST_CELLS:
        return rounded(means)
    return rounded(-np.sort(-np.abs(means), axis=None)[:_LARGEST])
