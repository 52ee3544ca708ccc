"""The options of attribution patching, as one value from the spec to the result."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

from pytest_interp.adapters.sites import ATTN_OUT, EMBED, HEAD, MLP_OUT, SiteKind, parse_kind
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.options.corruptions import Corruption, Interchange, corruption_of
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, metric_of
from pytest_interp.options.trace import Direction

POSITIONS = ("all", "subject", "subject_last", "last")
_SHAPES = ("pos", "d_model"), ("pos", "head"), ("pos", "kv_head"), ("pos", "neuron")
"""What follows the rows in a site that can be estimated."""


@dataclass(frozen=True, kw_only=True)
class EstimateOptions:
    """What is estimated, and how much of it is computed exactly as well.

    Names may stand for objects.

    Raises:
        ExperimentError: no site, one that has no such map, or a number that makes no sense.
        UnknownNameError: an unknown site, direction, metric, corruption or position.
    """

    # factories: pydantic cannot write objects as defaults into a JSON Schema
    sites: tuple[SiteKind, ...] = field(default_factory=lambda: (ATTN_OUT, MLP_OUT, HEAD))
    direction: Direction = "denoise"
    """``denoise`` estimates what patching clean into corrupt would do, ``noise`` the reverse."""
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    corruption: Corruption = field(default_factory=Interchange)
    layers: tuple[int, ...] | None = None
    """All by default."""
    position: str | int = "all"
    """Of heads and neurons: the tokens over which the estimate is summed, those at which they
    would be patched together. ``all``, ``subject``, ``subject_last``, ``last`` or an index."""
    steps: int = 1
    """1 takes the gradient in the base run. With more it is the mean over runs whose embeddings lie
    between those of the base and the source run (integrated gradients)."""
    verify: int = 0
    """Cells of each site that are computed exactly too: those with the largest estimates, and as
    many that are drawn from the rest."""
    seed: int = 0
    """Of what is drawn."""

    def __post_init__(self) -> None:
        sites = (self.sites,) if isinstance(self.sites, str | SiteKind) else self.sites
        read: dict[str, Any] = {
            "sites": tuple(dict.fromkeys(map(parse_kind, sites))),
            "metric": metric_of(self.metric),
            "corruption": corruption_of(self.corruption),
            "position": _position(self.position),
        }
        if isinstance(self.layers, Iterable):
            read["layers"] = tuple(self.layers)
        for name, value in read.items():
            object.__setattr__(self, name, value)
        if self.direction not in get_args(Direction):
            raise UnknownNameError.of("direction", self.direction, get_args(Direction))
        if not self.sites:
            raise ExperimentError("sites is empty: name one or more, as 'head'", about="sites")
        for kind in self.sites:
            if tuple(kind.dims[1:3]) not in _SHAPES or not kind.in_blocks:
                other = " (resid_pre of layer 0 is the same)" if kind == EMBED else ""
                raise ExperimentError(
                    f"attribution_patching cannot estimate {kind.name!r}{other}: use a site with a "
                    "vector for each token of each block, or for each of its heads",
                    about="sites",
                )
        for name, least in (("steps", 1), ("verify", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ExperimentError(
                    f"{name}={getattr(self, name)}: give at least {least}", about=name
                )

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; the layers are not among them."""
        return {
            "sites": [kind.name for kind in self.sites],
            "direction": self.direction,
            **self.corruption.to_json(),
            "position": self.position,
            "steps": self.steps,
            "verify": self.verify,
        }


def _position(given: str | int) -> str | int:
    if isinstance(given, str) and re.fullmatch(r"-?\d+", given):
        return int(given)
    if isinstance(given, str) and given not in POSITIONS:
        raise UnknownNameError.of("position", given, POSITIONS)
    return given
