"""Where each architecture keeps the parts that the sites name.

One entry an architecture. Paths are module paths of the Hugging Face model: those of ``Layout``
start at the model, those of ``block`` parts start at one block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from torch import nn

from pytest_interp.adapters.sites import Kind
from pytest_interp.errors import UnknownNameError


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
    lacks: frozenset[Kind] = frozenset()
    """Sites that the architecture does not have."""

    def has(self, kind: Kind) -> bool:
        """Whether the architecture has sites of this kind."""
        return kind not in self.lacks and (kind is not Kind.RESID_MID or self.resid_mid is not None)

    def missing_paths(self, module: nn.Module) -> list[str]:
        """The paths that this module does not have."""
        whole = [self.embed, self.blocks, self.final_norm]
        missing = [path for path in whole if not _has(module, path)]
        if self.blocks in missing:
            return missing
        parts = (self.attention, self.z, self.attn_out, self.resid_mid, self.mlp_out)
        paths = [f"{self.blocks}.0.{part}" for part in dict.fromkeys(parts) if part is not None]
        return missing + [path for path in paths if not _has(module, path)]

    @property
    def attn_out_in_tuple(self) -> bool:
        """Whether the attention output is the first of a tuple rather than a plain tensor."""
        return self.attn_out == self.attention


def _has(module: nn.Module, path: str) -> bool:
    try:
        module.get_submodule(path)
    except AttributeError:
        return False
    return True


_LAYOUTS: dict[str, Layout] = {}


def register_layout(layout: Layout) -> Layout:
    """Add an architecture: one entry serves every backend."""
    for model_type in layout.model_types:
        _LAYOUTS[model_type] = layout
    return layout


def layout_of(model_type: str) -> Layout:
    """The layout of a Hugging Face ``model_type``.

    Raises:
        UnknownNameError: nobody described this architecture; the message says how to add it.
    """
    try:
        return _LAYOUTS[model_type]
    except KeyError:
        raise UnknownNameError.of(
            "architecture",
            model_type,
            _LAYOUTS,
            "Describe it with pytest_interp.adapters.register_layout(Layout(...)).",
        ) from None


def known_architectures() -> Iterable[str]:
    """All ``model_type`` values that have a layout."""
    return sorted(_LAYOUTS)


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
    )
)

register_layout(
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
    )
)

_GEMMA3 = register_layout(
    Layout(
        name="gemma3",
        model_types=("gemma3_text",),
        embed="model.embed_tokens",
        blocks="model.layers",
        attention="self_attn",
        z="self_attn.o_proj",
        # norms stand between the modules and the residual stream: what is added is their output
        attn_out="post_attention_layernorm",
        resid_mid="pre_feedforward_layernorm",
        mlp_out="post_feedforward_layernorm",
        final_norm="model.norm",
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
