"""How the model's own next token comes about over depth, prompt by prompt. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Decision,
    Floats,
    Ints,
    Result,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
    plain,
)
from pytest_interp.results.labelled import must_fit_prompts
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.stats.separation import Bools


@dataclass(frozen=True, eq=False)
class Trajectories(Result):
    """The logit lens of one token per prompt over all layers, arrays [prompt, layer].

    The token is the one that the model says in the end, or a stated answer.

    Raises:
        ClaimError: an array has another shape than its prompts and layers.
    """

    name: str
    of_answers: bool
    """Whether the tokens are stated answers, and not the model's own."""
    layers: tuple[int, ...]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    tokens: tuple[str, ...]
    """The token that is followed, of each prompt."""
    prob: Floats
    """Its probability."""
    rank: Ints
    """How many tokens rank above it: 0 for the top token."""
    margin: Floats
    """Its logit minus the best other logit."""
    entropy: Floats
    """Of the layer's whole next-token distribution, in nats."""
    divergence: Floats
    """Kullback-Leibler, from the final distribution to the layer's, in nats."""
    confidence: Floats
    """Log-probability of the token in the model's own output [prompt], in nats."""
    n_layers: int | None = None
    """Depth of the model; not part of the JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("prob", "margin", "entropy", "divergence", "confidence"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        object.__setattr__(self, "rank", frozen(self.rank, int))
        must_fit_prompts(self, {"confidence": {}}, "tokens")
        for name in ("prob", "rank", "margin", "entropy", "divergence"):
            must_have_shape(self, name, prompt=self.ids, layer=self.layers)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, each once."""
        return tuple(dict.fromkeys(self.labels))

    def of(self, label: str) -> Bools:
        """Which prompts are of this class [prompt].

        Raises:
            ClaimError: there is no such class.
        """
        if label not in self.classes:
            raise ClaimError(
                f"there is no class {label!r} among the trajectories of {self.name!r}: "
                f"{', '.join(self.classes)}"
            )
        return np.array([one == label for one in self.labels])

    @property
    def settled(self) -> Floats:
        """The layer from which each token stays on top to the end [prompt].

        NaN where it is not on top in the end, as a stated answer may not be.
        """
        on_top = np.isfinite(self.margin) & (self.margin > 0)
        # the first layer of the last run of layers on top
        run = np.cumprod(on_top[:, ::-1], axis=1).sum(axis=1)
        layers = np.array([*self.layers, np.nan])
        return np.where(run > 0, layers[len(self.layers) - run], np.nan)

    @property
    def median_settled(self) -> float:
        """The median settled layer of the prompts of all classes; NaN where no token settles.

        So it is where a margin is not finite: that prompt may have settled, or not.
        """
        if not np.isfinite(self.margin).all():
            return float("nan")
        known = self.settled[np.isfinite(self.settled)]
        return float(np.median(known)) if known.size else float("nan")

    @property
    def largest_jump(self) -> Floats:
        """The largest rise of the probability from one layer to the next [prompt].

        0 of a model with one layer.
        """
        rises = np.diff(self.prob, axis=1)
        return np.asarray(rises.max(1)) if rises.size else np.zeros(len(self.ids))

    @property
    def area_under_margin(self) -> Floats:
        """Mean margin over the layers [prompt], in logits."""
        return np.asarray(self.margin.mean(1))

    def to_json(self) -> dict[str, Any]:
        """Settled layers and summaries [prompt], mean curves by class; without provenance."""
        by_class = {label: self.of(label) for label in self.classes}
        return {
            "kind": "trajectories",
            **as_json(self, "name", "of_answers", "layers", "ids", "labels", "tokens"),
            "settled": [None if np.isnan(s) else int(s) for s in self.settled],
            "settled_margin": [plain(float(row[-1])) for row in self.margin],
            "confidence": plain(self.confidence),
            "largest_jump": plain(self.largest_jump),
            "area_under_margin": plain(self.area_under_margin),
            "margin": plain(self.margin),
            "mean_prob": {c: plain(self.prob[one].mean(0)) for c, one in by_class.items()},
            "mean_entropy": {c: plain(self.entropy[one].mean(0)) for c, one in by_class.items()},
            "mean_divergence": {
                c: plain(self.divergence[one].mean(0)) for c, one in by_class.items()
            },
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        names = ("settled_margin", "confidence", "largest_jump", "area_under_margin", "margin")
        means = ("mean_prob", "mean_entropy", "mean_divergence")
        return dict.fromkeys((*names, *means), float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        prompt, layer = Axis("prompt", "ids"), Axis("layer", "layers")
        by_prompt = ["labels", "tokens", "settled", "settled_margin", "confidence"]
        by_prompt += ["largest_jump", "area_under_margin"]
        means = ("mean_prob", "mean_entropy", "mean_divergence")
        return {
            **dict.fromkeys(by_prompt, (prompt,)),
            **dict.fromkeys(means, (layer,)),
            "margin": (prompt, layer),
        }

    def findings(self) -> Mapping[str, Decision]:
        return {"settled": Decision("margin", "sign"), "tokens": Decision("settled_margin")}

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"groups": [(group,) for group in self.groups]}

    def summary(self) -> str:
        said = []
        for label in self.classes:
            known = self.settled[self.of(label)]
            known = known[np.isfinite(known)]
            said.append(f"{label} {np.median(known):g}" if known.size else f"{label} never")
        whose = "the answer" if self.of_answers else "the model's own token"
        return f"{whose} stays on top from layer (median): {', '.join(said)}"
