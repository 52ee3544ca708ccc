"""Names for places in a transformer: which tensor, at which layer.

A :class:`Site` names one activation of one forward pass. In claims a site is written with a
position, ``kind@position``, as in ``resid_post@subject`` or ``head.9.6@last``: that text is a
:class:`SiteAt`.

Shapes below: ``row`` counts prompts in the batch, ``pos`` tokens, ``d_model`` the width of the
residual stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pytest_interp.errors import ClaimError, ExperimentError, InterpError
from pytest_interp.registry import Registry

UNITS = {"head": "head", "kv_head": "key-value head", "neuron": "neuron"}
"""Dimensions whose entries have numbers that claims name, and what one entry is called."""


@dataclass(frozen=True)
class SiteKind:
    """One kind of site: what flows there, and what may be done with it.

    Where a backend finds it is a matter of the backend (:mod:`pytest_interp.adapters.places`).

    Raises:
        InterpError: the name has other characters, the shape cannot be read, or both ``before``
            and ``order`` are missing.
        UnknownNameError: there is no such kind as ``before``.
    """

    name: str
    """Lower-case letters and underscores."""
    shape: str = "[row, pos, d_model]"
    """The names of the dimensions. A run checks their number, and the sizes of ``pos``, ``query``,
    ``d_model`` and ``head``."""
    before: str | None = None
    """The kind that a block produces next."""
    order: float | None = field(default=None, compare=False)
    """Place in the order in which a block produces its sites; by default just before ``before``."""
    read_only: bool = False
    rows_join: bool = False
    """Whether nothing of the pass goes past the site, so that an edit may add rows there."""
    stays_in_column: bool = False
    """Whether no attention of the same block reads it at another position."""
    traceable: bool = True
    """Whether it can be patched position by position."""
    in_blocks: bool = True
    """Whether every block has one. If not, the model has one."""
    per_head: bool = False
    """Whether it has a dimension of heads, the third; ``kv_head`` in the shape counts key-value
    heads, which several heads may share."""
    keeps_rows: bool = False
    """Whether the block counts on as many rows there as came in, so that not even one row may
    become several."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z_]*", self.name):
            raise InterpError(
                f"the site name {self.name!r} must be lower-case letters and underscores"
            )
        if not re.fullmatch(r"\[\w+(, \w+)*\]", self.shape):
            raise InterpError(
                f"the shape {self.shape!r} of the site {self.name!r} must name its dimensions, as "
                "in '[row, pos, d_model]'"
            )
        if self.order is None:
            if self.before is None:
                raise InterpError(f"the site {self.name!r} needs before=: the kind that comes next")
            object.__setattr__(self, "order", _just_before(parse_kind(self.before)))

    def __str__(self) -> str:
        return self.name

    @property
    def dims(self) -> list[str]:
        """The names of the dimensions."""
        return self.shape.strip("[]").split(", ")

    @property
    def position_dim(self) -> str | None:
        """The dimension that counts positions; of a pattern those that look."""
        return next((dim for dim in self.dims if dim in ("pos", "query")), None)

    @property
    def unit_dim(self) -> str | None:
        """The dimension that counts heads, key-value heads or neurons, where it has one."""
        return next((dim for dim in self.dims if dim in UNITS), None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            lambda name: parse_kind(name, ValueError),
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


def _hint(name: str) -> str:
    """What a name was meant for, where it is one of TransformerLens, or more than a kind."""
    from pytest_interp.adapters.places import HOOKS  # which needs this module

    hook = re.sub(r"^blocks\.\d+\.", "", str(name))
    for kind, there in HOOKS.here().items():
        if SITES.here()[kind].in_blocks and hook in (there, there.rpartition(".")[2]):
            return f"TransformerLens's {hook} is {kind!r} here."
    kind = re.split(r"[.@]", str(name))[0]
    if kind in SITES.here():
        return f"Here {kind!r} stands alone: the layer and the position are given elsewhere."
    return ""


SITES: Registry[SiteKind] = Registry("site", hint=_hint)


def parse_kind(name: str | SiteKind, error: type[Exception] | None = None) -> SiteKind:
    """The kind of this name.

    Raises:
        UnknownNameError: there is none; the message names the nearest. With ``error`` the same
            message is raised as that.
    """
    return name if isinstance(name, SiteKind) else SITES.find(name, error)


def site_kinds() -> tuple[SiteKind, ...]:
    """All kinds, in the order of a pass."""
    return tuple(sorted(SITES.all().values(), key=lambda kind: kind.order or 0.0))


def _just_before(following: SiteKind) -> float:
    orders = [kind.order or 0.0 for kind in SITES.here().values()]
    end = following.order or 0.0
    return (max((o for o in orders if o < end), default=end - 1) + end) / 2


def _built_in(order: float, name: str, **what: Any) -> SiteKind:
    return SITES.add(name, SiteKind(name, order=float(order), **what))


EMBED = _built_in(0, "embed", rows_join=True, in_blocks=False, traceable=False)
"""What enters the first block, positions included."""
RESID_PRE = _built_in(1, "resid_pre", rows_join=True)
"""The residual stream entering a block."""
_HEADS = {"per_head": True, "keeps_rows": True}
Q = _built_in(1.2, "q", shape="[row, pos, head, d_head]", stays_in_column=True, **_HEADS)
"""Queries, as the projection gives them: before a norm of queries and before rotary positions."""
K = _built_in(1.4, "k", shape="[row, pos, kv_head, d_head]", **_HEADS)
"""Keys per key-value head, as the projection gives them."""
V = _built_in(1.6, "v", shape="[row, pos, kv_head, d_head]", **_HEADS)
"""Values per key-value head."""
PATTERN = _built_in(
    1.8, "pattern", shape="[row, head, query, key]", stays_in_column=True, keeps_rows=True
)
"""Attention probabilities. Traced by the position that looks, the query."""
HEAD = _built_in(2, "head", shape="[row, pos, head, d_head]", per_head=True, stays_in_column=True)
"""Per-head attention output before the output projection, z."""
ATTN_OUT = _built_in(4, "attn_out", stays_in_column=True)
"""What attention adds to the residual stream."""
RESID_MID = _built_in(5, "resid_mid", stays_in_column=True)
"""The residual stream between attention and MLP."""
MLP_NEURONS = _built_in(5.5, "mlp_neurons", shape="[row, pos, neuron]", stays_in_column=True)
"""Neurons of the MLP after the activation (and the gate): what the down projection reads."""
MLP_OUT = _built_in(6, "mlp_out", stays_in_column=True)
"""What the MLP adds to the residual stream."""
RESID_POST = _built_in(7, "resid_post", rows_join=True, stays_in_column=True)
"""The residual stream leaving a block."""
FINAL_NORM = _built_in(8, "final_norm", rows_join=True, in_blocks=False, traceable=False)
"""What enters the final norm."""


@dataclass(frozen=True)
class Site:
    """One activation: a kind, by name or by row, and a layer where the kind has one.

    Raises:
        UnknownNameError: the kind does not exist.
        ExperimentError: a layer is missing, or given to a kind that has none.
    """

    kind: SiteKind
    layer: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", parse_kind(self.kind))
        if (self.layer is not None) != self.kind.in_blocks:
            name = self.kind.name
            raise ExperimentError(
                f"the site {name} needs a layer: write Site({name!r}, 5) or '{name}.5'. "
                f"adapter.sites({name!r}) gives those of all layers"
                if self.kind.in_blocks
                else f"the site {name} takes no layer, got layer={self.layer!r}: the model has one"
            )

    def __str__(self) -> str:
        return str(self.kind) if self.layer is None else f"{self.kind}.{self.layer}"

    @classmethod
    def of(cls, site: Site | str) -> Site:
        """The site, or that of a text as ``resid_post.5``.

        Raises:
            ExperimentError: it is neither; or as for the class.
            UnknownNameError: the kind does not exist.
        """
        if isinstance(site, Site):
            return site
        kind, _, layer = str(site).partition(".")
        if not kind.isidentifier() or (layer and not layer.isdigit()):
            wanted = "give Site('resid_post', 5), or the text 'resid_post.5'"
            raise ExperimentError(f"{site!r} is no site: {wanted}. {_hint(str(site))}".rstrip())
        return cls(parse_kind(kind), int(layer) if layer else None)

    @property
    def execution_order(self) -> tuple[float, float]:
        """Sort key: the order in which a forward pass produces the sites."""
        if self.layer is None:
            return (-1 if self.kind == EMBED else float("inf"), 0)
        return (self.layer, self.kind.order or 0.0)


def sites_of(asked: Site | str | Iterable[Site | str]) -> frozenset[Site]:
    """One site or several, each of them maybe a text. Errors as for :meth:`Site.of`."""
    # a text is a sequence of letters, which are no sites
    if isinstance(asked, str) or not isinstance(asked, Iterable):
        return frozenset([Site.of(asked)])
    return frozenset(map(Site.of, asked))


@dataclass(frozen=True)
class SiteAt:
    """A site as claims speak of it: a kind at a position, perhaps one head or neuron.

    ``position`` is ``"subject"`` (all tokens of the subject), ``"subject_last"``, ``"last"`` or
    a token index.
    """

    kind: SiteKind
    position: str | int
    layer: int | None = None
    head: int | None = None

    def __str__(self) -> str:
        parts = [str(self.kind), *(str(n) for n in (self.layer, self.head) if n is not None)]
        return f"{'.'.join(parts)}@{self.position}"


_SITE_AT = re.compile(r"^(?P<kind>[a-z_]+)(\.(?P<layer>\d+))?(\.(?P<head>\d+))?@(?P<pos>[\w-]+)$")
POSITION_NAMES = ("subject", "subject_last", "last")


def parse_site(text: str) -> SiteAt:
    """Read ``kind@position``, ``kind.layer@position`` or ``head.layer.head@position``.

    Raises:
        ClaimError: the text has another form, or the position is unknown.
        UnknownNameError: the kind does not exist.
    """
    found = _SITE_AT.match(text)
    if found is None:
        raise ClaimError(
            f"cannot read the site {text!r}: write kind@position, for example "
            "'resid_post@subject', 'mlp_out@last' or 'head.9.6@last'"
        )
    kind, position = parse_kind(found["kind"]), found["pos"]
    layer, head = (None if n is None else int(n) for n in (found["layer"], found["head"]))
    if head is not None and not (kind.per_head or kind.unit_dim):
        raise ClaimError(f"cannot read the site {text!r}: {kind.name!r} has no heads to number")
    if position in POSITION_NAMES:
        return SiteAt(kind, position, layer, head)
    if not re.fullmatch(r"-?\d+", position):
        raise ClaimError(
            f"unknown position {position!r} in the site {text!r}: "
            f"use {', '.join(POSITION_NAMES)} or a token index"
        )
    return SiteAt(kind, int(position), layer, head)
