"""A layer that compares like an int and can explain itself in a failing assert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class CrossoverLayer(int):
    """The layer at which an answer becomes the top token of the logit lens, or never.

    ``assert result.crossover_layer <= 22`` works as with any int. Where the answer never gets to
    the top, :attr:`reached` is False and every comparison is false, so that no claim passes on it.
    """

    layer: int | None
    """The layer as a plain int; None where the answer never gets to the top."""
    _curve: dict[str, Any]

    def __new__(
        cls,
        layer: int | None,
        *,
        answer: str,
        layers: Sequence[int],
        prob: npt.NDArray[np.float64],
        rank: npt.NDArray[np.int64],
        margin: npt.NDArray[np.float64],
        top_token: Sequence[str],
    ) -> CrossoverLayer:
        """Keep the curve beside the number."""
        self = super().__new__(cls, -1 if layer is None else layer)
        self.layer = layer
        self._curve = {
            "answer": answer,
            "layers": tuple(layers),
            "prob": prob,
            "rank": rank,
            "margin": margin,
            "top_token": tuple(top_token),
        }
        return self

    @property
    def reached(self) -> bool:
        """Whether the answer gets to the top at all."""
        return self.layer is not None

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.layer, self._curve))

    def __repr__(self) -> str:
        return "never" if self.layer is None else str(self.layer)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self) if self.layer is None else self.layer, spec)

    def __eq__(self, other: object) -> bool:
        return self.reached and int.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return self.reached and int.__eq__(self, other) is not True

    __hash__ = int.__hash__

    def __lt__(self, other: int) -> bool:
        return self.reached and int.__lt__(self, other)

    def __le__(self, other: int) -> bool:
        return self.reached and int.__le__(self, other)

    def __gt__(self, other: int) -> bool:
        return self.reached and int.__gt__(self, other)

    def __ge__(self, other: int) -> bool:
        return self.reached and int.__ge__(self, other)

    def explain(self) -> list[str]:
        """The curve around the crossover, a line a layer."""
        curve = self._curve
        layers = curve["layers"]
        where = (
            f"{curve['answer']!r} is never the top token"
            if self.layer is None
            else f"{curve['answer']!r} is the top token from layer {self.layer}"
        )
        centre = len(layers) - 1 if self.layer is None else layers.index(self.layer)
        lines = [where, f"  {'layer':>5}  {'prob':>7}  {'rank':>6}  {'margin':>7}  top token"]
        for i in range(max(0, centre - 3), min(len(layers), centre + 4)):
            mark = "<" if layers[i] == self.layer else ""
            lines.append(
                f"  {layers[i]:>5}  {curve['prob'][i]:>7.4f}  {int(curve['rank'][i]):>6}  "
                f"{curve['margin'][i]:>+7.2f}  {curve['top_token'][i]!r} {mark}".rstrip()
            )
        lines.append("  (margin: logit of the answer minus the best other logit)")
        return lines


def _rebuild(layer: int | None, curve: dict[str, Any]) -> CrossoverLayer:
    return CrossoverLayer(layer, **curve)
