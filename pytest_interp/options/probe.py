"""The options of a probe, as one value from the spec to the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pytest_interp.adapters.sites import RESID_POST, SiteKind, parse_kind
from pytest_interp.errors import ExperimentError, UnknownNameError

Method = Literal["difference_of_means", "logistic"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """How a probe is fitted and held to account.

    Raises:
        UnknownNameError: an unknown method.
        ExperimentError: a number that makes no sense.
    """

    # a factory: pydantic cannot write objects as defaults into a JSON Schema
    site: SiteKind = field(default_factory=lambda: RESID_POST)
    position: int = -1
    """The token that is read: -1 is the last."""
    method: Method = "difference_of_means"
    """``logistic`` is L2-regularised logistic regression, by scikit-learn."""
    layers: tuple[int, ...] | None = None
    """Layers to read; all by default. Layer 0 is read in any case, as a baseline."""
    folds: int = 5
    """Parts of the cross-validation, each of whole groups."""
    repeats: int = 5
    """Random divisions into parts, over which held-out scores are averaged."""
    shuffles: int = 99
    """Fits to labels that were shuffled between groups: the control task."""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "site", parse_kind(self.site))  # a name stands for its kind
        if self.method not in METHODS:
            raise UnknownNameError.of("method of a probe", self.method, METHODS)
        for name, least in (("folds", 2), ("repeats", 1), ("shuffles", 19), ("seed", 0)):
            if getattr(self, name) < least:
                raise ExperimentError(
                    f"{name}={getattr(self, name)} of a probe: give at least {least}", about=name
                )

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; the layers are not among them."""
        names = ("position", "method", "folds", "repeats", "shuffles", "seed")
        return {"site": self.site.name, **{name: getattr(self, name) for name in names}}
