"""Sets of facts, and sets of traces of them. No torch here.

A set keeps, for every fact, the name of the template that its prompt was made from: prompts of
one template resemble one another, so intervals are taken over templates where there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from pytest_interp.controls import Control
from pytest_interp.errors import ClaimError, PromptError, SpecError
from pytest_interp.prompts import FactPrompt
from pytest_interp.provenance import Provenance
from pytest_interp.results import Floats, Tolerance, TraceResult, float_tolerance

Role = Literal[
    "before", "subject", "subject_first", "subject_last", "subject_rest", "between", "last"
]
"""What a token is to a fact. ``subject_rest`` is the subject without its last token; ``between``
lies after the subject and before the last token."""


@dataclass(frozen=True)
class Fact:
    """One fact of a set: its prompts, the name of their template, and an id."""

    id: str
    template: str
    prompt: FactPrompt


@dataclass(frozen=True)
class FactSet:
    """Facts that one claim is made about.

    Raises:
        PromptError: it is empty, or two facts have the same id.
    """

    name: str
    facts: tuple[Fact, ...]

    def __post_init__(self) -> None:
        if not self.facts:
            raise PromptError(f"the fact set {self.name!r} is empty: give it at least one fact")
        ids = [fact.id for fact in self.facts]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise PromptError(f"the fact set {self.name!r} has several facts with the ids {twice}")

    def __len__(self) -> int:
        return len(self.facts)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    @property
    def prompts(self) -> tuple[FactPrompt, ...]:
        """The prompts of the facts, in order."""
        return tuple(fact.prompt for fact in self.facts)

    @property
    def templates(self) -> tuple[str, ...]:
        """The names of the templates, in order of first use."""
        return tuple(dict.fromkeys(fact.template for fact in self.facts))

    def where(self, keep: Callable[[Fact], bool]) -> FactSet:
        """The facts for which ``keep`` is true."""
        return replace(self, facts=tuple(fact for fact in self.facts if keep(fact)))

    def take(self, n: int) -> FactSet:
        """The first ``n`` facts."""
        return replace(self, facts=self.facts[:n])

    @classmethod
    def of(
        cls, prompts: Iterable[FactPrompt], name: str = "facts", template: str | None = None
    ) -> Self:
        """Make a set from bare prompts.

        Facts get their number as id. Without ``template`` the template of a prompt is its text
        with the subject left out, so that prompts of one wording form one cluster.
        """
        facts = (
            Fact(str(i), template if template is not None else _wording(prompt), prompt)
            for i, prompt in enumerate(prompts)
        )
        return cls(name, tuple(facts))

    @classmethod
    def join(cls, name: str, sets: Iterable[FactSet]) -> Self:
        """One set of several; templates of different sets stay apart."""
        return cls(
            name,
            tuple(
                replace(fact, template=f"{one.name}/{fact.template}")
                for one in sets
                for fact in one
            ),
        )

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a fact file.

        Raises:
            SpecError: the file cannot be read, or is no fact file; the message names the place.
        """
        import yaml

        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise SpecError(f"cannot read the fact file {path}: {problem}") from problem
        return cls.from_data(data, str(path))

    @classmethod
    def from_data(cls, data: Any, where: str = "facts") -> Self:
        """Make a set from the contents of a fact file.

        ``templates`` names texts with one ``{}`` for the subject. Each entry of ``facts`` has
        ``template``, ``subject``, ``answer``, ``other`` (the subject of the corrupt prompt) and
        ``other_answer``; ``id`` is optional.

        Raises:
            SpecError: something is missing or of the wrong kind.
        """
        if not isinstance(data, Mapping) or not {"templates", "facts"} <= data.keys():
            raise SpecError(f"{where}: a fact file is a mapping with 'templates' and 'facts'")
        templates = data["templates"]
        for name, text in templates.items():
            if not isinstance(text, str) or text.count("{}") != 1:
                raise SpecError(f"{where}: template {name!r} needs exactly one {{}}; got {text!r}")
        facts = tuple(
            _fact(entry, templates, f"{where}: fact {i}") for i, entry in enumerate(data["facts"])
        )
        return cls(str(data.get("name", Path(where).stem)), facts)


