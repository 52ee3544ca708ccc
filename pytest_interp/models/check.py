"""Whether a model is read and written at the right places, under every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.backends import check_backend, open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.layouts import Layout, layout_of
from pytest_interp.adapters.refusals import misfit
from pytest_interp.adapters.sites import site_kinds
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import InterpError, PromptError, described
from pytest_interp.facts.prompts import encode
from pytest_interp.models.arithmetic import RELATIONS, Handover
from pytest_interp.models.gradients import Gradient
from pytest_interp.models.influence import INFLUENCES
from pytest_interp.models.invariance import INVARIANCES
from pytest_interp.models.plain import Identity, LargeEdit, Logits, PlainHooks, Reading, Tokens
from pytest_interp.models.properties import Property, doubling
from pytest_interp.precision import precision_of

PROOFS: tuple[Property, ...] = (Handover(), *RELATIONS, *INFLUENCES)
"""What finds a wrong place that every backend has from one layout."""
OPENS = "the layout fits"
"""The first row: the blocks and modules that the layout names are there."""
LEAST_TOKENS = 3
"""So that one of them is neither the first nor the last."""


@dataclass(frozen=True)
class Comparison:
    """One line of the check: a property, and how far each backend is from it.

    ``differences`` are the largest over all layers, relative to the largest entry; NaN where it
    could not be compared.
    """

    name: str
    differences: Mapping[str, float]
    limit: float
    reasons: tuple[str, ...] = ()
    """Why it does not hold, or could not be compared, where that is known."""
    at_least: bool = False
    """Whether the limit is the least that a difference may be: an edit must do something."""
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """By backend, why the model has no such thing there."""
    failing: tuple[str, ...] = ()
    """The backends under which it does not hold."""

    @property
    def holds(self) -> bool:
        """Whether it holds under every backend under which there is such a thing."""
        return not self.failing

    @property
    def status(self) -> str:
        """``pass``, ``fail`` or ``not applicable``."""
        if self.differences or self.failing:
            return "pass" if self.holds else "fail"
        return "not applicable"

    def as_json(self) -> dict[str, Any]:
        """As plain values; numbers that are not finite are texts."""
        finite = {
            name: value if math.isfinite(value) else str(value)
            for name, value in self.differences.items()
        }
        return {
            "name": self.name,
            "status": self.status,
            "differences": finite,
            "at_least" if self.at_least else "at_most": self.limit,
            "failing": list(self.failing),
            "not_applicable": dict(self.not_applicable),
            "reasons": list(self.reasons),
        }


def properties_of(layout: Layout, prompt: str) -> list[Property]:
    """All that is checked of an architecture, in the order of the table."""
    kinds = [kind for kind in site_kinds() if layout.has(kind) and layout.place(kind)]
    plain = PlainHooks(kinds)
    found: list[Property] = [Tokens(prompt), Logits(plain)]
    for kind in kinds:
        found += [Reading(kind, plain), Identity(kind, plain), LargeEdit(kind, plain)]
    found += [*INVARIANCES, *PROOFS]
    return [*found, *(Gradient(kind.name) for kind in kinds)]


def tokens_of(weights: Weights, prompt: str) -> Tensor:
    """The tokens of a prompt, [1, pos].

    Raises:
        PromptError: they are fewer than three.
    """
    ids = list(encode(weights.tokenizer, prompt))
    if len(ids) < LEAST_TOKENS:
        raise PromptError(
            f"{prompt!r} is {len(ids)} token{'s' * (len(ids) != 1)}: a check needs {LEAST_TOKENS} "
            "or more, for one token attends to itself alone. Give another prompt"
        )
    return torch.tensor([ids], device=weights.device)


def check_model(
    weights: Weights,
    backends: Sequence[str],
    prompt: str = "The capital of France is",
    limit: float | None = None,
) -> list[Comparison]:
    """Check on one prompt that a model is read and written at the right places.

    A layout whose modules are not there fails in the first row, and nothing else is checked. A
    backend that takes no such model is named there too. Compared with the plain Hugging Face module
    are the tokens, the logits, and the activation at every site. An edit that changes nothing must
    change no logit, a large one must. A pass behind a prefix, in a batch, or joined by other rows
    must be that of the prompt alone. Then the sums and products of
    :mod:`pytest_interp.models.arithmetic`, what queries and keys may reach, and gradients beside
    finite differences. What does not hold is computed again in float64: rounding is gone there, a
    wrong place is not.

    Args:
        weights: the model.
        backends: their names.
        prompt: a text that its tokenizer reads.
        limit: the most that anything may differ by, as a share of the largest entry. The dtype
            sets the default.

    Raises:
        BackendNotInstalledError: a backend's package is missing.
        UnknownNameError: the architecture has no layout.
        PromptError: the prompt has fewer than three tokens.
    """
    layout = layout_of(weights.module.config)
    tokens = tokens_of(weights, prompt)
    if limit is None:
        limit = precision_of(weights.dtype).activations
    adapters, opens = _opened(weights, [check_backend(name) for name in backends], layout)
    double = doubling()
    rows, asked = [opens], properties_of(layout, prompt) if adapters else []
    for done, one in enumerate(asked, 1):
        rows.append(measured(one, adapters, tokens, limit, double))
        progress.report(f"checking {weights.name}", done, len(asked))
    return rows


def _opened(
    weights: Weights, backends: Sequence[str], layout: Layout
) -> tuple[list[ModelAdapter], Comparison]:
    """The model under each backend that takes it, and the row of the check that says so."""
    adapters: list[ModelAdapter] = []
    refused: dict[str, str] = {}
    fits = not misfit(layout, weights)
    for backend in backends:
        try:
            adapters.append(open_adapter(weights, backend))
        except InterpError as problem:
            refused[backend] = str(problem)
    there = dict.fromkeys([adapter.backend for adapter in adapters], 0.0)
    if fits:  # it is the backend that does not know such a model
        return adapters, Comparison(OPENS, there, 0.0, not_applicable=refused)
    reasons = tuple(dict.fromkeys(refused.values()))
    wrong = dict.fromkeys(refused, float("nan"))
    return adapters, Comparison(OPENS, wrong, 0.0, reasons, failing=tuple(refused))


def measured(
    one: Property,
    adapters: Sequence[ModelAdapter],
    tokens: Tensor,
    limit: float,
    double: Callable[[ModelAdapter], ModelAdapter],
) -> Comparison:
    """How far a model is from one property, under each backend.

    Args:
        one: the property.
        adapters: the model under each backend.
        tokens: [1, pos].
        limit: the most that the number may be, where the property has none of its own.
        double: gives the same model in float64.
    """
    limit = limit if one.limit is None else one.limit
    found: dict[str, float] = {}
    excuses: dict[str, str] = {}
    reasons, failing = [], []
    for adapter in adapters:
        backend = adapter.backend
        if why_not := one.why_not(adapter, tokens):
            excuses[backend] = why_not
            continue
        try:
            error = one.error(adapter, tokens)
            holds = one.holds(error, limit)
            if not holds and math.isfinite(error):
                exact = one.error(double(adapter), tokens)
                holds = one.holds(exact, limit if one.at_least else one.double_limit)
                off = "logits moved" if one.at_least else "off"
                reasons.append(
                    f"{one.name} under {backend}: {off} by {error:.1e}, in float64 by {exact:.1e}: "
                    + ("that is rounding" if holds else "that is no rounding")
                )
                error = exact if holds else error
        except Exception as problem:  # at a wrong place a backend may break in any way
            error, holds = float("nan"), False
            said = str(problem) if isinstance(problem, InterpError) else described(problem)
            reasons.append(f"{one.name} under {backend}: {said}")
        found[backend] = error
        if not holds:
            failing.append(backend)
    return Comparison(one.name, found, limit, tuple(reasons), one.at_least, excuses, tuple(failing))
