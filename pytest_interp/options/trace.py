"""The options of a causal trace, as one value from the spec to the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any, Literal, Self, TypedDict, Unpack

from pytest_interp.adapters.sites import RESID_POST, SiteKind, parse_kind, site_kinds
from pytest_interp.errors import ArgumentError, ExperimentError, UnknownNameError
from pytest_interp.options.corruptions import Corruption, Interchange, corruption_of
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, metric_of

Direction = Literal["denoise", "noise"]
DIRECTIONS: tuple[Direction, ...] = ("denoise", "noise")
MOST_LAYERS = 10_000
"""More than any model has; a longer list is not read to its end."""


@dataclass(frozen=True, kw_only=True)
class TraceOptions:
    """The options of a causal trace. :meth:`of` takes names in place of objects.

    Raises:
        ExperimentError: a site that cannot be patched.
        UnknownNameError: an unknown direction.
    """

    # factories: pydantic cannot write objects as defaults into a JSON Schema
    site: SiteKind = field(default_factory=lambda: RESID_POST)
    direction: Direction = "denoise"
    """``denoise`` patches clean into corrupt (is the cell sufficient?), ``noise`` patches corrupt
    into clean (is it necessary?)."""
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    corruption: Corruption = field(default_factory=Interchange)
    layers: tuple[int, ...] | None = None
    """Layers to patch; all by default."""
    window: int = 1
    """Layers that are patched together at a position, around each; fewer at the ends of the model.
    Meng et al. 2022 (arXiv 2202.05262) restore ten."""

    def __post_init__(self) -> None:
        if not self.site.traceable:
            usable = ", ".join(kind.name for kind in site_kinds() if kind.traceable)
            raise ExperimentError(
                f"causal_trace cannot patch {self.site.name!r}: use one of {usable}", about="site"
            )
        if self.window < 1:
            raise ExperimentError(
                f"window={self.window!r}: give a number of layers, 1 or more", about="window"
            )
        if self.direction not in DIRECTIONS:
            raise UnknownNameError.of("direction", self.direction, DIRECTIONS)

    @classmethod
    def of(cls, options: TraceOptions | None = None, /, **asked: Unpack[TraceAsked]) -> Self:
        """Options by name or as objects; the others are those of ``options``.

        Raises:
            ArgumentError: ``options`` or ``layers`` is of another type.
            ExperimentError: there is no such option.
            UnknownNameError: an unknown site, direction, metric or corruption.
        """
        if not isinstance(options, TraceOptions | None):
            raise ArgumentError(
                f"a trace takes its options as TraceOptions, or one by one as site=..., got "
                f"{options!r}. Prompts and answers are those of the fact: FactPrompt(...)"
            )
        known = [option.name for option in fields(TraceOptions)]
        for name in sorted(asked.keys() - set(known)):
            raise ExperimentError(str(UnknownNameError.of("option of a trace", name, known)))
        values: dict[str, Any] = {name: getattr(options, name) for name in known if options}
        values.update(asked)
        read: dict[str, Callable[[Any], Any]]
        read = {"site": parse_kind, "metric": metric_of, "corruption": corruption_of}
        read["layers"] = lambda layers: None if layers is None else listed(layers)
        return cls(**{name: read.get(name, lambda v: v)(value) for name, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; the layers are not among them."""
        return {
            "site": self.site.name,
            "direction": self.direction,
            "metric": self.metric.name,
            **({} if self.window == 1 else {"window": self.window}),
            **self.corruption.to_json(),
        }


class TraceAsked(TypedDict, total=False):
    """Options of a trace as keyword arguments, names in place of objects where that is enough."""

    site: SiteKind | str
    direction: Direction
    metric: Metric | str
    corruption: Corruption | str
    layers: Iterable[int] | None
    window: int


def listed(layers: object) -> tuple[int, ...]:
    """The layers as a tuple, read to the end only where they may be those of a model."""
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise ArgumentError(
            f"layers={layers!r}: give several, as [3] or range(3, 6)", about="layers"
        )
    read = tuple(islice(layers, MOST_LAYERS + 1))
    if len(read) > MOST_LAYERS:
        raise ExperimentError(
            f"layers names more than {MOST_LAYERS:,} layers: no model has so many", about="layers"
        )
    return read
