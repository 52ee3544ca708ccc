"""What a property of a model is: one number that must be small, or large, under every backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from pytest_interp.adapters.backends import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.passes import Run
from pytest_interp.adapters.sites import Site, parse_kind
from pytest_interp.adapters.weights import Weights

Change = Callable[[Tensor], Tensor]


class Property(ABC):
    """Something that holds of every model whose sites are read and written at the right places."""

    name: str
    limit: ClassVar[float | None] = None
    """The most that the number may be; None: what the dtype allows."""
    double_limit: ClassVar[float] = 1e-5
    """The most in float64. Some modules of Hugging Face models compute in float32 even there."""
    at_least: ClassVar[bool] = False
    """Whether the limit is the least that the number may be: an edit must do something."""

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        """Why a model does not have the property; empty where it must."""
        return ""

    @abstractmethod
    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        """How far the model is from it, as a share of the largest entry.

        NaN where it cannot be compared.

        Args:
            adapter: the model under a backend.
            tokens: [1, pos].
        """

    def holds(self, error: float, limit: float) -> bool:
        """Whether a number is within the limit. NaN never is."""
        return error >= limit if self.at_least else error <= limit


def distance(found: Tensor, reference: Tensor) -> float:
    """The largest difference, relative to the largest entry; NaN for another shape."""
    if found.shape != reference.shape:
        return float("nan")
    scale = reference.double().abs().max().clamp_min(1e-12)
    return float((found.double() - reference.double()).abs().max() / scale)


def doubling() -> Callable[[ModelAdapter], ModelAdapter]:
    """A function that gives the same model in float64 under the same backend.

    The first call takes the memory of two more in float32; later ones share its tensors.
    """

    @cache
    def wider(weights: Weights) -> Weights:
        copy = weights.copy()
        # the fast way to multiply by experts knows no float64
        copy.module.set_experts_implementation("eager")
        return replace(copy, module=copy.module.double())

    @cache
    def double(weights: Weights, backend: str) -> ModelAdapter:
        return open_adapter(wider(weights), backend)

    return lambda adapter: double(adapter.weights, adapter.backend)


def missing(adapter: ModelAdapter, names: Sequence[str], edited: bool = False) -> str:
    """Why a model has no sites of one of these kinds, or none that can be edited."""
    for name in names:
        if not adapter.layout.has(kind := parse_kind(name)):
            why = adapter.layout.why_not(kind)
            return f"the architecture {adapter.layout.name!r} has no {name}" + (
                f", because {why}" if why else ""
            )
        sites = adapter.sites(name)
        if not sites:
            site = Site(kind, 0 if kind.in_blocks else None)
            return f"site {site} {adapter.refusal(site)}"
        if edited and (why := adapter.refusal(sites[0], edited=True)):
            return f"site {sites[0]} {why}"
    return ""


def one_row_for_each(
    adapter: ModelAdapter,
    tokens: Tensor,
    changes: Mapping[Site, Sequence[Change]],
    capture: Sequence[Site] = (),
) -> Run:
    """One pass in which each row has one change at one site: row 0 none, then all in order."""
    edits, n_rows = {}, 1
    for site, made in changes.items():
        edits[site] = _in_rows(n_rows, made)
        n_rows += len(made)
    return adapter.run(tokens.expand(n_rows, -1), capture=capture, edits=edits)


def _in_rows(first: int, changes: Sequence[Change]) -> Change:
    def edit(x: Tensor) -> Tensor:
        x = x.clone()
        for row, change in enumerate(changes, first):
            x[row] = change(x[row])
        return x

    return edit


def tripled_and_turned(x: Tensor) -> Tensor:
    """A large edit, which no norm behind it undoes."""
    return -3 * x


def moved_by_a_large_edit(adapter: ModelAdapter, kind: str, tokens: Tensor) -> float:
    """How far logits move, relative to the largest, where all such sites are tripled and turned."""
    edits = dict.fromkeys(adapter.sites(kind), tripled_and_turned)
    before = adapter.run(tokens, logits="all").logits
    with torch.no_grad():
        return distance(adapter.run(tokens, edits=edits, logits="all").logits, before)
