"""The nnsight backend: taps as interventions of one trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nnsight
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.patterns import said_where_unseen, twin_with_patterns
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.prefix import Prefix, behind
from pytest_interp.adapters.sites import Site, SiteKind
from pytest_interp.adapters.taps import Tap
from pytest_interp.adapters.weights import Weights


@dataclass(frozen=True)
class _Event:
    """One touch of one module: what enters or leaves it, or a part of that."""

    module: Any
    place: ModulePlace
    tap: Tap
    heads: int | None

    def fire(self) -> None:
        value = getattr(self.module, self.place.side)
        new = self.tap(self.place.read(value, self.heads))
        if new is not None:
            setattr(self.module, self.place.side, self.place.write(value, new, self.heads))


class NNsightAdapter(ModelAdapter):
    """A model under nnsight."""

    backend = "nnsight"

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.layout = said_where_unseen(self.layout, weights.module, self.backend)
        self._model = nnsight.NNsight(twin_with_patterns(weights, self.layout))

    def _attributes(self) -> Mapping[str, object]:
        return {**super()._attributes(), "_model": self._model._module}

    def _finds(self, kind: SiteKind) -> bool:
        return self.layout.place(kind) is not None

    def _forward(
        self, tokens: Tensor, taps: Mapping[Site, Tap], logits_to_keep: int, prefix: Prefix | None
    ) -> Tensor:
        # taps come in execution order, which is the order that a trace demands
        events = [self._event(site, tap) for site, tap in taps.items()]
        options = {"logits_to_keep": logits_to_keep, **behind(self.weights.module, prefix)}
        return _trace(self._model, tokens, events, options)

    def _event(self, site: Site, tap: Tap) -> _Event:
        root = self._model
        block: Any = None
        if site.layer is not None:
            root = _walk(root, self.layout.blocks)[site.layer]
            block = self.weights.module.get_submodule(f"{self.layout.blocks}.{site.layer}")
        place = self.layout.place(site.kind, block)
        assert place is not None  # sites that are nowhere were refused
        return _Event(_walk(root, place.path), place, tap, self.sizes.heads_of(site.kind))


def _walk(root: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        root = getattr(root, name)
    return root


def _trace(model: Any, tokens: Tensor, events: list[_Event], options: dict[str, Any]) -> Tensor:
    """Run one trace. nnsight rewrites the source of the body below: keep it this small."""
    with model.trace(tokens, **options):
        for event in events:
            event.fire()
        logits = model.output.logits.save()
    return logits  # type: ignore[no-any-return]
