"""A layer of the logit lens that is a number where it is reached, and none where it never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_interp.errors import NeverReachedError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Curve:
    """The logit lens of one answer over depth. Arrays are [layer], in the order of ``layers``."""

    answer: str
    layers: Sequence[int]
    prob: npt.NDArray[np.float64]
    rank: npt.NDArray[np.int64]
    margin: npt.NDArray[np.float64]
    """Logit of the answer minus the best other logit."""
    top_token: Sequence[str]

    def explain(self, layer: int | None) -> list[str]:
        """What happens around a layer, or at the end for none: a line a layer."""
        where = "never the top token" if layer is None else f"the top token from layer {layer}"
        lines = [
            f"{self.answer!r} is {where}",
            f"  {'layer':>5}  {'prob':>7}  {'rank':>6}  {'margin':>7}  top token",
        ]
        centre = len(self.layers) - 1 if layer is None else self.layers.index(layer)
        for i in range(max(0, centre - 3), min(len(self.layers), centre + 4)):
            mark = "<" if self.layers[i] == layer else ""
            lines.append(
                f"  {self.layers[i]:>5}  {self.prob[i]:>7.4f}  {int(self.rank[i]):>6}  "
                f"{self.margin[i]:>+7.2f}  {self.top_token[i]!r} {mark}".rstrip()
            )
        lines.append("  (margin: logit of the answer minus the best other logit)")
        return lines


class CrossoverLayer:
    """The layer at which an answer becomes the top token of the logit lens, or never.

    ``assert result.crossover_layer <= 22`` fails where the answer gets there later, and where it
    never does; either way the failure shows the curve. A :class:`ReachedLayer` is an int. A
    :class:`NeverReached` is no number.
    """

    layer: int | None
    """The layer as a plain int; None where the answer never gets to the top."""
    curve: Curve

    @property
    def reached(self) -> bool:
        """Whether the answer gets to the top at all."""
        return self.layer is not None

    def explain(self) -> list[str]:
        """The curve around the crossover, a line a layer."""
        return self.curve.explain(self.layer)


class ReachedLayer(int, CrossoverLayer):
    """A layer that was reached: an int in every way but one.

    It is true, layer 0 too: ``assert result.crossover_layer`` claims that there is one.
    """

    def __new__(cls, layer: int, curve: Curve) -> ReachedLayer:
        """Keep the curve beside the number."""
        self = super().__new__(cls, layer)
        self.layer, self.curve = int(layer), curve
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return int(self), self.curve

    def __bool__(self) -> bool:
        return True


class NeverReached(CrossoverLayer):
    """The answer never gets to the top: there is no layer, and no claim about it passes.

    ``<``, ``<=``, ``>`` and ``>=`` with a number are False, from either side. All else that takes
    it for a number raises :class:`~pytest_interp.errors.NeverReachedError`, which is a failed
    claim and a TypeError: ``==`` and ``!=`` (so that ``layer not in (3, 4)`` does not pass), any
    comparison with another crossover layer or with an array (so that ``max`` and ``sorted`` of
    layers do not lose it), conversion, arithmetic, NumPy, truth. ``json.dumps`` raises its own
    TypeError.

    Python leaves two gaps. ``not layer > 5`` is true, since ``not`` is given a plain False. And
    ``max(4, layer)``, ``min`` and ``sorted`` with plain ints may choose the int. Claim
    ``layer <= 5`` instead.
    """

    layer: None

    def __init__(self, curve: Curve) -> None:
        self.layer, self.curve = None, curve

    def __repr__(self) -> str:
        return "never"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        __tracebackhide__ = True  # pytest then shows the line of the test
        head, *curve = self.explain()
        said = f"{head}, so it has no layer to compare or compute with: ask .reached"
        raise NeverReachedError("\n".join([said, *curve]))

    def _order(self, other: object) -> Any:
        __tracebackhide__ = True
        if isinstance(other, Real) and not isinstance(other, CrossoverLayer):
            return False
        return self._equal(other)

    def _equal(self, other: object) -> Any:
        __tracebackhide__ = True
        if isinstance(other, Real | CrossoverLayer) or hasattr(other, "__array__"):
            self._refuse()
        return NotImplemented

    __lt__ = __le__ = __gt__ = __ge__ = _order
    __eq__ = __ne__ = _equal
    __hash__ = object.__hash__
    __array_ufunc__ = None  # NumPy then leaves comparison and arithmetic to the methods here
    __array__ = __bool__ = __int__ = __index__ = __float__ = __complex__ = _refuse
    __round__ = __trunc__ = __floor__ = __ceil__ = _refuse
    __abs__ = __neg__ = __pos__ = __invert__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __divmod__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = _refuse
    __rdivmod__ = __pow__ = __rpow__ = __and__ = __rand__ = __or__ = __ror__ = _refuse
    __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _refuse
