"""A layer of the logit lens: a number where the answer reaches the top, and none otherwise."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_interp.errors import NeverReachedError

if TYPE_CHECKING:
    from pytest_interp.results.lens import LensResult


class CrossoverLayer:
    """The layer at which an answer becomes the top token of the logit lens, or never.

    ``assert result.crossover_layer <= 22`` fails where the answer gets there later, and where it
    never does; either way the failure shows the curve. A :class:`ReachedLayer` is an int. A
    :class:`NeverReached` is no number.
    """

    layer: int | None
    """The layer as a plain int; None where the answer never gets to the top."""
    lens: LensResult
    """The lens whose answer this is about."""

    @property
    def reached(self) -> bool:
        """Whether the answer gets to the top at all."""
        return self.layer is not None

    @property
    def spaced(self) -> str:
        """What was meant, where the model says that with another space instead; else empty."""
        answer, last = self.lens.answer, self.lens.top_token[-1]
        if self.reached or last in (None, answer) or str(last).strip() != answer.strip():
            return ""
        return f"did you mean {last!r}? Only the space differs"

    def explain(self) -> list[str]:
        """The curve around the crossover, or at its end: one line per layer, below a headline."""
        lens, layer = self.lens, self.layer
        where = "never the top token" if layer is None else f"the top token from layer {layer}"
        hint = f": {self.spaced}" if self.spaced else ""
        lines = [
            f"{lens.answer!r} is {where}{hint}",
            f"  {'layer':>5}  {'prob':>7}  {'rank':>6}  {'margin':>7}  top token",
        ]
        centre = len(lens.layers) - 1 if layer is None else lens.layers.index(layer)
        for i in range(max(0, centre - 3), min(len(lens.layers), centre + 4)):
            mark = "<" if lens.layers[i] == layer else ""
            top = "none leads" if lens.top_token[i] is None else repr(lens.top_token[i])
            lines.append(
                f"  {lens.layers[i]:>5}  {lens.answer_prob[i]:>7.4f}  {lens.answer_rank[i]:>6}  "
                f"{lens.answer_margin[i]:>+7.2f}  {top} {mark}".rstrip()
            )
        return [*lines, "  (margin: logit of the answer minus the best other logit)"]


class ReachedLayer(int, CrossoverLayer):
    """A layer that was reached: an int in every way but one.

    It is true, layer 0 too: ``assert result.crossover_layer`` claims that there is one.
    """

    def __new__(cls, layer: int, lens: LensResult) -> ReachedLayer:
        """Keep the lens beside the number."""
        self = super().__new__(cls, layer)
        self.layer, self.lens = int(layer), lens
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return int(self), self.lens

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

    def __init__(self, lens: LensResult) -> None:
        self.layer, self.lens = None, lens

    def __repr__(self) -> str:
        return "never"

    def __format__(self, spec: str) -> str:
        return format("never", spec)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        __tracebackhide__ = True  # pytest then shows the line of the test
        head, *curve = self.explain()
        head += ", so it has no layer to compare or compute with: ask .reached"
        raise NeverReachedError("\n".join([head, *curve]))

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