_FIELDS = ("template", "subject", "answer", "other", "other_answer")


def _fact(entry: Any, templates: Mapping[str, str], where: str) -> Fact:
    if not isinstance(entry, Mapping):
        raise SpecError(f"{where} is no mapping with {', '.join(_FIELDS)}: {entry!r}")
    unknown, missing = entry.keys() - {*_FIELDS, "id"}, set(_FIELDS) - entry.keys()
    if unknown or missing:
        raise SpecError(f"{where} lacks {sorted(missing)}, does not take {sorted(unknown)}")
    values = {name: str(entry[name]) for name in _FIELDS}
    if values["template"] not in templates:
        raise SpecError(
            f"{where} uses the template {values['template']!r}; known are {sorted(templates)}"
        )
    text, subject, other = templates[values["template"]], values["subject"], values["other"]
    prompt = FactPrompt(
        clean_prompt=text.format(subject),
        corrupt_prompt=text.format(other),
        answer=values["answer"],
        counterfactual_answer=values["other_answer"],
        subject=subject,
    )
    made = f"{values['template']}-{subject}-{other}".lower().replace(" ", "-")
    return Fact(str(entry.get("id", made)), values["template"], prompt)


def _wording(prompt: FactPrompt) -> str:
    return prompt.clean_prompt.replace(prompt.subject, "{}") if prompt.subject else "prompt"


def role_positions(trace: TraceResult, role: str | int) -> tuple[int, ...]:
    """Token positions of a role, or of an index; negative indices count from the end.

    Raises:
        ClaimError: the prompt has no such position, or the role is unknown.
    """
    n, subject = trace.n_positions, trace.subject_positions
    if isinstance(role, int):
        if not -n <= role < n:
            raise ClaimError(
                f"position {role} is outside of the prompt, which has {n} tokens "
                f"{list(trace.str_tokens)}"
            )
        return (role % n,)
    roles: dict[str, tuple[int, ...]] = {
        # what comes before the first corrupted token is the same in both runs
        "before": tuple(range(min(trace.corrupted_positions), subject[0])),
        "subject": subject,
        "subject_first": subject[:1],
        "subject_last": subject[-1:],
        "subject_rest": subject[:-1],
        "between": tuple(range(subject[-1] + 1, n - 1)),
        "last": (n - 1,),
    }
    if role not in roles:
        raise ClaimError(f"unknown position {role!r}: use {', '.join(roles)} or a token index")
    return roles[role]


def role_effect(trace: TraceResult, role: str | int) -> Floats:
    """Effect of the best single token of a role [layer]; NaN where the role has no token.

    One cell is patched at a time, so "the subject" is its strongest token at each layer: a fact
    that needs two tokens at once shows on neither.
    """
    positions = list(role_positions(trace, role))
    if not positions:
        return np.full(len(trace.layers), np.nan)
    effect: Floats = trace.effect[:, positions].max(axis=1)
    return effect


def _hand_off(lead: Floats) -> tuple[int | None, float]:
    """Index of the first layer from which the lead stays negative, and by how much it is decided.

    Args:
        lead: effect of the subject minus that of the last token [layer].
    """
    ahead = np.flatnonzero(~(lead < 0))
    start = int(ahead[-1]) + 1 if ahead.size else 0
    # the two layers at which the lead changes its sign decide; the smaller one may flip
    deciding = np.abs(lead[max(start - 1, 0) : start + 1])
    return (start if start < len(lead) else None), float(deciding.min())


