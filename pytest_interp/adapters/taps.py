"""The promises about captures and edits that hold on every backend.

Each tap fires exactly once, captures are copies, and an edit keeps every dimension but the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.shapes import Shapes
from pytest_interp.adapters.sites import (
    EMBED,
    FINAL_NORM,
    MLP_OUT,
    RESID_MID,
    RESID_POST,
    RESID_PRE,
    K,
    Q,
    Site,
    V,
)
from pytest_interp.errors import HookError

Edit = Callable[[Tensor], Tensor]
"""From the activation at a site to the one that takes its place; may return more rows."""
Tap = Callable[[Tensor], Tensor | None]
"""Sees an activation; what it returns, if anything, takes its place."""
GradientOf = Callable[[Tensor], Tensor]
"""From logits [row, position, vocabulary] to one number."""
Notes = dict[str, Tensor]
"""What edits keep of a run, under names of their own."""

_FIRST = Site(RESID_PRE, 0)


class Plan(dict[Site, Tap]):
    """Taps in execution order, and the run that they are of."""

    def __init__(self, owner: Taps, taps: Mapping[Site, Tap]) -> None:
        super().__init__(taps)
        self.owner = owner


class Taps:
    """Captures and edits of one run, as one function per place."""

    def __init__(
        self,
        captures: frozenset[Site],
        edits: Mapping[Site, Edit],
        grad: bool,
        start: Edit | None,
        shapes: Shapes,
        home: torch.device,
        one_batch: str = "",
        notes: Notes | None = None,
        gradient_of: GradientOf | None = None,
    ) -> None:
        """Captures and edits lie on one device, ``home``, wherever the layer of their site is.

        ``notes`` is what the edits write into, ``gradient_of`` what the gradients are of.
        """
        self._captures, self._edits, self._grad = captures, edits, grad
        self._start, self._shapes, self._home = start, shapes, home
        self._one_batch, self._notes = one_batch, {} if notes is None else notes
        self._fired: dict[Site, int] = {}
        self._mid: dict[int, Tensor] = {}
        self._mlp_out: dict[int, Tensor] = {}
        self.gradient_of = gradient_of
        self.captured: dict[Site, Tensor] = {}
        self.gradients: dict[Site, Tensor] = {}

    def plan(self) -> Plan:
        """Taps in execution order.

        ``embed`` has no place of its own. It is what enters block 0: reading it there holds on
        every architecture, whether or not positions are added to the embeddings, and comes after
        the mask was made, so that the batch may grow.

        ``resid_mid`` is read where the MLP reads it. The stream itself goes past that place, so
        a new value there also needs the block's output made again, from it and ``mlp_out``.
        """
        places: set[Site] = set()
        for site in {*self._captures, *self._edits}:
            places.add(_FIRST if site.kind == EMBED else site)
            if self._is_rewritten(site):
                places |= {Site(MLP_OUT, site.layer), Site(RESID_POST, site.layer)}
        if self._start or self._grad:
            places.add(_FIRST)
        self._fired = dict.fromkeys(places, 0)
        ordered = sorted(places, key=lambda site: site.execution_order)
        return Plan(self, {site: self._tap(site) for site in ordered})

    def _tap(self, site: Site) -> Tap:
        layer = site.layer
        through_mid = layer is not None and self._is_rewritten(Site(RESID_MID, layer))

        def tap(value: Tensor) -> Tensor | None:
            self._fired[site] += 1
            self._shapes.check(site, value)
            new = self._begin(value) if site == _FIRST else value
            if through_mid and layer is not None and site.kind == RESID_POST:
                # as the block itself adds them: the same bits where nothing was changed
                new = self._mid.pop(layer) + self._mlp_out.pop(layer)
            new = self._visit(site, new)
            if through_mid and layer is not None and site.kind == RESID_MID:
                self._mid[layer] = new
            elif through_mid and layer is not None and site.kind == MLP_OUT:
                self._mlp_out[layer] = new
            # with a graph what flows on must come from the captured tensor, be it a view
            if self._grad and site.kind in (Q, K, V):
                return new.clone()  # OLMo clips these in place, and with them what was captured
            return None if new is value and not self._grad else new

        return tap

    def _is_rewritten(self, site: Site) -> bool:
        """Whether a ``resid_mid`` is changed, or begins a graph that must see the whole stream."""
        asked = site in self._edits or (self._grad and site in self._captures)
        return site.kind == RESID_MID and asked

    def _begin(self, value: Tensor) -> Tensor:
        """What happens where the first block begins, before its ``resid_pre``."""
        if self._start is not None:
            value = self._start(value).to(value.device)
        if self._grad:
            # parameters carry no gradient: the graph has to begin somewhere
            value = value.detach().clone().requires_grad_()
        return self._visit(Site(EMBED), value)

    def _visit(self, site: Site, value: Tensor) -> Tensor:
        """Edit, then capture, one activation."""
        there = value.device
        if site in self._edits or site in self._captures:
            value = value.to(self._home)
        if site in self._edits:
            # the edit gets its own copy: one that writes in place is then as good as a pure one
            new = _checked(site, value, _edited(site, self._edits[site], value.clone()))
            if self._one_batch and site.kind != FINAL_NORM and len(new) != len(value):
                raise HookError(
                    f"the edit at {site} returned {len(new)} rows where {len(value)} came in: in "
                    f"this architecture none can join, because {self._one_batch}. Give all rows "
                    "as tokens"
                )
            value = new
        if site in self._captures:
            # with a graph what flows on must come from the copy. Some models clip queries, keys
            # and values in place: what flows on is another tensor
            self.captured[site] = value if self._grad else value.detach().clone()
            value = value.clone() if self._grad else value
        return value.to(there)

    def differentiate(self, logits: Tensor) -> None:
        """Note the gradients by what was captured, where a number was given that they are of."""
        if self.gradient_of is None or self.gradients or not self.captured:
            return
        sites = list(self.captured)
        held = [self.captured[site] for site in sites]
        value = self.gradient_of(logits.to(self._home))
        found = torch.autograd.grad(value, held, materialize_grads=True)
        self.gradients.update(zip(sites, found, strict=True))
        self.captured.update({site: value.detach() for site, value in self.captured.items()})

    def found(self) -> dict[str, dict[str, Any]]:
        """What a run left here, in things that any process can read."""
        named: dict[str, Mapping[Site, Any]] = {
            "captured": self.captured,
            "gradients": self.gradients,
            "fired": self._fired,
        }
        said = {what: {str(site): v for site, v in of.items()} for what, of in named.items()}
        return {**said, "notes": dict(self._notes)}

    def take(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what a run elsewhere left in a copy of this."""
        for what, of in (("captured", self.captured), ("gradients", self.gradients)):
            there = found[what]
            of |= {s: there[str(s)].to(self._home) for s in self._captures if str(s) in there}
        self._notes |= {name: value.to(self._home) for name, value in found["notes"].items()}
        self._fired = {site: found["fired"][str(site)] for site in self._fired}

    def check_fired(self, where: str) -> None:
        """Raise unless every tap fired exactly once.

        Raises:
            HookError: some did not; the message names them and ``where``.
        """
        wrong = {site: count for site, count in self._fired.items() if count != 1}
        if wrong:
            counts = ", ".join(f"{site} fired {count} times" for site, count in wrong.items())
            raise HookError(
                f"every hook must fire exactly once, but in {where} {counts}. Does the layout of "
                "this architecture name the right modules?"
            )


