"""Where each backend finds the sites. Built-in and added sites are in the same tables.

A backend has a table of its own, or shares that of module paths. Every backend that reaches the
modules of the Hugging Face model can use the latter, as :func:`pytest_interp.models.check` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_interp.adapters.module_places import ModulePlace as ModulePlace
from pytest_interp.adapters.sites import SITES, SiteKind
from pytest_interp.errors import UnknownNameError
from pytest_interp.registry import Registry

if TYPE_CHECKING:
    from pytest_interp.adapters.layouts import Layout


PATTERN_MODULE: Final = "pattern"
"""The module that :mod:`pytest_interp.adapters.patterns` puts into each attention."""

FindModule = Callable[["Layout"], ModulePlace | None]
"""From a layout to the place; None where the architecture has none."""

HOOKS: Final[Registry[str]] = Registry("TransformerLens hook")
"""TransformerLens: by kind of site, the hook's name, below ``blocks.L.`` where it is in blocks."""
MODULES: Final[Registry[FindModule]] = Registry("module place")
"""nnsight, plain hooks and others: by kind of site, what finds the module in a layout."""
TABLES: Final[dict[str, Registry[Any]]] = {"transformer_lens": HOOKS, "modules": MODULES}


def register_site(kind: SiteKind, places: Mapping[str, Any], *, replace: bool = False) -> SiteKind:
    """Add a kind of site that every block has.

    It can be captured, edited and traced as its row says, and it must fire exactly once, like the
    sites of the package. Adding the same site again does nothing.

    Args:
        kind: the row.
        places: by table, where the site is: for ``transformer_lens`` the hook's name below
            ``blocks.L.``, as ``mlp.out.hook_in``; for ``modules``, by the name of a layout, a
            module's path below the block and ``input`` or ``output``, as
            ``{"llama": "mlp.down_proj.input"}``.
        replace: take the place of a site of that name.

    Raises:
        InterpError: the name is taken, or a path ends in something else.
        UnknownNameError: there is no such table.
    """
    made: dict[str, Any] = {}
    for table, place in places.items():
        if table not in TABLES:
            raise UnknownNameError.of("table of places", table, TABLES)
        made[table] = ByLayout(dict(place)) if table == "modules" else place
    SITES.add(kind.name, kind, replace=replace)
    for table, place in made.items():
        TABLES[table].add(kind.name, place, replace=replace)
    return SITES.here()[kind.name]


@dataclass(frozen=True)
class ByLayout:
    """Finds a module by the name of the layout."""

    paths: Mapping[str, str]

    def __post_init__(self) -> None:
        for path in self.paths.values():
            ModulePlace.of(path)

    def __call__(self, layout: Layout) -> ModulePlace | None:
        path = self.paths.get(layout.name)
        return None if path is None else ModulePlace.of(path)


for _name in ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post"):
    HOOKS.add(_name, f"hook_{_name}")
for _name in ("q", "k", "v", "pattern"):
    HOOKS.add(_name, f"attn.hook_{_name}")
HOOKS.add("head", "attn.hook_z")
HOOKS.add("mlp_neurons", "mlp.hook_post")
HOOKS.add("final_norm", "ln_final.hook_in")

for _name, _find in {
    "embed": lambda layout: ModulePlace(layout.embed, "output", scale=layout.embed_scale),
    "resid_pre": lambda layout: ModulePlace("", "input"),
    "head": lambda layout: ModulePlace(layout.z, "input"),
    "q": lambda layout: layout.q,
    "k": lambda layout: layout.k,
    "v": lambda layout: layout.v,
    "pattern": lambda layout: (
        layout.pattern or ModulePlace(f"{layout.attention}.{PATTERN_MODULE}", "output")
    ),
    "attn_out": lambda layout: ModulePlace(layout.attn_out, "output", scale=layout.branch_scale),
    "resid_mid": lambda layout: (
        None if layout.resid_mid is None else ModulePlace(layout.resid_mid, "input")
    ),
    "mlp_neurons": lambda layout: (
        None if layout.neurons is None else ModulePlace(layout.neurons, "input")
    ),
    "mlp_out": lambda layout: ModulePlace(layout.mlp_out, "output", scale=layout.branch_scale),
    "resid_post": lambda layout: ModulePlace("", "output"),
    "final_norm": lambda layout: ModulePlace(layout.final_norm, "input"),
}.items():
    MODULES.add(_name, _find)