@dataclass(frozen=True, eq=False)
class TraceSet:
    """Traces of a fact set, made in one way: same model, site, direction, metric and layers.

    Raises:
        ClaimError: it is empty, its traces were made in different ways, or ids or templates are
            not one for each trace.
    """

    traces: tuple[TraceResult, ...]
    templates: tuple[str, ...]
    """Template name of each trace: its cluster."""
    ids: tuple[str, ...]
    controls: tuple[Control, ...] = ()
    """Control runs of the same experiment."""
    name: str = "facts"

    def __post_init__(self) -> None:
        if not self.traces or not len(self.traces) == len(self.templates) == len(self.ids):
            raise ClaimError(
                f"a trace set needs one template and one id for each of its traces: got "
                f"{len(self.traces)} traces, {len(self.templates)} templates, {len(self.ids)} ids"
            )
        for field in ("site", "direction", "metric", "corruption", "layers"):
            found = {getattr(trace, field) for trace in self.traces}
            if len(found) > 1:
                raise ClaimError(
                    f"the traces of one set differ in {field}: {sorted(map(str, found))}"
                )

    @classmethod
    def of(cls, facts: FactSet, traces: Sequence[TraceResult]) -> Self:
        """Join the traces of a fact set, in its order, with its ids and templates."""
        return cls(
            tuple(traces),
            tuple(fact.template for fact in facts),
            tuple(fact.id for fact in facts),
            name=facts.name,
        )

    def __len__(self) -> int:
        return len(self.traces)

    def __iter__(self) -> Iterator[TraceResult]:
        return iter(self.traces)

    def effect(self, role: str | int) -> Floats:
        """Effect by role [fact, layer]: of the strongest single token of that role in each fact."""
        return np.stack([role_effect(trace, role) for trace in self.traces])

    @property
    def provenance(self) -> Provenance | None:
        """How the traces came about: all in one way."""
        return self.traces[0].provenance

    def hand_off_layers(self) -> list[int | None]:
        """For each fact the first layer from which the last token outdoes the subject to the end.

        None where it never does. By effect, of the strongest token of the subject.
        """
        found = (_hand_off(lead)[0] for lead in self._lead())
        return [None if i is None else self.traces[0].layers[i] for i in found]

    def _lead(self) -> Floats:
        lead: Floats = self.effect("subject") - self.effect("last")
        return lead

    def to_json(self) -> dict[str, Any]:
        """Effects by role [fact, layer] and findings, without provenance."""
        first = self.traces[0]
        return {
            "kind": "causal_traces",
            "name": self.name,
            "site": first.site,
            "direction": first.direction,
            "metric": first.metric,
            "corruption": first.corruption,
            "layers": list(first.layers),
            "ids": list(self.ids),
            "templates": list(self.templates),
            "clean_prompts": [trace.fact.clean_prompt for trace in self.traces],
            "corrupt_prompts": [trace.fact.corrupt_prompt for trace in self.traces],
            "hand_off": self.hand_off_layers(),
            "margins": {"hand_off": [round(_hand_off(lead)[1], 6) for lead in self._lead()]},
            "clean_metric": [round(trace.clean_metric, 5) for trace in self.traces],
            "corrupt_metric": [round(trace.corrupt_metric, 5) for trace in self.traces],
            "subject_effect": np.round(self.effect("subject"), 5).tolist(),
            "last_effect": np.round(self.effect("last"), 5).tolist(),
        }

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        near = float_tolerance(self.provenance.dtype if self.provenance else "float32")
        names = ("clean_metric", "corrupt_metric", "subject_effect", "last_effect", "margins")
        return dict.fromkeys(names, near)

    def pick(self, indices: Iterable[int]) -> TraceSet:
        """The traces at these indices, with the same controls."""
        chosen = list(indices)
        return replace(
            self,
            traces=tuple(self.traces[i] for i in chosen),
            templates=tuple(self.templates[i] for i in chosen),
            ids=tuple(self.ids[i] for i in chosen),
        )

    def split(self, share: float = 0.5, seed: int = 0) -> tuple[TraceSet, TraceSet]:
        """Two disjoint parts, the first with ``share`` of the facts, drawn by a seed.

        Raises:
            ClaimError: a part would be empty.
        """
        n_first = round(share * len(self))
        if not 0 < n_first < len(self):
            raise ClaimError(f"cannot split {len(self)} facts with share {share}: a part is empty")
        order = np.random.default_rng(seed).permutation(len(self)).tolist()
        return self.pick(sorted(order[:n_first])), self.pick(sorted(order[n_first:]))

    def with_controls(self, *controls: Control) -> TraceSet:
        """The same traces with more controls."""
        return replace(self, controls=(*self.controls, *controls))

    @cached_property
    def positions_differ(self) -> bool:
        """Whether token indices mean different things in different facts."""
        return len({(t.n_positions, t.subject_positions) for t in self.traces}) > 1
