"""Names for places in a transformer: which tensor, at which layer.

A :class:`Site` names one activation of one forward pass. In claims a site is written with a
position, ``kind@position``, as in ``resid_post@subject`` or ``head.9.6@last``: that text is a
:class:`SiteAt`.

Shapes below: ``row`` counts prompts in the batch, ``pos`` tokens, ``d_model`` the width of the
residual stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_interp.errors import ClaimError, ExperimentError, InterpError, UnknownNameError


class Kind(StrEnum):
    """What is read or written, in the order of a forward pass."""

    EMBED = "embed"
    """What enters the first block, positions included [row, pos, d_model]."""
    RESID_PRE = "resid_pre"
    """The residual stream entering a block [row, pos, d_model]."""
    HEAD = "head"
    """Per-head attention output before the output projection, z [row, pos, head, d_head]."""
    PATTERN = "pattern"
    """Attention probabilities [row, head, query, key]. Read only."""
    ATTN_OUT = "attn_out"
    """What attention adds to the residual stream [row, pos, d_model]."""
    RESID_MID = "resid_mid"
    """The residual stream between attention and MLP [row, pos, d_model]."""
    MLP_OUT = "mlp_out"
    """What the MLP adds to the residual stream [row, pos, d_model]."""
    RESID_POST = "resid_post"
    """The residual stream leaving a block [row, pos, d_model]."""
    FINAL_NORM = "final_norm"
    """What enters the final norm [row, pos, d_model]."""

    @classmethod
    def _missing_(cls, value: object) -> Kind | None:
        return next((kind for kind in _ADDED if kind.value == value), None)


@dataclass(frozen=True)
class Place:
    """Where the backends find a site that was added, inside a block."""

    hook: str
    """TransformerLens: the hook's name below ``blocks.L.``, as ``mlp.out.hook_in``."""
    paths: Mapping[str, str]
    """nnsight: by layout, a module's path below the block, then ``input`` or ``output``, as
    ``{"llama": "mlp.down_proj.input"}``."""


_ADDED: dict[Kind, Place] = {}
_ORDER: dict[Kind, float] = {kind: index for index, kind in enumerate(Kind)}
LAYERLESS = frozenset({Kind.EMBED, Kind.FINAL_NORM})
READ_ONLY = frozenset({Kind.PATTERN})


@dataclass(frozen=True)
class Site:
    """One activation: a kind, and a layer where the kind has one.

    Raises:
        UnknownNameError: the kind does not exist.
        ExperimentError: a layer is missing, or given to a kind that has none.
    """

    kind: Kind
    layer: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", parse_kind(self.kind))
        if (self.layer is None) != (self.kind in LAYERLESS):
            wants = "takes no layer" if self.kind in LAYERLESS else "needs a layer"
            raise ExperimentError(f"site {self.kind!s} {wants}; got layer={self.layer!r}")

    def __str__(self) -> str:
        return str(self.kind) if self.layer is None else f"{self.kind}.{self.layer}"

    @property
    def execution_order(self) -> tuple[int, float]:
        """Sort key: the order in which a forward pass produces the sites."""
        if self.kind is Kind.EMBED:
            return (-1, 0)
        if self.layer is None:
            return (1 << 30, 0)
        return (self.layer, _ORDER[self.kind])


def register_site(name: str, *, before: Kind | str, hook: str, paths: Mapping[str, str]) -> Kind:
    """Add a site that every block has, for both backends.

    Its activation is [row, pos, ...]. What holds for the sites of the package holds for it: it
    can be captured, edited and traced, and it must fire exactly once. Adding the same site again
    does nothing.

    Args:
        name: lower-case letters and underscores.
        before: the kind that a block produces next; nnsight visits sites in that order.
        hook: the hook of TransformerLens, below ``blocks.L.``, as ``mlp.out.hook_in``.
        paths: for nnsight: by the name of a layout, a module's path below the block and
            ``input`` or ``output``, as ``{"llama": "mlp.down_proj.input"}``.

    Raises:
        InterpError: the name is taken or no name, or a path ends in something else.
        UnknownNameError: there is no such kind as ``before``.
    """
    following, place = parse_kind(before), Place(hook, dict(paths))
    if not re.fullmatch(r"[a-z][a-z_]*", name):
        raise InterpError(f"the site name {name!r} must be lower-case letters and underscores")
    for path in place.paths.values():
        if path.rpartition(".")[2] not in ("input", "output"):
            raise InterpError(f"the path {path!r} of site {name!r} must end in .input or .output")
    if name in _names():
        if _ADDED.get(Kind(name)) != place:
            raise InterpError(f"the site name {name!r} is taken: add it under another name")
        return Kind(name)
    # an enum cannot be extended; a further instance that only _missing_ knows behaves as a member
    kind = str.__new__(Kind, name)
    kind._name_, kind._value_ = name.upper(), name
    order = _ORDER[following]
    _ORDER[kind] = (max(o for o in _ORDER.values() if o < order) + order) / 2
    _ADDED[kind] = place
    return kind


def place_of(kind: Kind) -> Place | None:
    """Where an added site is found; None for the sites of the package."""
    return _ADDED.get(kind)


def _names() -> list[str]:
    return [str(kind) for kind in (*Kind, *_ADDED)]


def parse_kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    try:
        return Kind(name)
    except ValueError:
        raise UnknownNameError.of("site", name, _names()) from None


@dataclass(frozen=True)
class SiteAt:
    """A site as claims speak of it: a kind at a position, perhaps one head.

    ``position`` is ``"subject"`` (all tokens of the subject), ``"subject_last"``, ``"last"`` or
    a token index.
    """

    kind: Kind
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
    kind, layer, head = found["kind"], found["layer"], found["head"]
    parsed = parse_kind(kind)
    if head is not None and parsed is not Kind.HEAD:
        raise ClaimError(f"cannot read the site {text!r}: only 'head' takes a second number")
    return SiteAt(
        kind=parsed,
        position=_parse_position(found["pos"], text),
        layer=None if layer is None else int(layer),
        head=None if head is None else int(head),
    )


def _parse_position(position: str, text: str) -> str | int:
    if position in POSITION_NAMES:
        return position
    try:
        return int(position)
    except ValueError:
        raise ClaimError(
            f"unknown position {position!r} in the site {text!r}: "
            f"use {', '.join(POSITION_NAMES)} or a token index"
        ) from None
