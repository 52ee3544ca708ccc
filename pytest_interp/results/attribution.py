"""What each component adds to the logit difference of each fact. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pytest_interp.adapters.components import BIAS, LAYER_INPUTS, Component, components_of
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Axis, Decision, Floats, Reading, dtype_of, must_have_shape
from pytest_interp.results.over_facts import OverFacts, rounded
from pytest_interp.results.tolerances import Tolerance, float_tolerance

_OF_SOME = {
    "by_attention": "attn_out",
    "by_attention_bias": BIAS,
    "by_layer_inputs": LAYER_INPUTS,
}
"""By its name in JSON, a kind of component that not every model or layer has."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution(OverFacts):
    """Direct logit attribution: the logit difference as a sum over components.

    Of the metric of each fact, ``clean``, the contributions are the parts; where the model caps its
    logits, of the difference before the cap.
    """

    components: tuple[str, ...]
    """Those of a sum: ``embed``, every ``head.9.6`` and ``mlp_out.5``, ``bias.9`` for what the
    output projection of attention adds besides, ``attn_out.9`` in place of the heads of a layer
    that has none, ``layer_inputs.9`` for what a block makes of inputs of its own (Gemma 4), and
    ``bias`` for the biases behind the blocks."""
    contributions: Floats
    """What each adds at the last token of the clean prompt, in logits [fact, component]."""
    on_corrupt: Floats | None = None
    """The same after the corrupt prompt, towards the same answers; None where there is none."""
    softcap: float | None = None
    """The bound that the model keeps its logits under, where it has one."""

    _by_fact = ("contributions", "on_corrupt")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self._by_fact:
            if getattr(self, name) is not None:
                must_have_shape(self, name, fact=self.ids, component=self.components)

    @property
    def total(self) -> Floats:
        """The sum of all contributions [fact], in logits: the logit difference before any cap."""
        return np.asarray(self.contributions.sum(1))

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """The layers of the model."""
        numbers = (Component.of(name).layer for name in self.components)
        return tuple(sorted({n for n in numbers if n is not None}))

    @cached_property
    def heads(self) -> tuple[int, ...]:
        """The numbers of the heads of a layer."""
        parts = map(Component.of, self.components)
        return tuple(sorted({p.index for p in parts if p.kind == "head" and p.index is not None}))

    def members(self, component: Component | str | Sequence[Component | str]) -> list[int]:
        """The indices of the parts that components are made of, each once.

        ``attn_out.9`` is made of the heads of its layer and of their bias.

        Raises:
            ClaimError: one is no part of the sum.
            ExperimentError: one is no component.
        """
        found: dict[int, None] = {}
        for asked in components_of(component):
            names = [str(asked)]
            if asked.kind == "attn_out" and str(asked) not in self.components:
                heads = [f"head.{asked.layer}.{head}" for head in self.heads]
                names = [one for one in (*heads, f"{BIAS}.{asked.layer}") if one in self.components]
            if not names or any(name not in self.components for name in names):
                raise ClaimError(self._unknown_part(str(asked)))
            found |= dict.fromkeys(self.components.index(name) for name in names)
        return list(found)

    def _unknown_part(self, name: str) -> str:
        there = f"layers {self.layers[0]} to {self.layers[-1]} with heads 0 to {self.heads[-1]}"
        return (
            f"{name!r} is no part of this logit difference, which is a sum over embed, head.L.H, "
            f"mlp_out.L and biases, of {there}: name one of these, or attn_out.L for all heads of "
            "a layer"
        )

    def of(self, component: Component | str | Sequence[Component | str]) -> Floats:
        """What a component adds, or several together [fact], in logits. Errors as ``members``."""
        return np.asarray(self.contributions[:, self.members(component)].sum(1))

    @cached_property
    def mean(self) -> dict[str, float]:
        """By component, the mean over facts, in logits."""
        return dict(zip(self.components, self.contributions.mean(0).tolist(), strict=True))

    def largest(self, n: int = 1) -> list[str]:
        """The components that are furthest from 0 in the mean over facts, the largest first."""
        sizes = np.abs(self.contributions.mean(0))
        return [self.components[i] for i in np.argsort(-sizes, kind="stable")[:n]]

    def head_map(self, none: float = float("nan")) -> Floats:
        """What each head adds in the mean over facts [layer, head], in logits.

        Args:
            none: stands in layers that have no heads.
        """
        rows = [[self.mean.get(f"head.{n}.{h}", none) for h in self.heads] for n in self.layers]
        return np.array(rows)

    def to_json(self) -> dict[str, Any]:
        """Means over facts by layer and head, and the metric of each fact; no provenance."""
        said = {
            **self.facts_json(),
            "kind": "direct_logit_attribution",
            "softcap": self.softcap,
            "layers": list(self.layers),
            "heads": list(self.heads),
            "total": rounded(self.total),
            "embed": rounded(self._mean_of("embed")),
            "by_head": rounded(self.head_map(none=0.0)),
            "by_mlp": rounded(self._by_layer("mlp_out")),
        }
        if BIAS in self.mean:
            said["by_bias"] = rounded(self._mean_of(BIAS))
        for name, kind in _OF_SOME.items():
            if any(f"{kind}.{layer}" in self.mean for layer in self.layers):
                said[name] = rounded(self._by_layer(kind))
        sizes = np.sort(np.abs(self.contributions.mean(0)))
        said["largest"] = self.largest()[0] if np.isfinite(sizes).all() else None
        said["largest_leads_by"] = rounded(sizes[-1:] - sizes[-2:-1])[0]
        return said

    def _mean_of(self, name: str) -> Floats:
        return np.array(self.mean[name])

    def _by_layer(self, kind: str) -> Floats:
        return np.array([self.mean.get(f"{kind}.{layer}", 0.0) for layer in self.layers])

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        metrics = ("clean_metric", "corrupt_metric", "total", "largest_leads_by")
        parts = ("embed", "by_head", "by_mlp", "by_bias", *_OF_SOME)
        return dict.fromkeys((*metrics, *parts), float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        layer, head = Axis("layer", "layers"), Axis("head", "heads")
        return {
            **self.facts_axes(),
            "total": (Axis("fact", "ids"),),
            "by_head": (layer, head),
            "by_mlp": (layer,),
            **dict.fromkeys(_OF_SOME, (layer,)),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"largest": Decision("largest_leads_by")}

    def summary(self) -> str:
        said = ", ".join(f"{name} {self.mean[name]:+.2f}" for name in self.largest(3))
        of = "1 fact" if len(self) == 1 else f"{len(self)} facts (mean)"
        return f"{self.total.mean():+.2f} logits of {of}, the most by {said}"

    def readings(self) -> tuple[Reading, ...]:
        (most,) = self.largest()
        return (
            Reading("logit difference (mean)", float(self.total.mean()), "logits"),
            Reading(f"of it by {most}", self.mean[most], "logits"),
        )
