"""The logit lens of one prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Decision, Floats, Ints, Result, frozen, rounded
from pytest_interp.results.crossover import Curve, NeverReached, ReachedLayer
from pytest_interp.results.tolerances import Tolerance, float_tolerance, rank_tolerance


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
    """How many tokens stand before the answer: 0 for the top token. Those whose logit is not a
    number count, and all tokens do where that of the answer is not."""
    answer_margin: Floats
    """Logit of the answer minus the best other logit: positive where the answer is on top."""
    top_token: tuple[str, ...]
    top_margin: Floats
    """Logit of the top token minus that of the second: how firmly it is on top."""
    final_prob: float
    """Probability of the answer in the model's own output."""
    n_layers: int | None = None
    """Depth of the model, whichever layers were read; not part of the JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("answer_prob", "answer_margin", "top_margin"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        object.__setattr__(self, "answer_rank", frozen(self.answer_rank, int))

    @property
    def on_top(self) -> npt.NDArray[np.bool_]:
        """Whether the answer is the top token [layer]: by a positive, finite margin.

        A tie is not enough, and what is not a number leads nothing.
        """
        return np.isfinite(self.answer_margin) & (self.answer_margin > 0)

    @property
    def crossover_layer(self) -> ReachedLayer | NeverReached:
        """The first layer at which the answer is the top token.

        An int; where the answer never gets there it is no number, and no claim about it passes.
        """
        return self._crossover(np.flatnonzero(self.on_top)[:1])

    @property
    def settled_layer(self) -> ReachedLayer | NeverReached:
        """The first layer from which the answer stays the top token to the end."""
        below = np.flatnonzero(~self.on_top)
        start = int(below[-1]) + 1 if below.size else 0
        return self._crossover(np.arange(start, len(self.layers))[:1])

    def _crossover(self, index: npt.NDArray[Any]) -> ReachedLayer | NeverReached:
        curve = Curve(
            self.answer,
            self.layers,
            prob=self.answer_prob,
            rank=self.answer_rank,
            margin=self.answer_margin,
            top_token=self.top_token,
        )
        if not index.size:
            return NeverReached(curve)
        return ReachedLayer(self.layers[int(index[0])], curve)

    def to_json(self) -> dict[str, Any]:
        """Numbers and findings, without provenance."""
        return {
            "kind": "logit_lens",
            "prompt": self.prompt,
            "answer": self.answer,
            "answer_id": self.answer_id,
            "position": self.position,
            "str_tokens": list(self.str_tokens),
            "layers": list(self.layers),
            "crossover_layer": self.crossover_layer.layer,
            "settled_layer": self.settled_layer.layer,
            "final_prob": float(f"{self.final_prob:.7g}"),
            "answer_prob": rounded(self.answer_prob),
            "answer_rank": self.answer_rank.tolist(),
            "answer_margin": rounded(self.answer_margin),
            "top_token": list(self.top_token),
            "top_margin": rounded(self.top_margin),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats and ranks by the dtype of the model; everything else is exact.

        Whether a rank is 0 is exact all the same: then the top token is another.
        """
        dtype = self.provenance.dtype if self.provenance else "float32"
        floats = ("final_prob", "answer_prob", "answer_margin", "top_margin")
        return {
            **dict.fromkeys(floats, float_tolerance(dtype)),
            "answer_rank": rank_tolerance(dtype),
        }

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        arrays = ("answer_prob", "answer_rank", "answer_margin", "top_token", "top_margin")
        return dict.fromkeys(arrays, (Axis("layer", "layers"),))

    def findings(self) -> Mapping[str, Decision]:
        by_the_answer = ("crossover_layer", "settled_layer", "answer_rank")
        return {
            "top_token": Decision("top_margin"),
            **dict.fromkeys(by_the_answer, Decision("answer_margin", "sign")),
        }

    def summary(self) -> str:
        return self.crossover_layer.explain()[0]
