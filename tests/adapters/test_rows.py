"""Rows that join in mid-pass, and rows that go on behind a prefix, as plain torch hooks have them.

Tolerances are those of test_contract.py.
"""

from __future__ import annotations

import hooks
import pytest
import torch
from contract import (
    TOKENS,
    WRITABLE,
    change,
    check_that_prefixes_are_read,
    check_that_rows_join,
    close,
    site_of,
)
from torch import Tensor

from pytest_interp.adapters.sites import (
    EMBED,
    FINAL_NORM,
    PATTERN,
    RESID_POST,
    RESID_PRE,
    Site,
)


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_a_batch_that_grows_gives_each_row_its_own_run(anatomy, kind):
    """Rows that an edit adds behave like separate runs with their own edit, from any batch."""
    check_that_rows_join(anatomy, kind)
    tokens = torch.tensor(TOKENS)
    module = anatomy.weights.module
    site = site_of(anatomy, kind)
    if kind in (EMBED, RESID_PRE, RESID_POST, FINAL_NORM):
        edits = {site: lambda x: torch.cat([x, change(x[:1]), 2 * x[1:]])}
    else:
        # inside a block the rows join at its input: the residual stream goes past the site
        edits = {
            Site(RESID_PRE, site.layer): lambda x: torch.cat([x, x]),
            site: lambda x: torch.cat([x[:2], change(x[:1]), 2 * x[1:2]]),
        }
    actual = anatomy.run(tokens, edits=edits, logits="all").logits
    plain = hooks.logits(module, tokens)
    changed = hooks.logits(module, tokens[:1], kind, site.layer, change)
    doubled = hooks.logits(module, tokens[1:], kind, site.layer, lambda x: 2 * x)
    close(anatomy, actual, torch.cat([plain, changed, doubled]), other_shape=1e-3)


def test_growth_at_every_layer(tiny):
    """The growing pass of a sweep: one more row a layer, each equal to a pass of its own."""
    check_that_rows_join(tiny)
    tokens = torch.tensor(TOKENS[:1])
    module = tiny.weights.module
    edits = {
        Site(RESID_POST, layer): lambda x: torch.cat([x, change(x[:1])])
        for layer in range(tiny.n_layers)
    }
    actual = tiny.run(tokens, edits=edits, logits="all").logits
    rows = [hooks.logits(module, tokens)]
    rows += [hooks.logits(module, tokens, "resid_post", i, change) for i in range(tiny.n_layers)]
    close(tiny, actual, torch.cat(rows))


@pytest.mark.parametrize("kind", WRITABLE, ids=str)
def test_behind_a_prefix_everything_is_as_in_one_piece(anatomy, kind):
    """Two rows that begin alike, run once for their beginning; then they grow to four."""
    check_that_prefixes_are_read(anatomy)
    tokens = torch.tensor([[5, 17, 42, 3, 28, 11, 50], [7, 8, 9, 10, 11, 12, 13]])
    prefix, site = anatomy.prefix(tokens[:, :4]), site_of(anatomy, kind)

    def last(x: Tensor) -> Tensor:
        new = x.clone()
        at = (slice(None), slice(None), -2) if kind == PATTERN else (slice(None), -2)
        new[at] = x[at] + 0.5 * x[at].flip(-1)
        return new

    edits = {} if kind.read_only else {site: last}
    whole = anatomy.run(tokens, capture=[site], edits=edits, logits="all")
    for _ in range(2):  # a pass leaves nothing behind in the prefix
        rest = anatomy.run(tokens[:, 4:], [site], edits, logits="all", prefix=prefix)
        close(anatomy, rest.logits, whole.logits[:, 4:], other_shape=5e-3)
        expected = whole[site][:, :, 4:] if kind == PATTERN else whole[site][:, 4:]
        close(anatomy, rest[site], expected, other_shape=5e-3)
    check_that_rows_join(anatomy)
    grow = {Site(RESID_PRE, 1): lambda x: torch.cat([x, 2 * x])}
    whole = anatomy.run(tokens, edits={Site(RESID_PRE, 1): lambda x: _grown(x, 4)})
    rest = anatomy.run(tokens[:, 4:], edits=grow, prefix=prefix)
    close(anatomy, rest.logits, whole.logits, other_shape=5e-3)


def test_a_prefix_goes_on_from_another_and_rows_of_it_are_picked(anatomy):
    check_that_prefixes_are_read(anatomy)
    tokens = torch.tensor([[5, 17, 42, 3, 28, 11, 50], [7, 8, 9, 10, 11, 12, 13]])
    whole = anatomy.run(tokens[[1, 0, 1]]).logits
    first = anatomy.prefix(tokens[:, :2])
    picked = anatomy.run(tokens[[1, 0, 1], 2:], prefix=first.pick([1, 0, 1])).logits
    close(anatomy, picked, whole, other_shape=5e-3)
    second = anatomy.prefix(tokens[[1, 0, 1], 2:4], after=first.pick([1, 0, 1]))
    assert (second.n_rows, second.n_tokens) == (3, 4)
    close(
        anatomy, anatomy.run(tokens[[1, 0, 1], 4:], prefix=second).logits, whole, other_shape=5e-3
    )


def _grown(x: Tensor, start: int) -> Tensor:
    doubled = x.clone()
    doubled[:, start:] *= 2
    return torch.cat([x, doubled])
