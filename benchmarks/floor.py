"""A time that no method can beat: counted multiply-adds, at the measured rate of a product."""

from __future__ import annotations

import torch

from benchmarks.measuring import timed
from pytest_interp.adapters import ModelAdapter


def operations(adapter: ModelAdapter, n: int, first: int, site: str = "resid_post") -> int:
    """Multiply-adds of the matrix products that the map of a fact needs.

    Each cell is a run of its own: from the cell's own position on, what comes behind the site in
    its layer, and all layers above. Of the last layer only the last position is needed, and the
    keys and values of the others. So at the last layer a site that no attention reads any more has
    one cell. Each cell ends with all logits of the last position. Both runs go through all layers
    once, with the tokens before the first difference run once for both. Attention scores are left
    out: they are small at these lengths.

    Args:
        adapter: a llama model.
        n: tokens of the prompt.
        first: the first position at which the two prompts differ.
        site: the site that is patched.
    """
    module, sizes = adapter.weights.module, adapter.sizes
    block = sum(p.numel() for p in module.model.layers[0].parameters() if p.ndim == 2)
    mlp = 3 * adapter.d_model * sizes.d_mlp
    keys = 2 * adapter.d_model * sizes.n_kv_heads * sizes.d_head
    unembed = adapter.d_model * adapter.d_vocab
    behind = {"resid_pre": block, "attn_out": mlp, "mlp_out": 0, "resid_post": 0}[site]
    last = adapter.n_layers - 1

    def cell(layer: int, position: int) -> int:
        tokens = n - position
        if layer == last:
            of_last = keys * (tokens - 1) if site == "resid_pre" else 0
            return behind + of_last
        above = (last - layer - 1) * block * tokens + block + keys * (tokens - 1)
        return behind * tokens + above

    at_last = range(first if site == "resid_pre" else n - 1, n)
    cells = [(layer, p) for layer in range(last) for p in range(first, n)]
    cells += [(last, p) for p in at_last]
    runs = adapter.n_layers * block * (first + 2 * (n - first)) + 2 * unembed
    return runs + sum(cell(*one) + unembed for one in cells)


def matmul_rate(adapter: ModelAdapter, rows: int = 500) -> float:
    """Multiply-adds a second of the model's own kind of matrix product."""
    a = torch.randn(rows, adapter.d_model)
    b = torch.randn(adapter.d_model, adapter.sizes.d_mlp)
    seconds = min(timed(lambda: [a @ b for _ in range(20)]).seconds for _ in range(3))
    return 20 * a.shape[0] * a.shape[1] * b.shape[1] / seconds
