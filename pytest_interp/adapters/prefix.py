"""Tokens at the beginning that the rows of many passes share, run once.

Attention is causal, so no patch after these tokens changes them. Later tokens read nothing of them
but their keys and values.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.state import listed
from pytest_interp.errors import ExperimentError, HookError


class Prefix(Cache):  # type: ignore[misc]
    """Keys and values of the shared tokens, in the form that Hugging Face models read them.

    A pass reads them and changes nothing, so that one prefix serves many passes.
    """

    def __init__(self, layers: Sequence[_Layer]) -> None:
        super().__init__(layers=list(layers))
        self.n_rows, n_tokens = layers[0].n_rows, layers[0].keys.shape[-2]
        self.n_tokens = int(n_tokens)

    @staticmethod
    def of(
        module: PreTrainedModel,
        layout: Layout,
        tokens: Tensor,
        after: Prefix | None = None,
        noise: Tensor | None = None,
    ) -> Prefix:
        """Run the tokens [row, pos].

        Args:
            module: the model.
            layout: where its blocks are.
            tokens: what the rows begin with.
            after: a prefix of as many rows, which they follow.
            noise: added to what enters the first block [row, pos, d_model].

        Raises:
            ExperimentError: the architecture keeps more of earlier tokens than keys and values.
        """
        check_prefix(layout)
        filled = begun(after)
        with torch.no_grad(), _added(module.get_submodule(f"{layout.blocks}.0"), noise):
            # without the head: nothing reads what comes after these tokens
            base = module.base_model
            base(tokens, **behind(base, filled, use_cache=True))
        return Prefix.holding((layer.keys, layer.values) for layer in filled.layers)

    @staticmethod
    def holding(layers: Iterable[tuple[Tensor, Tensor]]) -> Prefix:
        """The prefix with these keys and values of each layer."""
        return Prefix([_Layer(keys, values) for keys, values in layers])

    def pick(self, rows: Sequence[int]) -> Prefix:
        """These rows of it, in this order, each as often as it is named. Nothing is copied."""
        return Prefix([_Layer(layer.keys, layer.values, tuple(rows)) for layer in self.layers])

    def before(self, position: int) -> Prefix:
        """The tokens of it before a position. Nothing is copied."""
        cut = slice(None, position)
        return Prefix(
            [
                _Layer(one.keys[..., cut, :], one.values[..., cut, :], one.rows)
                for one in self.layers
            ]
        )

    @property
    def n_bytes(self) -> int:
        """The size of what it holds."""
        held = (tensor for layer in self.layers for tensor in (layer.keys, layer.values))
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    def check_rows(self, n_rows: int) -> None:
        """Refuse a pass of another number of rows.

        Raises:
            ExperimentError: it is no multiple of the rows of the prefix.
        """
        if n_rows % self.n_rows:
            raise ExperimentError(
                f"{n_rows} rows cannot continue a prefix of {self.n_rows}: give a multiple"
            )

    def check_read(self, by: str) -> None:
        """See to it that the last pass read every layer.

        Raises:
            HookError: it did not, so that it computed without these tokens.
        """
        unread = [str(i) for i, layer in enumerate(self.layers) if not layer.was_read]
        if unread:
            raise HookError(
                f"{by} did not read the tokens that its rows begin with, in layers"
                f" {listed(unread)}: its numbers would be of other prompts. Its version does not"
                " fit that of transformers: install the versions of the constraints file of"
                " pytest-interp, or run under another backend"
            )
        for layer in self.layers:
            layer.was_read = False


class _Layer(DynamicLayer):  # type: ignore[misc]
    """One layer of a prefix: all of its rows, or those that were picked."""

    def __init__(self, keys: Tensor, values: Tensor, rows: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values, self.rows = keys, values, rows
        self.was_read = False

    @property
    def n_rows(self) -> int:
        return len(self.keys if self.rows is None else self.rows)

    def of_rows(self, shared: Tensor) -> Tensor:
        """The picked rows of keys or values."""
        return shared if self.rows is None else shared[list(self.rows)]

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Put the shared tokens before those of this pass, and forget the latter."""
        self.was_read = True
        return self._before(self.keys, key_states), self._before(self.values, value_states)

    def _before(self, shared: Tensor, own: Tensor) -> Tensor:
        # rows come in groups of as many as the prefix has; the layer may run on another device
        mine = self.of_rows(shared).to(own)
        return torch.cat([mine.repeat(len(own) // len(mine), 1, 1, 1), own], dim=-2)


class _Filled(DynamicLayer):  # type: ignore[misc]
    """One layer of a cache that is filled, maybe on another device than it began on."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if self.is_initialized:
            keys, values = cast(Any, self).keys, cast(Any, self).values
            self.keys, self.values = keys.to(key_states), values.to(value_states)
        # its base by name: sent functions have no cell for super()
        found: tuple[Tensor, Tensor] = DynamicLayer.update(
            self, key_states, value_states, *args, **kwargs
        )
        return found


def check_prefix(layout: Layout) -> None:
    """Refuse an architecture that keeps more of earlier tokens than keys and values.

    Raises:
        ExperimentError: it does.
    """
    if layout.no_prefix:
        raise ExperimentError(
            f"the architecture {layout.name!r} has no prefix, because {layout.no_prefix}: run "
            "the whole rows"
        )


def begun(after: Prefix | None) -> Cache:
    """A cache for tokens that follow a prefix, with what is in that."""
    # without the config it keeps all tokens, also where a layer will look at few
    filled = Cache(layer_class_to_replicate=_Filled)
    for i, layer in enumerate(after.layers if after else ()):
        filled.update(layer.of_rows(layer.keys), layer.of_rows(layer.values), i)
    return filled


@contextmanager
def _added(block: nn.Module, noise: Tensor | None) -> Iterator[None]:
    if noise is None:
        yield
        return

    def add(_: nn.Module, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if args:
            return (args[0] + noise.to(args[0]), *args[1:]), options
        given = options["hidden_states"]
        return args, {**options, "hidden_states": given + noise.to(given)}

    handle = block.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def behind(module: nn.Module, cache: Cache | None, use_cache: bool = False) -> dict[str, Any]:
    """What a pass of a Hugging Face model is called with, to go on behind a cache.

    The name of the cache is that of the installed version of transformers, which 5.24 changed.

    Args:
        module: the model.
        cache: what comes before the tokens of the pass: a prefix, or None.
        use_cache: whether the pass adds its own keys and values.
    """
    names = inspect.signature(module.forward).parameters
    return {"cache" if "cache" in names else "past_key_values": cache, "use_cache": use_cache}
