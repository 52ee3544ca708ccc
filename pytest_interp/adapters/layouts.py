"""Where each architecture keeps the parts that the sites name.

There is one layout per family of architectures. Its paths are module paths of the Hugging Face
model. They start at the model, or at one block where the field says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_interp.adapters.places import MODULES, ModulePlace
from pytest_interp.adapters.sites import SiteKind
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from torch import nn


_OPTIONAL = ("q", "k", "v", "resid_mid", "mlp_neurons")
"""Sites that an architecture does not have where its layout names no module for them."""


@dataclass(frozen=True)
class Layout:
    """Module paths of one family of architectures."""

    name: str
    model_types: tuple[str, ...]
    """The ``model_type`` values of the configs that this layout serves."""
    embed: str
    """Its output is what enters the first block, positions included."""
    blocks: str
    """The list of blocks; a block's input and output are the residual stream."""
    attention: str
    """In a block: returns the tuple (attention output, pattern)."""
    z: str
    """In a block: the attention's output projection; its input is z, heads side by side."""
    attn_out: str
    """In a block: the module that gives what attention adds to the residual stream."""
    resid_mid: str | None
    """In a block: the module whose input is the stream between attention and MLP: the norm before
    the MLP, or the MLP. None where the two run side by side: there is no such site then."""
    mlp_out: str
    """In a block: the module that gives what the MLP adds to the residual stream."""
    final_norm: str
    """Its input is the residual stream after the last block."""
    q: ModulePlace | None = None
    """In a block: where the queries leave their projection; None where nobody has said."""
    k: ModulePlace | None = None
    """In a block: where the keys leave their projection."""
    v: ModulePlace | None = None
    """In a block: where the values leave their projection."""
    neurons: str | None = None
    """In a block: the MLP's down projection; its input are the neurons after the activation."""
    lacks: frozenset[str] = frozenset()
    """Names of sites that the architecture does not have."""
    leftovers: tuple[str, ...] = ()
    """Tensors that checkpoints hold and the model has no place for, as glob patterns: masks and
    tables that older versions of transformers saved. All others are an error at load."""

    def has(self, kind: SiteKind) -> bool:
        """Whether the architecture has sites of this kind."""
        return kind.name not in self.lacks and not (
            kind.name in _OPTIONAL and self.place(kind) is None
        )

    def place(self, kind: SiteKind) -> ModulePlace | None:
        """The module at which a kind of site is found; None where nobody has said."""
        find = MODULES.here().get(kind.name)
        return None if find is None else find(self)

    def unexpected(self, names: Iterable[str]) -> list[str]:
        """Those of the surplus tensors that are no leftovers, sorted."""
        return sorted(
            name for name in names if not any(fnmatchcase(name, kind) for kind in self.leftovers)
        )

    def missing_paths(self, module: nn.Module) -> list[str]:
        """The paths that this module does not have."""
        there = dict(module.named_modules(remove_duplicate=False))
        named = (self.attention, self.z, self.attn_out, self.resid_mid, self.mlp_out, self.neurons)
        parts = (*named, *(place.path for place in (self.q, self.k, self.v) if place is not None))
        in_block = [f"{self.blocks}.0.{part}" for part in parts if part is not None]
        paths = [self.embed, self.blocks, self.final_norm]
        paths += in_block if self.blocks in there else []
        return [path for path in dict.fromkeys(paths) if path not in there]


ARCHITECTURES: Registry[Layout] = Registry(
    "architecture",
    things=Layout,
    hint="Describe it with pytest_interp.adapters.register_layout(Layout(...)).",
)
"""Layouts by the ``model_type`` of a Hugging Face config."""


def register_layout(layout: Layout, *, replace: bool = False) -> Layout:
    """Add an architecture: one layout serves every backend.

    Raises:
        InterpError: one of its model types is described already.
    """
    for model_type in layout.model_types:
        ARCHITECTURES.add(model_type, layout, replace=replace)
    return layout


register_layout(
    Layout(
        name="gpt2",
        model_types=("gpt2",),
        embed="transformer.drop",
        blocks="transformer.h",
        attention="attn",
        z="attn.c_proj",
        attn_out="attn",
        resid_mid="ln_2",
        mlp_out="mlp",
        final_norm="transformer.ln_f",
        q=ModulePlace("attn.c_attn", "output", part=(0, 3)),
        k=ModulePlace("attn.c_attn", "output", part=(1, 3)),
        v=ModulePlace("attn.c_attn", "output", part=(2, 3)),
        neurons="mlp.c_proj",
        leftovers=("*.attn.bias", "*.attn.masked_bias"),  # the causal mask, and what it writes
    )
)
_LLAMA = register_layout(
    Layout(
        name="llama",
        model_types=("llama", "qwen2", "qwen3"),
        embed="model.embed_tokens",
        blocks="model.layers",
        attention="self_attn",
        z="self_attn.o_proj",
        attn_out="self_attn",
        resid_mid="post_attention_layernorm",
        mlp_out="mlp",
        final_norm="model.norm",
        q=ModulePlace("self_attn.q_proj", "output"),
        k=ModulePlace("self_attn.k_proj", "output"),
        v=ModulePlace("self_attn.v_proj", "output"),
        neurons="mlp.down_proj",
        leftovers=("*.rotary_emb.inv_freq",),  # frequencies of the rotary positions
    )
)
_GEMMA3 = register_layout(
    replace(
        _LLAMA,
        name="gemma3",
        model_types=("gemma3_text",),
        # norms follow attention and the MLP: what the stream gets is the output of these norms
        attn_out="post_attention_layernorm",
        resid_mid="pre_feedforward_layernorm",
        mlp_out="post_feedforward_layernorm",
    )
)
# the text half of the models that also see
register_layout(
    replace(
        _GEMMA3,
        model_types=("gemma3",),
        embed="model.language_model.embed_tokens",
        blocks="model.language_model.layers",
        final_norm="model.language_model.norm",
    )
)
