"""Whether a model is the same under every backend, compared site by site with torch hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pytest_interp import progress
from pytest_interp.adapters.backends import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.layouts import ARCHITECTURES, Layout
from pytest_interp.adapters.patterns import twin_with_patterns
from pytest_interp.adapters.places import ModulePlace
from pytest_interp.adapters.sites import Site, SiteKind, site_kinds
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.adapters.weights import Weights
from pytest_interp.errors import HookError
from pytest_interp.facts.prompts import encode

# the same products in another order of summation differ by about 1e-6 of the largest entry in
# float32; a wrong place differs by about 1
LIMITS = {"float64": 1e-9, "float32": 1e-4, "float16": 3e-2, "bfloat16": 1e-1}


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

    @property
    def holds(self) -> bool:
        """Whether every backend is within the limit."""
        return all(value <= self.limit for value in self.differences.values())


def check_model(
    weights: Weights, backends: Sequence[str], prompt: str = "The capital of France is"
) -> list[Comparison]:
    """Compare the backends and the plain Hugging Face module on one prompt.

    Compared are the tokens, the logits, the activation at every site, and the logits after an edit
    that changes nothing, at every site that can be written.

    Raises:
        BackendNotInstalledError: a backend's package is missing.
        UnknownNameError: the architecture has no layout.
    """
    layout = ARCHITECTURES.find(weights.architecture)
    ids = list(encode(weights.tokenizer, prompt))
    tokens = torch.tensor([ids], device=weights.device)
    kinds = [kind for kind in site_kinds() if layout.has(kind) and layout.place(kind)]
    logits, plain = _plain(weights, layout, kinds, tokens)
    limit = LIMITS.get(str(weights.dtype).removeprefix("torch."), 1e-4)
    rows: dict[str, dict[str, float]] = {}
    reasons: dict[str, list[str]] = {}
    steps = len(backends) * len(kinds)
    for i, backend in enumerate(backends):
        adapter = open_adapter(weights, backend)
        same = adapter.encode(prompt)[0].tolist() == ids
        rows.setdefault("tokens", {})[backend] = 0.0 if same else float("inf")
        untouched = adapter.run(tokens, logits="all").logits
        rows.setdefault("logits", {})[backend] = _distance(untouched, logits)
        for done, kind in enumerate(kinds, i * len(kinds) + 1):
            try:
                worst, moved = _at(adapter, kind, tokens, plain, untouched)
            except HookError as error:
                worst = moved = float("nan")
                reasons.setdefault(f"read {kind}", []).append(str(error))
            rows.setdefault(f"read {kind}", {})[backend] = worst
            if not kind.read_only:
                rows.setdefault(f"identity at {kind}", {})[backend] = moved
            progress.report(f"comparing {weights.name} with plain hooks", done, steps)
    return [
        Comparison(name, found, 0.0 if name == "tokens" else limit, tuple(reasons.get(name, ())))
        for name, found in rows.items()
    ]


def _at(
    adapter: ModelAdapter,
    kind: SiteKind,
    tokens: Tensor,
    plain: Mapping[Site, Tensor],
    untouched: Tensor,
) -> tuple[float, float]:
    """How far activations are from plain ones, and logits from those without an edit."""
    sites = adapter.sites(kind)
    read = adapter.run(tokens, capture=sites)
    worst = max(_distance(read[site], plain[site]) for site in sites)
    if kind.read_only:
        return worst, 0.0
    edited = adapter.run(tokens, edits=dict.fromkeys(sites, torch.clone), logits="all")
    return worst, _distance(edited.logits, untouched)


def _distance(found: Tensor, reference: Tensor) -> float:
    if found.shape != reference.shape:
        return float("nan")
    scale = reference.float().abs().max().clamp_min(1e-12)
    return float((found.float() - reference.float()).abs().max() / scale)


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
