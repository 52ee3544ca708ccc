"""What a part of the model would write to the stream if it alone were that of another run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.block_scales import block_scales
from pytest_interp.adapters.components import Component
from pytest_interp.adapters.projections import output_bias, output_matrix
from pytest_interp.adapters.sites import ATTN_OUT, EMBED, HEAD, RESID_POST, Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.growing import Measure
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.precision import precision_of


class Written:
    """The source and base runs of some pairs, and what senders write in them."""

    def __init__(
        self, adapter: ModelAdapter, pairs: Pairs, senders: Sequence[Component], measure: Measure
    ) -> None:
        """Run both.

        Args:
            adapter: the model.
            pairs: the runs.
            senders: those that :meth:`change` is asked for.
            measure: what is measured of the source runs.

        Raises:
            ExperimentError: the heads do not sum to what attention gives.
        """
        assert pairs.source is not None
        self.adapter = adapter
        sites = {one.site for one in senders}
        layers = {site.layer for site in sites if site.kind == HEAD}
        sites |= {Site(ATTN_OUT, layer) for layer in layers}
        noises = (pairs.source_noise, pairs.base_noise)
        source, base = (
            adapter.run(ids, sites, _shift(noise))
            for ids, noise in zip((pairs.source, pairs.base), noises, strict=True)
        )
        self.source_value = measure(source.logits[:, -1], pairs.answers, pairs.counterfactuals)
        self._source, self._base = source.captured, base.captured
        self._scales = block_scales(adapter.weights, adapter.layout)
        for layer in layers:
            if layer is not None:
                self._check_sum(layer)

    def change(self, sender: Component, at: Site) -> Tensor:
        """What is read of it at a site: of what it writes in the source run, minus in the base run.

        [pair, pos, d_model]. Blocks that multiply what leaves them multiply this as well.

        A head is exchanged before what follows it in its layer: its output matrix, and a norm
        behind attention where the architecture has one.
        """
        change = self._change(sender)
        assert at.layer is not None
        upto = at.layer + (at.kind == RESID_POST)
        passed = float(self._scales[sender.layer or 0 : upto].prod())
        return change if passed == 1 else change * passed

    def _change(self, sender: Component) -> Tensor:
        apart = self._source[sender.site] - self._base[sender.site]
        if sender.site.kind != HEAD:
            return apart
        layer = sender.layer
        assert layer is not None  # the site was made
        heads = slice(None) if sender.index is None else slice(sender.index, sender.index + 1)
        moved = self._projected(layer, apart, heads)
        norm = self._norm_behind(layer)
        if norm is None:
            return moved
        whole = self._all_heads(layer)
        changed: Tensor = norm(whole + moved) - norm(whole)
        return changed

    def _projected(self, layer: int, z: Tensor, heads: slice) -> Tensor:
        weights, layout = self.adapter.weights, self.adapter.layout
        matrix = output_matrix(weights, layout, layer, self.adapter.n_heads)
        return torch.einsum("rphz,hzd->rpd", z[:, :, heads], matrix[heads])

    def _all_heads(self, layer: int) -> Tensor:
        given = self._projected(layer, self._base[Site(HEAD, layer)], slice(None))
        bias = output_bias(self.adapter.weights, self.adapter.layout, layer)
        return given if bias is None else given + bias

    def _norm_behind(self, layer: int) -> Any:
        layout = self.adapter.layout
        if layout.attn_out == layout.attention:
            return None
        path = f"{layout.blocks}.{layer}.{layout.attn_out}"
        return self.adapter.weights.part(path)

    def _check_sum(self, layer: int) -> None:
        norm, given = self._norm_behind(layer), self._all_heads(layer)
        wanted = self._base[Site(ATTN_OUT, layer)]
        apart = (given if norm is None else norm(given)) - wanted
        off = float(apart.float().norm() / wanted.float().norm().clamp_min(1e-12))
        if off > precision_of(wanted.dtype).heads:
            raise ExperimentError(
                f"the heads of layer {layer} of {self.adapter.name} sum to something else than its "
                f"attention gives, by {off:.1%} of its length: name attn_out.{layer} as the sender",
                about="senders",
            )


def _shift(by: Tensor | None) -> dict[Site, Edit]:
    return {} if by is None else {Site(EMBED): lambda x: x + by.to(x)}
