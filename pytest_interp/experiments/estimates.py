"""Attribution patching: what would patching each cell do, by the gradient?

Nanda 2023 (Attribution Patching); Syed et al. 2023 (arXiv 2310.10348); Kramar et al. 2024 (AtP*,
arXiv 2403.00745), who say where it fails; integrated gradients as in Hanna et al. 2024 (EAP-IG,
arXiv 2403.17806).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, SiteKind
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.batching import alike, rows_in_budget
from pytest_interp.experiments.gradients import gradient_products
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.pairs import Pairs, pairs_of
from pytest_interp.experiments.parts import Part, Patch
from pytest_interp.experiments.patches import patched
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.estimates import EstimateOptions
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.results.base import Floats
from pytest_interp.results.estimates import Estimates
from pytest_interp.results.over_facts import as_set


@torch.inference_mode(False)  # where tensors are made that no gradient goes through
def attribution_patching(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    options: EstimateOptions | None = None,
    **asked: Any,
) -> Estimates:
    """Estimate the effect of patching every cell of every asked site, one cell at a time.

    The estimate is (source activation - base activation) times the gradient of the metric in the
    base run: two forward passes and one backward pass for all cells. It is right where the model is
    close to linear between the two runs. It often is not at the first MLP, in the early residual
    stream, and where attention is saturated, so that an estimate near 0 may hide a large effect.
    ``verify`` therefore computes some cells exactly, and claims count with the largest error among
    them.

    With ``steps`` above 1 the gradient is the mean over runs whose embeddings lie between those of
    the base and the source run, at the middle of each step.

    Args:
        adapter: the model under a backend.
        facts: one fact, or a set of them.
        options: all options as one value.
        asked: single options by name, in place of those of ``options``: ``sites``, ``direction``,
            ``metric``, ``corruption``, ``layers``, ``position``, ``steps``, ``verify``, ``seed``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: an option has no meaning.
        UnknownNameError: an unknown metric, site, direction or corruption.
        UnsupportedSiteError: a site that the model lacks.
    """
    chosen = replace(options or EstimateOptions(), **asked)
    chosen = replace(chosen, corruption=chosen.corruption.seeded(chosen.seed))
    given, layers = as_set(facts), layers_of(adapter, chosen.layers)
    for kind in chosen.sites:
        adapter.check_site(Site(kind, layers[-1]))
    read = all_tokenized(adapter, given.prompts)
    groups = [
        _Group(adapter, tuple(members), [read[i] for i in members], chosen, layers)
        for members in _together(adapter, read, chosen)
    ]
    longest = max(map(len, read))
    change, differ, exact = (
        {
            kind: np.full((len(read), len(layers), _places(adapter, kind, longest)), empty)
            for kind in chosen.sites
        }
        for empty in (np.nan, 0.0, np.nan)
    )
    ends = np.empty((2, 2, len(read)))
    for done, group in enumerate(groups):
        ends[:, :, list(group.members)] = group.estimate(change, differ)
        progress.report(f"estimates of {adapter.name}", done + 1, len(groups))
    for group in groups if chosen.verify else ():
        group.verify(change, differ, exact)
    clean, corrupt = ends if chosen.direction == "denoise" else ends[::-1]
    return Estimates(
        facts=given,
        options=chosen,
        layers=layers,
        str_tokens=tuple(one.str_tokens for one in read),
        subject_positions=tuple(one.subject_positions for one in read),
        clean=clean[0],
        corrupt=corrupt[0],
        metric=chosen.metric,
        direction=chosen.direction,
        corruption=chosen.corruption,
        preferences=None if chosen.metric == LOGIT_DIFF else np.stack([clean[1], corrupt[1]]),
        change={kind.name: one for kind, one in change.items()},
        exact={kind.name: one for kind, one in exact.items()},
        provenance=adapter.provenance(seed=chosen.seed),
    )


Maps = dict[SiteKind, Floats]
"""By site [fact, layer, token], or [fact, layer, head]."""


@dataclass(frozen=True)
class _Group:
    """Facts of one length, whose heads are patched at the same positions."""

    adapter: ModelAdapter
    members: tuple[int, ...]
    """Their places among all facts."""
    facts: Sequence[TokenizedFact]
    options: EstimateOptions
    layers: tuple[int, ...]

    def estimate(self, change: Maps, differ: Maps) -> Floats:
        """Write the estimates of these facts, and whether their runs differ in a cell.

        Returns the metric and the logit difference of source and base [2, 2, fact].
        """
        asked, samples = self.options, self.options.corruption.n_samples
        sites = [Site(kind, layer) for kind in asked.sites for layer in self.layers]

        def measure(*run: Tensor) -> Tensor:
            return torch.stack([asked.metric(*run), LOGIT_DIFF(*run)], dim=-1)

        found = gradient_products(
            self.adapter, self._pairs(), sites, asked.metric, measure, asked.steps
        )
        for maps, by_site in ((change, found.changes), (differ, found.differ)):
            for site, values in by_site.items():
                of_facts = self._summed(site.kind, values.double())
                at = np.ix_(self.members, [self.layers.index(site.layer)])
                maps[site.kind][..., : of_facts.shape[1]][at] = _by_fact(of_facts, samples)[:, None]
        ends = [_by_fact(one.double(), samples).T for one in (found.source, found.base)]
        return np.stack(ends)

    def verify(self, change: Maps, differ: Maps, exact: Maps) -> None:
        """Patch the cells that are to be computed exactly, and write what that does."""
        cells: list[tuple[SiteKind, int, int]] = []
        patches: list[Patch] = []
        for kind in self.options.sites:
            for layer, place in self._to_verify(kind, change[kind], differ[kind]):
                cells.append((kind, layer, place))
                at, unit = (None, (place,)) if kind.unit_dim else ((place,), None)
                part = Part(Site(kind, self.layers[layer]), at or self._positions, unit)
                patches.append((part,))
        found = patched(
            self.adapter, self._pairs(), patches, self.options.metric, what="cells computed exactly"
        )
        moved = _by_fact((found.patched - found.base).double().T, self.options.corruption.n_samples)
        # NaN says that a cell was not computed, and this one was
        moved = np.where(np.isnan(moved), np.inf, moved)
        for (kind, layer, place), of_facts in zip(cells, moved.T, strict=True):
            exact[kind][list(self.members), layer, place] = of_facts

    def _to_verify(self, kind: SiteKind, change: Floats, differ: Floats) -> list[tuple[int, int]]:
        """The cells with the largest mean estimates, and as many drawn from the rest."""
        n = len(self.facts[0])
        if kind.unit_dim is None:
            change, differ = (one[list(self.members), :, :n] for one in (change, differ))
        able: npt.NDArray[np.bool_] = np.asarray(differ.any(0))
        if kind.stays_in_column and kind.unit_dim is None and self._ends_at_last_block:
            able[-1, :-1] = False  # what the last block adds stays at its token
        size = np.abs(change.mean(0))
        order = sorted(zip(*np.nonzero(able), strict=True), key=lambda cell: -size[cell])
        largest, rest = order[: self.options.verify], order[self.options.verify :]
        draw = np.random.default_rng(self.options.seed)
        drawn = draw.permutation(len(rest))[: self.options.verify]
        return [*largest, *(rest[i] for i in drawn)]

    @property
    def _ends_at_last_block(self) -> bool:
        return self.layers[-1] == self.adapter.n_layers - 1

    @property
    def _positions(self) -> tuple[int, ...] | None:
        """Where heads are patched; None for all tokens."""
        return positions_of(self.facts[0], self.options.position)

    def _pairs(self) -> Pairs:
        return pairs_of(self.adapter, self.facts, self.options.corruption, self.options.direction)

    def _summed(self, kind: SiteKind, values: Tensor) -> Tensor:
        """Estimates of heads over the positions at which they would be patched."""
        if kind.unit_dim is None:
            return values
        at = self._positions
        return (values if at is None else values[:, list(at)]).sum(1)


def positions_of(fact: TokenizedFact, position: str | int) -> tuple[int, ...] | None:
    """The token positions that a word or an index means in a prompt; None for all of them.

    Raises:
        ExperimentError: the prompt has no such token.
    """
    if position == "all":
        return None
    if isinstance(position, int):
        if not -len(fact) <= position < len(fact):
            raise ExperimentError(
                f"position {position} is outside of {fact.fact.clean_prompt!r}, which has "
                f"{len(fact)} tokens",
                about="position",
            )
        return (position % len(fact),)
    subject = fact.subject_positions
    return {"subject": subject, "subject_last": subject[-1:], "last": (len(fact) - 1,)}[position]


def _together(
    adapter: ModelAdapter, read: Sequence[TokenizedFact], options: EstimateOptions
) -> Iterator[list[int]]:
    """Indices of facts that share their passes."""

    def size(key: tuple[int, Any]) -> int:
        # the graph holds the activations of all layers
        rows = rows_in_budget(adapter, key[0]) // adapter.n_layers
        return max(1, rows // options.corruption.n_samples)

    return alike([(len(one), positions_of(one, options.position)) for one in read], size)


def _places(adapter: ModelAdapter, kind: SiteKind, longest: int) -> int:
    return longest if kind.unit_dim is None else adapter.sizes.dims[kind.unit_dim]


def _by_fact(values: Tensor, samples: int) -> Floats:
    """Values [pair, ...] as means over the samples of each fact."""
    return np.asarray(values.unflatten(0, (-1, samples)).mean(1).cpu().numpy())
