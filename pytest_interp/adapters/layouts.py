"""Where an architecture keeps the parts that the sites name.

A layout's paths are module paths of the Hugging Face model. They start at the model, or at one
block where the field says so. The layouts of this package stand in
:mod:`pytest_interp.adapters.architectures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pytest_interp.adapters.architectures import FAMILIES
from pytest_interp.adapters.places import MODULES, PATTERN_MODULE, ModulePlace
from pytest_interp.adapters.sites import SITES, SiteKind
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from torch import nn


_OPTIONAL = ("q", "k", "v", "resid_mid", "mlp_neurons")
"""Sites that an architecture does not have where its layout names no module for them."""
ANY = "any backend"
BESIDE = "attention and MLP run side by side, and no stream lies between them"
"""Why there is no ``resid_mid`` where the layout names no module for it."""


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
    pattern: ModulePlace | None = None
    """In a block: a module through which the model itself sends the pattern, before it weighs the
    values. None: a place is made for it (:mod:`pytest_interp.adapters.patterns`)."""
    neurons: str | None = None
    """In a block: the MLP's down projection; its input are the neurons after the activation."""
    attn_out_else: str | None = None
    """In a block without ``attn_out``: the module that gives what something else adds in its
    place."""
    embed_scale: float = 1.0
    """What ``embed`` gives is multiplied by this before it enters the first block."""
    branch_scale: float = 1.0
    """What ``attn_out`` and ``mlp_out`` give is multiplied by this before it is added."""
    logit_scale: float = 1.0
    """What the unembedding gives is multiplied by this."""
    caps_as_text: bool = False
    """Whether a model that also sees caps its logits as its text config says."""
    block_scale: str | None = None
    """In a block: the tensor that multiplies all that leaves it, with what came in."""
    adds_more: str = ""
    """What a block adds to the stream besides attention and MLP; empty where that is nothing."""
    lacks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By the name of a site that the architecture does not have, the reason."""
    some_lack: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By the name of a site that not every layer has, the reason: there are layers without its
    module."""
    unseen: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """By the name of a backend, sites that it does not show as they are, each with the reason."""
    unwritable: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """By the name of a backend, or :data:`ANY`, sites that can be captured alone there, each with
    the reason."""
    breaks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By the name of a relation of :mod:`pytest_interp.models.arithmetic` that does not hold, the
    reason."""
    cuts_positions: bool = False
    """Whether the model runs its later layers at the last position alone when only the logits
    there are asked for; all are asked for then."""
    one_batch: str = ""
    """Why rows cannot join in mid-pass; empty where they can."""
    no_prefix: str = ""
    """Why what all rows begin with cannot be run once; empty where it can."""
    leftovers: tuple[str, ...] = ()
    """Tensors that checkpoints hold and the model has no place for, as glob patterns: masks and
    tables that older versions of transformers saved. All others are an error at load."""
    special: str = ""
    """What is special in the architecture, in a few words: a row of the table in the docs."""
    fit: Callable[[Layout, Any], Layout] | None = None
    """From this layout and a Hugging Face config to the layout of that very model, where it depends
    on settings."""

    def fitted(self, config: Any) -> Layout:
        """The layout of a model with this config."""
        return self if self.fit is None else self.fit(self, config)

    def has(self, kind: SiteKind) -> bool:
        """Whether the architecture has sites of this kind."""
        return kind.name not in self.lacks and not (
            kind.name in _OPTIONAL and self.place(kind) is None
        )

    def why_not(self, kind: SiteKind) -> str:
        """The reason why it has none; empty where it has, or nobody gave one."""
        beside = BESIDE if kind.name == "resid_mid" and self.resid_mid is None else ""
        return self.lacks.get(kind.name, beside)

    def place(self, kind: SiteKind, block: nn.Module | None = None) -> ModulePlace | None:
        """The module at which a kind of site is found; None where nobody has said.

        With the block of a layer, as it is there.
        """
        find = MODULES.here().get(kind.name)
        found = None if find is None else find(self)
        other = self.attn_out_else if kind.name == "attn_out" else None
        if found is None or block is None or other is None or _holds(block, found.path):
            return found
        return replace(found, path=other)

    def unexpected(self, names: Iterable[str]) -> list[str]:
        """Those of the surplus tensors that are no leftovers, sorted."""
        return sorted(
            name for name in names if not any(fnmatchcase(name, kind) for kind in self.leftovers)
        )

    def missing_paths(self, module: nn.Module) -> list[str]:
        """The paths that this module does not have."""
        there = dict(module.named_modules(remove_duplicate=False))
        paths = [path for path in (self.embed, self.blocks, self.final_norm) if path not in there]
        if self.blocks in there:
            always = [kind for kind in SITES.here().values() if kind.name not in self.some_lack]
            places = [self.place(kind) for kind in always if kind.in_blocks]
            parts = [_module(place) for place in places if place is not None]
            blocks = list(module.get_submodule(self.blocks).children())
            paths += [
                f"{self.blocks}.0.{part}"
                for part in dict.fromkeys(parts)
                if not any(_holds(block, part) for block in blocks)
            ]
        return paths

    def absent(self, kind: SiteKind, block: nn.Module) -> str | None:
        """The module without which this one block has no such site; None where it has it."""
        place = self.place(kind, block)
        if place is None:
            return None
        path = _module(place)
        return None if _holds(block, path) else path


def _module(place: ModulePlace) -> str:
    """The path of a place, or that of the module into which a place is put."""
    return place.path.removesuffix(PATTERN_MODULE).rstrip(".")


def _holds(block: nn.Module, path: str) -> bool:
    try:
        block.get_submodule(path)
    except AttributeError:
        return False
    return True


ARCHITECTURES: Registry[Layout] = Registry(
    "architecture",
    built_in=FAMILIES,
    things=Layout,
    hint="Describe it with pytest_interp.adapters.register_layout(Layout(...)).",
)
"""Layouts by the ``model_type`` of a Hugging Face config."""


def layout_of(config: Any) -> Layout:
    """The layout of a model with this Hugging Face config.

    Raises:
        UnknownNameError: nobody has described its architecture.
    """
    return ARCHITECTURES.find(str(config.model_type)).fitted(config.get_text_config())


def register_layout(layout: Layout, *, replace: bool = False) -> Layout:
    """Add an architecture: one layout serves every backend.

    Raises:
        InterpError: one of its model types is described already.
    """
    for model_type in layout.model_types:
        ARCHITECTURES.add(model_type, layout, replace=replace)
    return layout