def _edited(site: Site, edit: Edit, value: Tensor) -> Tensor:
    try:
        return edit(value)
    except TypeError:
        if _takes_one(edit):
            raise
    raise HookError(
        f"the edit at {site} cannot be called with the activation alone: write `def edit(x): ...; "
        "return x`. It gets no hook besides, as in TransformerLens"
    )


def _takes_one(edit: Edit) -> bool:
    """Whether a function can be called with one argument; True where Python does not know."""
    try:
        signature(edit).bind(None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C
        return True
    return True


def _checked(site: Site, old: Tensor, new: Tensor) -> Tensor:
    if not isinstance(new, Tensor):
        raise HookError(
            f"the edit at {site} returned {type(new).__name__}, not a tensor: an edit returns the "
            "new activation (write `return x`)"
        )
    same = old.shape[1:] == new.shape[1:] and old.ndim == new.ndim and old.dtype == new.dtype
    if not same or old.device != new.device:
        raise HookError(
            f"the edit at {site} returned {_describe(new)} where {_describe(old)} came in: only "
            "the number of rows (the first dimension) may change"
        )
    may_grow = site.kind.rows_join or (old.shape[0] == 1 and not site.kind.keeps_rows)
    if new.shape[0] != old.shape[0] and not may_grow:
        raise HookError(
            f"the edit at {site} returned {new.shape[0]} rows where {old.shape[0]} came in: the "
            f"residual stream goes past {site.kind} with the old number of rows. Let the rows "
            f"join where the block begins, by an edit at resid_pre.{site.layer}, and change them "
            "here"
        )
    return new


def _describe(tensor: Tensor) -> str:
    return f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"
