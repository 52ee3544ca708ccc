"""The logit lenses of a set of facts. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from pytest_interp.facts.sets import FactSet
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Decision, Floats, Reading, as_json, plain
from pytest_interp.results.lens import BY_THE_ANSWER, LensResult
from pytest_interp.results.sets import ResultSet
from pytest_interp.results.tolerances import Tolerance

_CURVES = ("answer_prob", "answer_rank", "answer_margin")
"""What the JSON holds for each fact and layer."""


@dataclass(frozen=True, eq=False)
class LensSet(ResultSet[LensResult]):
    """Logit lenses of a fact set, of the same layers and weights under the same backend.

    Errors as for any :class:`ResultSet`; two lenses are the same where they read one position of
    the same tokens.
    """

    lenses: tuple[LensResult, ...]
    templates: tuple[str, ...]
    """Template name of each lens: its cluster."""
    ids: tuple[str, ...]
    name: str = "facts"
    subjects: tuple[str | None, ...] = ()
    """What each prompt asks about, where that is known."""
    provenance: Provenance | None = field(init=False)

    _field = "lenses"
    _by_fact = ("templates", "ids", "subjects")
    _one_way = ("layers", "n_layers")

    def _twice(self) -> str | None:
        seen: dict[tuple[tuple[str, ...], int], int] = {}
        for i, lens in enumerate(self.lenses):
            # by its tokens: a further space may change the text and not what the model reads
            first = seen.setdefault((lens.str_tokens, lens.position), i)
            if first != i:
                return (
                    f"holds one prompt twice: {lens.prompt!r} is given twice, at {first} and {i}, "
                    "as the same tokens. It counts once: give each prompt once"
                )
        return None

    @classmethod
    def of(cls, facts: FactSet, results: Sequence[LensResult]) -> Self:
        """Join the lenses of a fact set, in its order, with its ids, templates and subjects."""
        subjects = tuple(prompt.subject for prompt in facts.prompts)
        return replace(super().of(facts, results), subjects=subjects)

    @property
    def answers(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset((lens.answer,)) for lens in self.lenses)

    @property
    def entities(self) -> tuple[frozenset[str], ...]:
        # a prompt of which nothing is known has a subject of its own
        subjects = self.subjects or (None,) * len(self)
        pairs = zip(self.lenses, subjects, strict=True)
        named = ((lens.answer, subject or lens.prompt) for lens, subject in pairs)
        return tuple(frozenset(name.strip().casefold() for name in names) for names in named)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that were read, of every fact."""
        return self.lenses[0].layers

    def answer_prob(self) -> Floats:
        """Probability of each answer [fact, layer]."""
        return np.stack([lens.answer_prob for lens in self.lenses])

    def answer_margin(self) -> Floats:
        """Logit of each answer minus the best other logit [fact, layer]."""
        return np.stack([lens.answer_margin for lens in self.lenses])

    def settled_layers(self) -> list[int | None]:
        """For each fact the layer from which its answer stays on top, or None."""
        return [lens.settled_layer.layer for lens in self.lenses]

    def to_json(self) -> dict[str, Any]:
        """Curves [fact, layer] and findings, without provenance."""
        return {
            "kind": "logit_lenses",
            **as_json(self, "name", "layers", "ids", "templates"),
            "prompts": [lens.prompt for lens in self.lenses],
            "answers": [lens.answer for lens in self.lenses],
            "crossover_layer": [lens.crossover_layer.layer for lens in self.lenses],
            "settled_layer": self.settled_layers(),
            **{name: [plain(getattr(lens, name)) for lens in self.lenses] for name in _CURVES},
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """As of one lens; of the ranks, the widest."""
        each = [lens.tolerances() for lens in self.lenses]
        return {name: max((of[name] for of in each), key=lambda t: t.atol) for name in _CURVES}

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        fact, layer = Axis("fact", "ids"), Axis("layer", "layers")
        by_fact = ("prompts", "answers", "crossover_layer", "settled_layer")
        return dict.fromkeys(by_fact, (fact,)) | dict.fromkeys(_CURVES, (fact, layer))

    def findings(self) -> Mapping[str, Decision]:
        return BY_THE_ANSWER

    def summary(self) -> str:
        return self._median(
            self.settled_layers(),
            "the answer stays on top from layer",
            "no answer stays on top to the end",
        )

    def readings(self) -> tuple[Reading, ...]:
        lead = float(self.answer_margin()[:, -1].mean())
        on_top = sum(layer is not None for layer in self.settled_layers())
        return (
            Reading("lead at the last layer (mean)", lead, "logits"),
            Reading("facts with the answer on top at the end", on_top, f"of {len(self)}"),
        )
