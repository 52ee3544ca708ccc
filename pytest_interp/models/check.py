"""Whether a model is the same under every backend, compared site by site with torch hooks."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pytest_interp import progress
from pytest_interp.adapters.backends import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.layouts import Layout, layout_of
from pytest_interp.adapters.patterns import twin_with_patterns
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.sites import Site, SiteKind, site_kinds
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import HookError
from pytest_interp.facts.prompts import encode
from pytest_interp.models.arithmetic import (
    DOUBLE_LIMIT,
    RELATIONS,
    Relation,
    distance,
    in_double,
    moved_by_a_large_edit,
)
from pytest_interp.precision import precision_of

PREFIX = "prefix"
LARGE = "large edit"
LEAST_MOVE = 1e-6
"""An edit that is lost moves no bit. One of the attention of a planted model, on a prompt of which
it knows no word, moves logits by 5e-6 of the largest."""


@dataclass(frozen=True)
class Comparison:
    """One line of the check: a quantity, and how far each backend is from the plain module.

    ``differences`` are the largest over all layers, relative to the largest entry of the plain
    module's activation; NaN where it could not be compared.
    """

    name: str
    differences: Mapping[str, float]
    limit: float
    reasons: tuple[str, ...] = ()
    """Why it could not be compared, where an error says so."""
    at_least: bool = False
    """Whether the limit is the least that a difference may be: an edit must do something."""
    not_applicable: str = ""
    """Why the architecture has no such thing; empty where it has."""

    @property
    def holds(self) -> bool:
        """Whether every backend is within the limit, or there is nothing to compare."""
        if self.not_applicable:
            return True
        within = operator.ge if self.at_least else operator.le
        return all(within(value, self.limit) for value in self.differences.values())


def check_model(
    weights: Weights,
    backends: Sequence[str],
    prompt: str = "The capital of France is",
    limit: float | None = None,
) -> list[Comparison]:
    """Compare the backends and the plain Hugging Face module on one prompt.

    Compared are the tokens, the logits, the activation at every site, and the logits after an edit
    that changes nothing, at every site that can be written. A large edit must change them. The
    logits behind a prefix must be those of the whole prompt. Then the sums and products of
    :mod:`pytest_interp.models.arithmetic`.

    Args:
        weights: the model.
        backends: their names.
        prompt: a text that its tokenizer reads.
        limit: the most that anything may differ by, as a share of the largest entry. The dtype
            sets the default.

    Raises:
        BackendNotInstalledError: a backend's package is missing.
        UnknownNameError: the architecture has no layout.
    """
    layout = layout_of(weights.module.config)
    ids = list(encode(weights.tokenizer, prompt))
    tokens = torch.tensor([ids], device=weights.device)
    kinds = [kind for kind in site_kinds() if layout.has(kind) and layout.place(kind)]
    logits, plain = _plain(weights, layout, kinds, tokens)
    if limit is None:
        limit = precision_of(weights.dtype).activations
    rows: dict[str, dict[str, float]] = {}
    reasons: dict[str, list[str]] = {}
    steps = len(backends) * len(kinds)
    for i, backend in enumerate(backends):
        adapter = open_adapter(weights, backend)
        same = adapter.encode(prompt)[0].tolist() == ids
        rows.setdefault("tokens", {})[backend] = 0.0 if same else float("inf")
        untouched = adapter.run(tokens, logits="all").logits
        rows.setdefault("logits", {})[backend] = distance(untouched, logits)
        for done, kind in enumerate(kinds, i * len(kinds) + 1):
            try:
                worst, moved, large = _at(adapter, kind, tokens, plain, untouched)
            except HookError as error:
                worst = moved = large = float("nan")
                reasons.setdefault(f"read {kind}", []).append(str(error))
            rows.setdefault(f"read {kind}", {})[backend] = worst
            if not adapter.refusal(adapter.sites(kind)[0], edited=True):
                rows.setdefault(f"identity at {kind}", {})[backend] = moved
                rows.setdefault(f"{LARGE} at {kind}", {})[backend] = large
            progress.report(f"comparing {weights.name} with plain hooks", done, steps)
    limits = {"tokens": 0.0} | {name: LEAST_MOVE for name in rows if name.startswith(LARGE)}
    compared = [
        Comparison(
            name,
            found,
            limits.get(name, limit),
            tuple(reasons.get(name, ())),
            at_least=name.startswith(LARGE),
        )
        for name, found in rows.items()
    ]
    related = [_related(weights, backends, relation, tokens, limit) for relation in RELATIONS]
    return [*compared, behind_a_prefix(weights, backends, tokens, limit), *related]


def behind_a_prefix(
    weights: Weights, backends: Sequence[str], tokens: Tensor, limit: float
) -> Comparison:
    """Whether the second half of the prompt, run behind the first, has the logits of the whole.

    Args:
        weights: the model.
        backends: their names.
        tokens: [1, pos].
        limit: the most that a logit may differ by, as a share of the largest.
    """
    half = tokens.shape[1] // 2
    if not half:
        return Comparison(PREFIX, {}, limit, not_applicable="a prompt of one token has none")
    errors, reasons = {}, []
    for backend in backends:
        adapter = open_adapter(weights, backend)
        whole = adapter.run(tokens, logits="all").logits
        try:
            prefix = adapter.prefix(tokens[:, :half])
            rest = adapter.run(tokens[:, half:], prefix=prefix, logits="all").logits
        except HookError as error:
            errors[backend] = float("nan")
            reasons.append(str(error))
        else:
            errors[backend] = distance(rest, whole[:, half:])
    return Comparison(PREFIX, errors, limit, tuple(reasons))


def _related(
    weights: Weights, backends: Sequence[str], relation: Relation, tokens: Tensor, limit: float
) -> Comparison:
    """Whether one relation holds; in float64 where it does not, to tell rounding from a place."""
    errors, reasons, why_not = {}, [], ""
    for backend in backends:
        adapter = open_adapter(weights, backend)
        if why_not := relation.applies(adapter):
            return Comparison(relation.name, {}, limit, not_applicable=why_not)
        try:
            errors[backend] = error = relation.error(adapter, tokens)
        except HookError as problem:
            errors[backend] = float("nan")
            reasons.append(str(problem))
            continue
        if not error <= limit:
            exact = relation.error(in_double(adapter), tokens)
            rounded = exact <= DOUBLE_LIMIT
            errors[backend] = exact if rounded else error
            reasons.append(
                f"{relation.name} under {backend}: off by {error:.1e}, in float64 by {exact:.1e}: "
                + ("that is rounding" if rounded else "a site is read at the wrong place")
            )
    return Comparison(relation.name, errors, limit, tuple(reasons))


def _at(
    adapter: ModelAdapter,
    kind: SiteKind,
    tokens: Tensor,
    plain: Mapping[Site, Tensor],
    untouched: Tensor,
) -> tuple[float, float, float]:
    """How far activations are from plain ones, and logits from those without an edit.

    The logits: where an edit changes nothing, and where one changes much.
    """
    sites = adapter.sites(kind)
    read = adapter.run(tokens, capture=sites)
    worst = max(distance(read[site], plain[site]) for site in sites)
    if adapter.refusal(sites[0], edited=True):
        return worst, 0.0, 0.0
    edited = adapter.run(tokens, edits=dict.fromkeys(sites, torch.clone), logits="all")
    large = moved_by_a_large_edit(adapter, kind, tokens)
    return worst, distance(edited.logits, untouched), large


def _plain(
    weights: Weights, layout: Layout, kinds: Sequence[SiteKind], tokens: Tensor
) -> tuple[Tensor, dict[Site, Tensor]]:
    """Logits and the activation at every site, by torch hooks on the module itself."""
    sizes = Sizes.of(weights.module.config.get_text_config())
    module = twin_with_patterns(weights, layout)
    seen: dict[Site, Tensor] = {}
    blocks: Any = module.get_submodule(layout.blocks)
    with ExitStack() as stack, torch.no_grad():
        for kind in kinds:
            place = layout.place(kind)
            assert place is not None
            roots = enumerate(blocks) if kind.in_blocks else [(None, module)]
            for layer, root in roots:
                if layout.absent(kind, root):
                    continue
                part, site = root.get_submodule(place.path), Site(kind, layer)
                _listen(stack, part, place, sizes.heads_of(kind), seen, site)
        module(tokens, use_cache=False)
    with torch.no_grad():
        return weights.module(tokens, use_cache=False).logits, seen


def _listen(
    stack: ExitStack,
    module: nn.Module,
    place: ModulePlace,
    heads: int | None,
    seen: dict[Site, Tensor],
    site: Site,
) -> None:
    def hook(_: nn.Module, args: Any, kwargs: Any, output: Any = None) -> None:
        if place.side == "input":
            output = args[0] if args else kwargs["hidden_states"]
        if output is not None:
            seen[site] = place.read(output, heads).detach().clone()

    before, after = module.register_forward_pre_hook, module.register_forward_hook
    register: Any = before if place.side == "input" else after
    stack.callback(register(hook, with_kwargs=True).remove)
