"""What the output projection of attention makes of each head, by module and not by backend."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pytest_interp.adapters.layouts import Layout


def output_matrix(module: nn.Module, layout: Layout, layer: int, n_heads: int) -> Tensor:
    """The matrix by which each head writes [head, d_head, d_model], W_O.

    A head writes ``z @ output_matrix``. All heads of a layer together, and the bias of the
    projection, are what attention gives.
    """
    projection = _projection(module, layout, layer)
    # a linear layer keeps its matrix transposed; the Conv1D of GPT-2 does not
    matrix = projection.weight.T if isinstance(projection, nn.Linear) else projection.weight
    by_head: Tensor = matrix.unflatten(0, (n_heads, -1))
    return by_head


def output_bias(module: nn.Module, layout: Layout, layer: int) -> Tensor | None:
    """The bias of that projection [d_model], which no head writes; None where it has none."""
    bias: Tensor | None = getattr(_projection(module, layout, layer), "bias", None)
    return bias


def _projection(module: nn.Module, layout: Layout, layer: int) -> Any:
    return module.get_submodule(f"{layout.blocks}.{layer}.{layout.z}")
