"""The contract of an adapter in short: every site read, written and left alone, rows, a prefix.

Each number is the largest difference from plain torch hooks on the Hugging Face module.
"""

from __future__ import annotations

from collections.abc import Callable

import hooks
import pytest
import torch
from tiny import adapter_of
from torch import Tensor

from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.sites import FINAL_NORM, RESID_POST, Site, SiteKind, site_kinds
from pytest_interp.errors import InterpError

WITHIN, WITHIN_LARGE_SCORES = 1e-5, 1e-4
"""The most that a tiny model may differ by in float32 where matrices are of another shape. Gemma 4
does not divide the scores of attention by the root of the width of a head, which makes the effect
of rounding larger; in float64 nothing is left of it."""
WRITABLE = [kind for kind in site_kinds() if not kind.read_only]
TOKENS = [[5, 17, 42, 3, 28, 11, 50], [7, 8, 9, 10, 11, 12, 13]]
GROWING, PREFIX = "rows that join", "prefix"
Found = dict[str, float | str]
"""By the name of a kind of site, and of what else is promised: the difference, or the refusal."""


def within(architecture: str) -> float:
    """How far a tiny model of this architecture may be off."""
    return WITHIN_LARGE_SCORES if architecture.startswith("gemma4") else WITHIN


def change(x: Tensor) -> Tensor:
    """A change at one position that depends on what is there, and that no norm undoes.

    Of a pattern: of one head.
    """
    new = x.clone()
    new[:, 2] = x[:, 2] + 0.5 * x[:, 2].flip(-1)
    return new


def close(
    adapter: ModelAdapter, actual: Tensor, expected: Tensor, other_shape: float = 1e-4
) -> None:
    # of activations up to 10; rounding grows with them (Gemma scales its embeddings)
    size = max(1.0, float(expected.abs().max()) / 10)
    atol = other_shape if adapter.n_layers > 10 else size * within(adapter.weights.architecture)
    torch.testing.assert_close(actual, expected, atol=atol, rtol=1e-5)


def check_writable(adapter: ModelAdapter, *sites: Site) -> tuple[Site, ...]:
    """The sites; skips the test where one of them cannot be written."""
    for site in sites:
        if why := adapter.refusal(site, edited=True):
            pytest.skip(f"site {site} {why}")
    return sites


def site_of(adapter: ModelAdapter, kind: SiteKind) -> Site:
    """A site in the middle of the model (gemma3: a block with a sliding window)."""
    sites = [site for site in adapter.sites(kind) if not adapter.refusal(site, edited=True)]
    if not sites:
        pytest.skip(f"{adapter} has no {kind} to write")
    return sites[len(sites) // 2]


def check_that_rows_join(adapter: ModelAdapter, kind: SiteKind | None = None) -> None:
    if adapter.layout.one_batch and kind != FINAL_NORM:
        pytest.skip(adapter.layout.one_batch)


def check_that_prefixes_are_read(adapter: ModelAdapter) -> None:
    if adapter.layout.no_prefix:
        pytest.skip(adapter.layout.no_prefix)


def everywhere(adapter: ModelAdapter) -> list[Site]:
    """All sites that can be written."""
    sites = [site for kind in WRITABLE for site in adapter.sites(kind)]
    return [site for site in sites if not adapter.refusal(site, edited=True)]


def measured(model: str, backend: str) -> Found:
    """What holds of one model under one backend."""
    try:
        adapter = adapter_of(model, backend)
    except InterpError as refusal:
        return dict.fromkeys([*map(str, site_kinds()), GROWING, PREFIX], str(refusal))
    checks: dict[str, Callable[[], float]] = {
        str(kind): lambda kind=kind: _at(adapter, kind) for kind in site_kinds()
    }
    checks |= {GROWING: lambda: _growing(adapter), PREFIX: lambda: _behind_a_prefix(adapter)}
    found: Found = {}
    for name, check in checks.items():
        try:
            found[name] = check()
        except InterpError as refusal:
            found[name] = str(refusal)
    return found


def reason(refusal: str) -> str:
    """Why something is refused, in the words of the layout or of the backend."""
    return refusal.partition(" because ")[2]


def _at(adapter: ModelAdapter, kind: SiteKind) -> float:
    tokens, module = torch.tensor(TOKENS), adapter.weights.module
    sites = adapter.sites(kind) or (Site(kind, 0),)
    site = sites[len(sites) // 2]
    read = adapter.run(tokens, capture=sites)
    pairs = [(read[one], hooks.read(module, tokens, str(kind), one.layer)) for one in sites]
    written = adapter.run(tokens, edits={site: change}, logits="all").logits
    wanted = hooks.logits(module, tokens, kind, site.layer, change)
    plain = hooks.logits(module, tokens)
    assert (wanted - plain).abs().max() > 1e-3, f"the edit at {site} does something"
    left = adapter.run(tokens, edits=dict.fromkeys(sites, torch.clone), logits="all").logits
    return max(_apart(*pair) for pair in [*pairs, (written, wanted), (left, plain)])


def _growing(adapter: ModelAdapter) -> float:
    """One row more at each layer, each equal to a pass of its own."""
    tokens, module = torch.tensor(TOKENS[:1]), adapter.weights.module
    layers = range(adapter.n_layers)
    edits = {Site(RESID_POST, n): lambda x: torch.cat([x, change(x[:1])]) for n in layers}
    grown = adapter.run(tokens, edits=edits, logits="all").logits
    rows = [hooks.logits(module, tokens, "resid_post", n, change) for n in layers]
    return _apart(grown, torch.cat([hooks.logits(module, tokens), *rows]))


def _behind_a_prefix(adapter: ModelAdapter) -> float:
    tokens = torch.tensor(TOKENS)
    prefix = adapter.prefix(tokens[:, :4])
    rest = adapter.run(tokens[:, 4:], prefix=prefix, logits="all").logits
    return _apart(rest, hooks.logits(adapter.weights.module, tokens)[:, 4:])


def _apart(one: Tensor, other: Tensor) -> float:
    return float("inf") if one.shape != other.shape else float((one - other).abs().max())
