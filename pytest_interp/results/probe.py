"""What a probe found: held-out scores by layer, baselines, and a control task. No torch here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pytest_interp.errors import ExperimentError
from pytest_interp.options.probe import ProbeOptions
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import (
    Axis,
    Floats,
    Reading,
    Result,
    as_json,
    dtype_of,
    frozen,
    must_have_shape,
    plain,
)
from pytest_interp.results.direction import Direction
from pytest_interp.results.labelled import Axes, must_fit_prompts, rows_of
from pytest_interp.results.tolerances import Tolerance, float_tolerance
from pytest_interp.stats.separation import Bools, Units, area


@dataclass(frozen=True, eq=False)
class ProbeResult(Result):
    """Held-out scores of linear probes. High scores mean the first of ``classes``.

    Every prompt is scored by probes that were fitted without its group. AUROC is the share of
    pairs, one prompt of each class, that a score ranks rightly: 0.5 is chance.

    Raises:
        ClaimError: an array has another shape than its prompts, layers and baselines.
    """

    name: str
    options: ProbeOptions
    layers: tuple[int, ...]
    classes: tuple[str, str]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    scores: Floats
    """Held-out scores [layer, prompt]."""
    selected: Floats
    """Held-out scores [prompt], each at a layer that was picked on the other prompts."""
    picked: tuple[int, ...]
    """The layers that were picked, one for each fitted part."""
    template_scores: Floats | None
    """Scores [layer, prompt] by probes fitted on the other templates; None where there are none."""
    baselines: tuple[str, ...]
    """What a probe has to exceed, by name."""
    baseline_scores: Floats
    """Held-out scores of the baselines [baseline, prompt]."""
    shuffled: Floats
    """AUROC of probes fitted to shuffled labels [shuffle, layer]."""
    directions: Floats
    """Mean of the first class minus mean of the second, over all prompts [layer, d]; not part of
    the JSON."""
    prompts: tuple[str, ...] = ()
    """Their texts, where these are known; not part of the JSON."""
    n_layers: int | None = None
    """Depth of the model; not part of the JSON."""
    undefined: str = ""
    """Where an activation is not a finite number: then no claim is decided. Not part of the
    JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("scores", "selected", "baseline_scores", "shuffled", "directions"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))
        layer: Axes = {"layer": self.layers}
        arrays: dict[str, Axes] = {"scores": layer, "selected": {}}
        arrays["baseline_scores"] = {"baseline": self.baselines}
        if self.template_scores is not None:
            arrays["template_scores"] = layer
        must_fit_prompts(self, arrays)
        if self.shuffled.size:  # too few groups may leave no shuffle that can be split
            must_have_shape(self, "shuffled", shuffle=rows_of(self, "shuffled"), **layer)

    @property
    def first(self) -> Bools:
        """Whether a prompt is of the first class [prompt]."""
        return np.array([label == self.classes[0] for label in self.labels])

    @property
    def units(self) -> Units:
        """The classes and the groups, for intervals."""
        return Units(self.first, self.groups)

    @cached_property
    def auroc(self) -> Floats:
        """AUROC of the held-out scores [layer]."""
        return np.asarray(area(self.scores, self.first))

    @property
    def selected_auroc(self) -> float:
        """AUROC at the layers that were picked on other prompts."""
        return float(area(self.selected, self.first))

    @property
    def template_auroc(self) -> Floats | None:
        """AUROC of probes fitted on the other templates [layer]."""
        return None if self.template_scores is None else area(self.template_scores, self.first)

    @property
    def baseline_auroc(self) -> dict[str, float]:
        """AUROC of each baseline, by name."""
        found = area(self.baseline_scores, self.first).tolist()
        return dict(zip(self.baselines, found, strict=True))

    @property
    def selectivity(self) -> Floats:
        """AUROC minus the mean AUROC of probes for shuffled labels [layer].

        Hewitt and Liang 2019 (arXiv 1909.03368), with areas in place of accuracies.
        """
        return np.asarray(self.auroc - self.shuffled.mean(0))

    @property
    def p_value(self) -> float:
        """How often shuffled labels are read as well as the true ones, at the best of all layers.

        Corrected for the choice among layers (maxT, Westfall and Young 1993). NaN where an area is.
        """
        best = self.shuffled.max(1)
        if not np.isfinite([*best, *self.auroc]).all():
            return float("nan")
        return float((1 + (best >= self.auroc.max()).sum()) / (1 + len(best)))

    def direction(self, layer: int) -> Direction:
        """The difference of the class means at a layer, over all prompts.

        Raises:
            ExperimentError: the layer was not read.
        """
        if layer not in self.layers:
            raise ExperimentError(
                f"layer {layer} was not read: the probe read layers {self.layers[0]} to "
                f"{self.layers[-1]}",
                about="layer",
            )
        return Direction(
            vector=self.directions[self.layers.index(layer)],
            layer=layer,
            site=self.options.site.name,
            origin=f"mean of {self.classes[0]} minus mean of {self.classes[1]} in {self.name!r}",
            fingerprint=self.provenance.fingerprint if self.provenance else None,
            groups=frozenset(self.groups),
            texts=frozenset(self.prompts),
        )

    def to_json(self) -> dict[str, Any]:
        """Curves [layer], scores at the picked layers [prompt], baselines; without provenance."""
        other = self.template_auroc
        return {
            "kind": "probe",
            "name": self.name,
            **self.options.to_json(),
            **as_json(self, "layers", "classes", "ids", "labels"),
            "auroc": plain(self.auroc),
            "template_auroc": None if other is None else plain(other),
            "shuffled_auroc": plain(self.shuffled.mean(0)),
            "p_value": plain(self.p_value),
            "selected_auroc": plain(self.selected_auroc),
            "baseline_auroc": {name: plain(v) for name, v in self.baseline_auroc.items()},
            "selected": [round(score, 4) for score in self.selected.tolist()],
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Areas may move by some pairs that rounding puts the other way; scores more widely.

        A picked layer that is as good as its neighbour may be the other one on another machine.
        """
        pairs = Tolerance(0.02)
        names = ("auroc", "template_auroc", "shuffled_auroc", "selected_auroc", "baseline_auroc")
        near = float_tolerance(dtype_of(self))
        return {
            **dict.fromkeys(names, pairs),
            "p_value": Tolerance(0.03),
            "selected": Tolerance(max(0.5, near.atol), near.rtol),
        }

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        layer, prompt = Axis("layer", "layers"), Axis("prompt", "ids")
        by_layer = ("auroc", "template_auroc", "shuffled_auroc")
        return dict.fromkeys(by_layer, (layer,)) | dict.fromkeys(("labels", "selected"), (prompt,))

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"groups": [(group,) for group in self.groups]}

    def readings(self) -> tuple[Reading, ...]:
        return (Reading("AUROC at layers picked on other prompts", self.selected_auroc),)

    def summary(self) -> str:
        ((layer, _),) = Counter(self.picked).most_common(1)
        return (
            f"{self.classes[0]} against {self.classes[1]} in {len(self.ids)} prompts of "
            f"{self.name!r}: AUROC {self.selected_auroc:.2f} at layers picked on other prompts "
            f"(mostly layer {layer})"
        )
