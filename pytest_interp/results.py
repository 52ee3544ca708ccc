"""What experiments return: frozen, numpy, with named axes. No torch here.

A result that can be kept as a baseline follows :class:`Result`; anything that does so is treated
like the ones defined here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pytest_interp.controls import Control
from pytest_interp.crossover import CrossoverLayer
from pytest_interp.prompts import FactPrompt
from pytest_interp.provenance import Provenance
from pytest_interp.tolerances import Tolerance, float_tolerance, rank_tolerance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Direction = Literal["denoise", "noise"]
DIRECTIONS: tuple[Direction, ...] = ("denoise", "noise")


@runtime_checkable
class Result(Protocol):
    """What a baseline needs of a result."""

    @property
    def provenance(self) -> Provenance | None:
        """How it came about."""

    def to_json(self) -> dict[str, Any]:
        """The numbers and findings as plain JSON values, without the provenance."""

    def tolerances(self) -> Mapping[str, Tolerance]:
        """For top-level fields of the JSON; fields that are not named compare exactly."""


def _frozen(array: npt.ArrayLike, dtype: type) -> npt.NDArray[Any]:
    made: npt.NDArray[Any] = np.array(array, dtype=dtype)
    made.setflags(write=False)
    return made


def rounded(values: npt.NDArray[Any]) -> list[Any]:
    """Floats with seven significant digits, which is what float32 carries, as nested lists."""
    return [rounded(v) if np.ndim(v) else float(f"{v:.7g}") for v in values]


@dataclass(frozen=True, eq=False)
class LensResult:
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
    """Rank of the answer; 0 is the top token."""
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
            object.__setattr__(self, name, _frozen(getattr(self, name), float))
        object.__setattr__(self, "answer_rank", _frozen(self.answer_rank, int))

    @property
    def crossover_layer(self) -> CrossoverLayer:
        """The first layer at which the answer is the top token.

        Compares like an int; where the answer never gets there every comparison is false.
        """
        return self._crossover(np.flatnonzero(self.answer_rank == 0)[:1])

    @property
    def settled_layer(self) -> CrossoverLayer:
        """The first layer from which the answer stays the top token to the end."""
        below = np.flatnonzero(self.answer_rank != 0)
        start = int(below[-1]) + 1 if below.size else 0
        return self._crossover(np.arange(start, len(self.layers))[:1])

    def _crossover(self, index: npt.NDArray[Any]) -> CrossoverLayer:
        return CrossoverLayer(
            self.layers[int(index[0])] if index.size else None,
            answer=self.answer,
            layers=self.layers,
            prob=self.answer_prob,
            rank=self.answer_rank,
            margin=self.answer_margin,
            top_token=self.top_token,
        )

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


@dataclass(frozen=True)
class Peak:
    """The cell of a trace with the largest effect."""

    layer: int
    position: int
    token: str
    effect: float


@dataclass(frozen=True, eq=False)
class TraceResult:
    """A causal trace: one kind of site patched at every layer and position, one cell at a time.

    ``recovery`` [layer, position] is (patched - corrupt) / (clean - corrupt): 0 behaves like the
    corrupt prompt, 1 like the clean one, in both directions. ``effect`` counts from the run that
    is patched, so that 0 is "this cell does nothing" in both. Both are NaN where clean and corrupt
    do not differ: undefined, not zero.
    """

    fact: FactPrompt
    site: str
    direction: Direction
    metric: str
    corruption: str
    layers: tuple[int, ...]
    str_tokens: tuple[str, ...]
    corrupt_str_tokens: tuple[str, ...]
    corrupted_positions: tuple[int, ...]
    subject_positions: tuple[int, ...]
    clean_metric: float
    corrupt_metric: float
    patched_metric: Floats
    """The metric with each cell patched [layer, position]."""
    samples: int = 1
    """Noise samples averaged over; 1 for interchange."""
    noise_scale: float | None = None
    """Standard deviation of the noise in standard deviations of the embeddings."""
    n_layers: int | None = None
    """Depth of the model, whichever layers were traced."""
    logit_diffs: tuple[float, float] | None = None
    """Logit of the answer minus that of the counterfactual in the clean and in the corrupt run,
    where the metric is another one; not part of the JSON."""
    provenance: Provenance | None = None
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment, for verdicts; not part of the JSON."""
    recovery: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patched_metric", _frozen(self.patched_metric, float))
        if self.is_degenerate:
            recovery = np.full(self.patched_metric.shape, np.nan)
        else:
            recovery = (self.patched_metric - self.corrupt_metric) / self.gap
        object.__setattr__(self, "recovery", _frozen(recovery, float))

    @property
    def gap(self) -> float:
        """Clean minus corrupt metric: what there is to restore or to destroy."""
        return self.clean_metric - self.corrupt_metric

    @property
    def preferences(self) -> tuple[float, float] | None:
        """By how many logits the clean and the corrupt run prefer the answer; None if not known."""
        if self.metric == "logit_diff":
            return self.clean_metric, self.corrupt_metric
        return self.logit_diffs

    @property
    def is_degenerate(self) -> bool:
        """Whether clean and corrupt are the same up to rounding, so that recovery is undefined."""
        scale = max(abs(self.clean_metric), abs(self.corrupt_metric), 1e-6)
        return not abs(self.gap) > 1e-5 * scale

    @property
    def effect(self) -> Floats:
        """The share of the gap that patching a cell moves [layer, position].

        Recovery when denoising; 1 - recovery when noising.
        """
        return self.recovery if self.direction == "denoise" else 1.0 - self.recovery

    @property
    def peak(self) -> Peak | None:
        """The cell with the largest effect; None when recovery is undefined."""
        if self.is_degenerate:
            return None
        row, position = np.unravel_index(int(np.argmax(self.effect)), self.effect.shape)
        return Peak(
            layer=self.layers[int(row)],
            position=int(position),
            token=self.str_tokens[int(position)],
            effect=float(self.effect[row, position]),
        )

    @property
    def n_positions(self) -> int:
        """Tokens in the prompt."""
        return len(self.str_tokens)

    def at(self, layer: int, position: int) -> float:
        """Recovery of one cell, by the layer's own number; negative positions count from the end.

        Raises:
            KeyError: the layer was not traced.
        """
        if layer not in self.layers:
            raise KeyError(f"layer {layer} was not traced; layers are {list(self.layers)}")
        return float(self.recovery[self.layers.index(layer), position])

    def with_controls(self, *controls: Control) -> TraceResult:
        """The same trace with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    def to_json(self) -> dict[str, Any]:
        """Numbers and findings, without provenance."""
        peak = self.peak
        return {
            "kind": "causal_trace",
            "clean_prompt": self.fact.clean_prompt,
            "corrupt_prompt": self.fact.corrupt_prompt,
            "answer": self.fact.answer,
            "counterfactual_answer": self.fact.counterfactual_answer,
            "subject": self.fact.subject,
            "site": self.site,
            "direction": self.direction,
            "metric": self.metric,
            "corruption": self.corruption,
            "samples": self.samples,
            "noise_scale": self.noise_scale,
            "n_layers": self.n_layers,
            "layers": list(self.layers),
            "str_tokens": list(self.str_tokens),
            "corrupt_str_tokens": list(self.corrupt_str_tokens),
            "corrupted_positions": list(self.corrupted_positions),
            "subject_positions": list(self.subject_positions),
            "peak": None if peak is None else {"layer": peak.layer, "position": peak.position},
            "clean_metric": float(f"{self.clean_metric:.7g}"),
            "corrupt_metric": float(f"{self.corrupt_metric:.7g}"),
            "recovery": rounded(self.recovery),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        near = float_tolerance(self.provenance.dtype if self.provenance else "float32")
        return dict.fromkeys(("clean_metric", "corrupt_metric", "recovery"), near)
