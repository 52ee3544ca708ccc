"""The logit lens of one prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Decision,
    Floats,
    Ints,
    Reading,
    Result,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
)
from pytest_interp.results.crossover import NeverReached, ReachedLayer
from pytest_interp.results.tolerances import Tolerance, float_tolerance, rank_tolerance

_CURVES = ("answer_prob", "answer_rank", "answer_margin", "top_token", "top_margin")
"""What the JSON holds for each layer."""
BY_THE_ANSWER = dict.fromkeys(
    ("crossover_layer", "settled_layer", "answer_rank"), Decision("answer_margin", "sign")
)
"""Findings that the lead of the answer decides."""


@dataclass(frozen=True, eq=False)
class LensResult(Result):
    """The logit lens at one position: what each layer's residual stream would predict.

    Arrays are [layer], in the order of ``layers``.
    """

    prompt: str
    answer: str
    answer_id: int
    position: int
    """Token index that was read, counted from the start."""
    str_tokens: tuple[str, ...]
    layers: tuple[int, ...]
    answer_prob: Floats
    """Probability of the answer, in [0, 1]."""
    answer_rank: Ints
    """How many tokens rank above the answer: 0 for the top token. Tokens whose logit is not a
    number count, and all tokens do where the answer's own logit is not."""
    answer_margin: Floats
    """Logit of the answer minus the best other logit: positive where the answer is on top."""
    top_token: tuple[str | None, ...]
    """None where no token leads: where two are level, or a logit is not a number."""
    top_margin: Floats
    """Logit of the top token minus that of the second: how firmly it is on top."""
    final_prob: float
    """Probability of the answer in the model's own output."""
    answer_level: Ints | None = None
    """How many tokens lie within rounding of the answer's logit, and may change places with it
    [layer]; not part of the JSON."""
    n_layers: int | None = None
    """Depth of the model, whichever layers were read; not part of the JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("answer_prob", "answer_margin", "top_margin"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        object.__setattr__(self, "answer_rank", frozen(self.answer_rank, int))
        for name in _CURVES:
            must_have_shape(self, name, layer=self.layers)
        leads = np.isfinite(self.top_margin) & (self.top_margin > 0)
        named = zip(self.top_token, leads, strict=True)
        object.__setattr__(self, "top_token", tuple(t if lead else None for t, lead in named))

    @property
    def on_top(self) -> npt.NDArray[np.bool_]:
        """Whether the answer is the top token [layer]: by a positive, finite margin, not a tie."""
        return np.isfinite(self.answer_margin) & (self.answer_margin > 0)

    @property
    def crossover_layer(self) -> ReachedLayer | NeverReached:
        """The first layer at which the answer is the top token: an int, or no number if never."""
        return self._crossover(np.flatnonzero(self.on_top)[:1])

    @property
    def settled_layer(self) -> ReachedLayer | NeverReached:
        """The first layer from which the answer stays the top token to the end."""
        below = np.flatnonzero(~self.on_top)
        start = int(below[-1]) + 1 if below.size else 0
        return self._crossover(np.arange(start, len(self.layers))[:1])

    def _crossover(self, index: npt.NDArray[Any]) -> ReachedLayer | NeverReached:
        return ReachedLayer(self.layers[index[0]], self) if index.size else NeverReached(self)

    def to_json(self) -> dict[str, Any]:
        """Numbers and findings, without provenance."""
        return {
            "kind": "logit_lens",
            **as_json(self, "prompt", "answer", "answer_id", "position", "str_tokens", "layers"),
            "crossover_layer": self.crossover_layer.layer,
            "settled_layer": self.settled_layer.layer,
            **as_json(self, "final_prob", *_CURVES),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats and ranks by the dtype of the model; everything else is exact.

        Whether a rank is 0 is exact all the same: then the top token is another.
        """
        dtype = dtype_of(self)
        floats = ("final_prob", "answer_prob", "answer_margin", "top_margin")
        near = dict.fromkeys(floats, float_tolerance(dtype))
        level = 0 if self.answer_level is None else int(self.answer_level.max())
        return {**near, "answer_rank": rank_tolerance(dtype, level)}

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        return dict.fromkeys(_CURVES, (Axis("layer", "layers"),))

    def findings(self) -> Mapping[str, Decision]:
        return {"top_token": Decision("top_margin"), **BY_THE_ANSWER}

    def summary(self) -> str:
        return self.crossover_layer.explain()[0]

    def readings(self) -> tuple[Reading, ...]:
        lead = float(self.answer_margin[-1])
        return (
            Reading("lead at the last layer", lead, "logits", f"puts {self.answer!r} on top"),
            Reading("crossover", self.crossover_layer.layer, "layer"),
        )
