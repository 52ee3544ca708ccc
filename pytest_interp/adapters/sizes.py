"""How many of everything a model has, by its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pytest_interp.adapters.sites import UNITS, SiteKind
from pytest_interp.errors import ExperimentError


@dataclass(frozen=True)
class Sizes:
    """The sizes of one model."""

    n_layers: int
    n_heads: int
    n_kv_heads: int
    """Several heads may share the keys and values of one."""
    d_model: int
    d_head: int
    d_mlp: int
    d_vocab: int

    @classmethod
    def of(cls, config: Any) -> Self:
        """Those that a Hugging Face config of a text model states or implies."""
        n_heads, d_model = int(config.num_attention_heads), int(config.hidden_size)

        # what differs between layers is stated for each: that of the first stands for all
        layers = getattr(config, "per_layer_config", None)
        first = layers[0] if layers else config

        def stated(*names: str) -> int | None:
            return next((int(v) for n in names if (v := getattr(first, n, None))), None)

        return cls(
            n_layers=int(config.num_hidden_layers),
            n_heads=n_heads,
            n_kv_heads=stated("num_key_value_heads") or n_heads,
            d_model=d_model,
            d_head=stated("head_dim") or d_model // n_heads,
            d_mlp=stated("intermediate_size", "n_inner") or 4 * d_model,
            d_vocab=int(config.vocab_size),
        )

    @property
    def dims(self) -> Mapping[str, int]:
        """By the names that the shapes of sites use."""
        # not d_head: the values of some architectures have another width than their keys
        return {
            "d_model": self.d_model,
            "head": self.n_heads,
            "kv_head": self.n_kv_heads,
            "neuron": self.d_mlp,
        }

    def heads_of(self, kind: SiteKind) -> int | None:
        """How many heads the modules of such a site hold side by side; None for no heads."""
        return self.dims.get(kind.dims[2], self.n_heads) if kind.per_head else None

    def check_unit(self, model: str, kind: SiteKind, index: int) -> None:
        """Refuse a head, a key-value head or a neuron that the model does not have.

        Raises:
            ExperimentError: there is none of this number, or the site has no such parts.
        """
        unit = kind.unit_dim
        if unit is None:
            raise ExperimentError(f"site {kind} has neither heads nor neurons to number")
        count = self.dims[unit]
        if not 0 <= index < count:
            shared = ""
            if unit == "kv_head" and index < self.n_heads:
                group = self.n_heads // count
                shared = f". Head {index} reads key-value head {index // group}"
            raise ExperimentError(
                f"{model} has no {UNITS[unit]} {index} at {kind}: its {UNITS[unit]}s are 0 to "
                f"{count - 1}{shared}"
            )
