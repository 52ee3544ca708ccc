"""Parts of a run: which rows of an activation a patch changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import RESID_PRE, Site
from pytest_interp.errors import ExperimentError


@dataclass(frozen=True)
class Part:
    """A part of the activation at one site."""

    site: Site
    positions: tuple[int, ...] | None = None
    """Token positions, negative ones from the end; None for all. Of a pattern: the queries."""
    index: tuple[int, ...] | None = None
    """Heads, key-value heads or neurons, whichever the site has; None for all."""
    keys: tuple[int, ...] | None = None
    """Of a pattern: the positions that are looked at, negative ones from the end; None for all."""

    def __str__(self) -> str:
        text = str(self.site)
        for of, chosen in (("", self.index), ("@", self.positions), ("<-", self.keys)):
            if chosen is not None:
                text += f"{of or '.'}{','.join(map(str, chosen))}"
        return text

    def at(self, n_positions: int) -> list[int]:
        """The positions, counted from the beginning of this many."""
        return _counted(self.positions, n_positions)

    def chosen(self, n_positions: int) -> dict[str, list[int]]:
        """What of each dimension is changed, by the name of the dimension; others wholly."""
        kind = self.site.kind
        named = {
            kind.position_dim: None if self.positions is None else self.at(n_positions),
            kind.unit_dim: None if self.index is None else list(self.index),
            "key": None if self.keys is None else _counted(self.keys, n_positions),
        }
        return {dim: ids for dim, ids in named.items() if dim is not None and ids is not None}


Patch = tuple[Part, ...]
"""Parts that are changed together."""


def joins_at(patch: Patch) -> Site:
    """Where the rows of a patch join: at its first part, or where that part's block begins."""
    first = min((part.site for part in patch), key=lambda site: site.execution_order)
    return first if first.kind.rows_join else Site(RESID_PRE, first.layer)


def check_patches(adapter: ModelAdapter, patches: Sequence[Patch], n_positions: int) -> None:
    """Refuse parts that the runs do not have.

    Raises:
        ExperimentError: a position, a head, a key-value head or a neuron that is not there.
        UnsupportedSiteError: a site that the model lacks, or that cannot be edited.
    """
    seen: set[Part] = set()
    for patch in patches:
        for part in patch:
            if part not in seen:
                seen.add(part)
                _check(adapter, part, n_positions)


def _check(adapter: ModelAdapter, part: Part, n_positions: int) -> None:
    adapter.check_site(part.site, edited=True)
    for positions in (part.positions, part.keys):
        for position in positions or ():
            if not -n_positions <= position < n_positions:
                raise ExperimentError(
                    f"{part} asks for position {position}: the prompts have {n_positions} tokens, "
                    f"0 to {n_positions - 1}"
                )
    if part.keys is not None and "key" not in part.site.kind.dims:
        raise ExperimentError(f"{part} names keys, which {part.site} does not have: only a pattern")
    if part.index is None:
        return
    for index in part.index:
        adapter.sizes.check_unit(adapter.name, part.site.kind, index)


def _counted(positions: Sequence[int] | None, n: int) -> list[int]:
    return [position % n for position in positions or ()]
