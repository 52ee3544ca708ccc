"""The contract of an adapter in short: every site read, written and left alone, rows, a prefix.

Each number is the largest difference from plain torch hooks on the Hugging Face module.
"""

from __future__ import annotations

from collections.abc import Callable

import hooks
import torch
from torch import Tensor

from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.sites import RESID_POST, Site, SiteKind, site_kinds
from pytest_interp.errors import InterpError

TOKENS = [[5, 17, 42, 3, 28, 11, 50], [7, 8, 9, 10, 11, 12, 13]]
GROWING, PREFIX = "rows that join", "prefix"
Found = dict[str, float | str]
"""By the name of a kind of site, and of what else is promised: the difference, or the refusal."""


def change(x: Tensor) -> Tensor:
    """A change at one position that depends on what is there, and that no norm undoes.

    Of a pattern: of one head.
    """
    new = x.clone()
    new[:, 2] = x[:, 2] + 0.5 * x[:, 2].flip(-1)
    return new


def measured(adapter: ModelAdapter) -> Found:
    """What holds of one model under one backend."""
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
