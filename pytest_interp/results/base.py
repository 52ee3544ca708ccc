"""What every result says of itself, so that nothing above needs to know its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pytest_interp.errors import ClaimError
from pytest_interp.provenance import Provenance
from pytest_interp.results.tolerances import Tolerance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """One dimension of an array in the JSON of a result."""

    name: str
    """What one entry is, as ``layer``."""
    labels: str
    """The top-level field of the JSON that names the entries, as ``layers``."""


@dataclass(frozen=True)
class Decision:
    """Which numbers of the JSON decide a discrete finding.

    A layer, a token or a peak is decided by a comparison of numbers. Where these moved by no more
    than their tolerance, a finding that flipped is noise.
    """

    by: str
    """The top-level field of these numbers; its tolerance counts. Dots lead into mappings."""
    how: Literal["lead", "sign", "largest", "smallest"] = "lead"
    """``lead``: each number says by how much one finding leads, at the same indices. ``sign``: the
    finding changes where a number changes its sign; at the same index, or anywhere where the
    finding is one value. ``largest`` and ``smallest``: it is the place of that number."""


@dataclass(frozen=True)
class Reading:
    """One of the few numbers by which people know a result."""

    name: str
    """As ``hand-off``."""
    value: float | None
    """None where there is none. A whole number is a place, as a layer; others are sizes."""
    unit: str = ""
    """As ``layer`` or ``logits``."""
    says: str = ""
    """What is so where the value is above 0, as ``prefers ' Paris' to ' Tokyo'``."""


@dataclass(frozen=True)
class Shown:
    """What people see of a number of the JSON: ``start + factor * number``, under this name."""

    name: str
    start: float = 0.0
    factor: float = 1.0


class Result(ABC):
    """What an experiment returns: frozen, with named axes.

    A subclass has a ``provenance``, says what it found (:meth:`to_json`) and how far each number
    may move (:meth:`tolerances`). The rest has a default. With a method ``to_figure()`` it has a
    figure, too.
    """

    provenance: Provenance | None
    """How it came about."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The numbers and findings as plain JSON values, without the provenance."""

    @abstractmethod
    def tolerances(self) -> Mapping[str, Tolerance]:
        """For top-level fields of the JSON; fields that are not named compare exactly."""

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        """For top-level fields of the JSON that are arrays: what each dimension counts."""
        return {}

    def measured_arrays(self) -> Mapping[str, Floats]:
        """Arrays of which the JSON holds means or a part alone, for the comparison of two backends.

        In units in which the tolerance of floats makes sense: of a metric, or shares.
        """
        return {}

    def shown(self) -> Mapping[str, Shown]:
        """For fields of :meth:`axes` of which the figure shows something else: what it shows."""
        return {}

    def findings(self) -> Mapping[str, Decision]:
        """For top-level fields of the JSON that are discrete findings: what decides each."""
        return {}

    def summary(self) -> str:
        """The main finding in one line; empty where there is none."""
        return ""

    def texts(self) -> str:
        """Lines that are shown beside the numbers, of which no baseline keeps anything.

        As texts that a model generates: a tie that rounding turns changes all that follows.
        """
        return ""

    def __str__(self) -> str:
        """What it is of, and its main finding. ``repr`` has every number."""
        made, said = self.provenance, self.summary()
        of = f" of {made.model} under {made.backend}" if made else ""
        return f"{type(self).__name__}{of}{': ' if said else ''}{said}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the findings, and the figure."""
        # by its name: figures stand above results, and most results are never shown
        show: Callable[[Result], str] = resolve_name("pytest_interp.figures.notebook:result_html")
        return show(self)

    def readings(self) -> tuple[Reading, ...]:
        """The numbers by which two runs of this experiment are told apart in words."""
        return ()

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        """For a result over facts, in each way what a fact shares with others, by its place.

        Facts that share a template or an entity are not independent. The facts are those that the
        field ``ids`` names, an axis of others.
        """
        return {}


def frozen(array: npt.ArrayLike, dtype: type) -> npt.NDArray[Any]:
    """A copy that cannot be written to."""
    made: npt.NDArray[Any] = np.array(array, dtype=dtype)
    made.setflags(write=False)
    return made


def must_have_shape(result: Result, name: str, **axes: Sequence[object]) -> None:
    """Check that an array of a result has one entry for each label of its axes.

    Raises:
        ClaimError: it has not, or an axis has no label.
    """
    found, wanted = np.shape(getattr(result, name)), tuple(map(len, axes.values()))
    if found != wanted or 0 in wanted:
        counts = " and ".join(f"{len(labels)} {axis}s" for axis, labels in axes.items())
        raise ClaimError(
            f"{name} of a {type(result).__name__} is [{', '.join(axes)}] and has the shape "
            f"{found}: {counts} need {wanted}, with at least one entry each"
        )


def plain(value: Any) -> Any:
    """A value as JSON holds it: floats with seven significant digits, as float32 carries."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def as_json(thing: object, *names: str) -> dict[str, Any]:
    """These attributes of a thing, as JSON holds them."""
    return {name: plain(getattr(thing, name)) for name in names}


def dtype_of(result: Result) -> str:
    """The dtype of the model that was measured; float32 where it is not known."""
    return result.provenance.dtype if result.provenance else "float32"
