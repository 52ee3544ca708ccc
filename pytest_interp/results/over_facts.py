"""What results over a set of facts share that hold arrays with the fact first. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.facts.known import why_unknown
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet, entities_of
from pytest_interp.options.metrics import LOGIT_DIFF, Metric
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Floats, Result, frozen, plain
from pytest_interp.results.control import Control


@dataclass(frozen=True, eq=False, kw_only=True)
class OverFacts(Result):
    """An experiment on facts. One prompt is a set of one fact.

    A subclass adds arrays whose first axis is the fact, and names them in ``_by_fact``.

    Raises:
        ClaimError: an array has not one entry for each fact.
    """

    facts: FactSet
    clean: Floats
    """The metric after each clean prompt [fact]."""
    corrupt: Floats | None = None
    """The metric after each corrupt prompt [fact]; None where only clean prompts were run."""
    metric: Metric = LOGIT_DIFF
    preferences: Floats | None = None
    """Logit of the answer minus that of the counterfactual after the clean and the corrupt prompt
    [2, fact], where the metric is another one; not part of the JSON."""
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment, for verdicts; not part of the JSON."""
    provenance: Provenance | None = None

    _by_fact: ClassVar[tuple[str, ...]] = ()
    """Arrays of the subclass whose first axis is the fact."""

    def __post_init__(self) -> None:
        for name in ("clean", "corrupt", "preferences", *self._by_fact):
            given = getattr(self, name)
            if given is None:
                continue
            array = frozen(given, float)
            length = array.shape[-1 if name == "preferences" else 0] if array.ndim else 0
            if length != len(self.facts):
                raise ClaimError(
                    f"{name} of a {type(self).__name__} has the shape {array.shape}: its facts are "
                    f"{len(self.facts)}"
                )
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each fact."""
        return tuple(fact.id for fact in self.facts)

    @property
    def templates(self) -> tuple[str, ...]:
        """The template of each fact."""
        return tuple(fact.template for fact in self.facts)

    @property
    def answers(self) -> tuple[frozenset[str], ...]:
        """The answers that each fact is about."""
        prompts = self.facts.prompts
        return tuple(frozenset((one.answer, one.counterfactual_answer)) for one in prompts)

    @property
    def entities(self) -> tuple[frozenset[str], ...]:
        """What each fact is about. Facts that share an entity are not independent."""
        return tuple(map(entities_of, self.facts.prompts))

    def measured_arrays(self) -> Mapping[str, Floats]:
        """What was measured of each fact: claims are decided by these."""
        arrays = {name: getattr(self, name) for name in self._by_fact}
        return {name: array for name, array in arrays.items() if array is not None}

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"templates": [(name,) for name in self.templates], "entities": self.entities}

    def unknown_because(self, min_gap: float | None = None) -> list[str | None]:
        """For each fact why it cannot carry a claim, or None.

        The rule is that of :func:`unknown_facts`.
        """
        return unknown_facts(
            self.facts,
            self.clean,
            self.corrupt,
            self.metric,
            self.preferences,
            min_gap,
            prefers_counterfactual=self.prefers_counterfactual,
        )

    @property
    def prefers_counterfactual(self) -> bool:
        """Whether a model that knows a fact gives the other answer in the corrupt run."""
        return self.corrupt is not None

    def pick(self, indices: Iterable[int]) -> Self:
        """The result over the facts at these indices."""
        return cast(Self, replace(cast(Any, self), **self._picked(list(indices))))

    def _picked(self, chosen: list[int]) -> dict[str, Any]:
        """The fields of the result over the facts at these indices."""
        fields: dict[str, Any] = {"facts": self.facts.pick(chosen)}
        fields |= {
            name: getattr(self, name)[chosen]
            for name in ("clean", "corrupt", *self._by_fact)
            if getattr(self, name) is not None
        }
        if self.preferences is not None:
            fields["preferences"] = self.preferences[:, chosen]
        return fields

    def with_controls(self, *controls: Control) -> Self:
        """The same result with more controls."""
        return cast(Self, replace(cast(Any, self), controls=(*self.controls, *controls)))

    def facts_json(self) -> dict[str, Any]:
        """What the JSON of every such result says of its facts."""
        said: dict[str, Any] = {
            "name": self.facts.name,
            "ids": list(self.ids),
            "templates": list(self.templates),
            "clean_prompts": [one.clean_prompt for one in self.facts.prompts],
            "answers": [one.answer for one in self.facts.prompts],
            "counterfactual_answers": [one.counterfactual_answer for one in self.facts.prompts],
            "metric": self.metric.name,
            "clean_metric": rounded(self.clean),
        }
        if self.corrupt is not None:
            said["corrupt_prompts"] = [one.corrupt_prompt for one in self.facts.prompts]
            said["corrupt_metric"] = rounded(self.corrupt)
        return said

    def facts_axes(self) -> dict[str, tuple[Axis, ...]]:
        """The axes of what :meth:`facts_json` says of each fact."""
        listed = [name for name, value in self.facts_json().items() if isinstance(value, list)]
        return dict.fromkeys(listed, (Axis("fact", "ids"),))


def unknown_facts(
    facts: FactSet,
    clean: Floats,
    corrupt: Floats | None,
    metric: Metric = LOGIT_DIFF,
    preferences: Floats | None = None,
    min_gap: float | None = None,
    *,
    prefers_counterfactual: bool,
) -> list[str | None]:
    """For each fact why it cannot carry a claim, or None; arguments as :class:`OverFacts` has them.

    The rule is that of :func:`~pytest_interp.facts.known.why_unknown`. Where no corrupt prompt was
    run the clean one has to prefer the answer by the least gap.
    """
    least = metric.least_gap if min_gap is None else min_gap
    # where no corrupt prompt was run, the answer alone has to lead by the gap
    other = np.zeros(len(facts)) if corrupt is None else corrupt
    preferred = np.stack([clean, other]) if preferences is None else preferences
    found: list[str | None] = []
    for i, fact in enumerate(facts.prompts):
        if np.isfinite([clean[i], other[i]]).all():
            reason = why_unknown(
                fact,
                *preferred[:, i].tolist(),
                gap=float(clean[i] - other[i]),
                least_gap=least,
                prefers_counterfactual=prefers_counterfactual,
            )
        else:
            reason = f"the metric is not finite ({clean[i]:.3g} clean, {other[i]:.3g} corrupt)"
        found.append(reason and f"{fact.clean_prompt!r}: {reason}")
    return found


def rounded(values: Floats) -> Any:
    """Numbers as the JSON of a set holds them: with five digits after the point."""
    return plain(np.round(values, 5))


def as_set(facts: Any) -> FactSet:
    """A set of facts, or the one of a single prompt.

    Raises:
        ClaimError: it is neither.
    """
    if isinstance(facts, FactPrompt):
        return FactSet.of([facts], "prompt", "prompt")
    if not isinstance(facts, FactSet):
        raise ClaimError(f"give a FactPrompt or a FactSet, not a {type(facts).__name__}")
    return facts
