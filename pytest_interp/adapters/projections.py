"""What the output projection of attention makes of each head, by module and not by backend."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.offloaded import refuse
from pytest_interp.adapters.weights import Weights


def output_matrix(weights: Weights, layout: Layout, layer: int, n_heads: int) -> Tensor:
    """The matrix by which each head writes [head, d_head, d_model], W_O.

    Raises:
        DeviceError: its weights are not at hand.

    A head writes ``z @ output_matrix``. All heads of a layer together, and the bias of the
    projection, are what attention gives; both are scaled as the architecture does that.
    """
    projection = _projection(weights, layout, layer)
    refuse(projection, "Reading the output matrix of attention needs")
    # a linear layer keeps its matrix transposed; the Conv1D of GPT-2 does not
    matrix = projection.weight.T if isinstance(projection, nn.Linear) else projection.weight
    by_head: Tensor = matrix.unflatten(0, (n_heads, -1))
    return _scaled(by_head, layout)


def output_bias(weights: Weights, layout: Layout, layer: int) -> Tensor | None:
    """The bias of that projection [d_model], which no head writes; None where it has none."""
    bias: Tensor | None = getattr(_projection(weights, layout, layer), "bias", None)
    return None if bias is None else _scaled(bias, layout)


def _scaled(given: Tensor, layout: Layout) -> Tensor:
    return given if layout.branch_scale == 1 else given * layout.branch_scale


def _projection(weights: Weights, layout: Layout, layer: int) -> Any:
    return weights.part(f"{layout.blocks}.{layer}.{layout.z}")
