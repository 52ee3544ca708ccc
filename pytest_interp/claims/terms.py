"""The terms and limits of a claim, checked in one place."""

from __future__ import annotations

import difflib
import inspect
import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from pytest_interp.errors import ClaimError
from pytest_interp.results.control import Control


class GivenTerms(TypedDict, total=False):
    """Terms that all claims about traces share, as keyword arguments of a check.

    ``def check_this(trace, ..., **given: Unpack[GivenTerms])`` takes them all, in Python and as
    keys of spec files.
    """

    confidence: float
    """Confidence of the two-sided interval of each mean; 0.95."""
    min_gap: float | None
    """Least gap between clean and corrupt, in the metric's unit; 1 logit, or 0.1 probability."""
    min_known: float
    """Least share of the facts that the model must know; 0.8."""
    controls: Iterable[Control]
    """Control runs that the verdict names; one above its limit makes it inconclusive."""
    seed: int
    """Seed of resampling; 0."""


@dataclass(frozen=True)
class Terms:
    """The terms of one claim, with their defaults; a check begins with :meth:`of`.

    Raises:
        ClaimError: a value that makes no sense.
    """

    confidence: float = 0.95
    min_gap: float | None = None
    min_known: float = 0.8
    controls: Iterable[Control] = ()
    """Kept as a tuple."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= number("confidence", self.confidence) < 1:
            share = "give a share from 0.5 to below 1, as 0.95 for 95 %"
            raise ClaimError(f"confidence={self.confidence!r}: {share}")
        if not 0 <= number("min_known", self.min_known) <= 1:
            raise ClaimError(f"min_known={self.min_known!r}: give a share of facts from 0 to 1")
        if self.min_gap is not None and number("min_gap", self.min_gap) < 0:
            raise ClaimError(f"min_gap={self.min_gap!r}: give a gap of 0 or more, or None")
        whole_number("seed", self.seed)
        takes = "controls= takes a list of control runs, as shuffled_control(...) returns"
        given: object = self.controls
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise ClaimError(f"{takes}; got {shown(given)}")
        kept = tuple(given)  # read once: an iterator is empty the second time
        for one in kept:
            if not isinstance(one, Control):
                raise ClaimError(f"{takes}; got {shown(one)} in it")
        object.__setattr__(self, "controls", kept)

    @classmethod
    def of(cls, check: Callable[..., Any], given: Mapping[str, Any]) -> Terms:
        """The terms that a check was called with.

        Raises:
            ClaimError: the check takes no such argument; the nearest one is named.
        """
        terms = list(GivenTerms.__annotations__)
        for name in sorted(given.keys() - set(terms)):
            own = inspect.signature(check).parameters.values()
            known = [p.name for p in own if p.kind is not p.VAR_KEYWORD] + terms
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? It" if near else "it"
            takes = f"{hint} takes {', '.join(known)}"
            raise ClaimError(f"{check.__name__} takes no argument {name!r}: {takes}")
        return cls(**given)


def number(name: str, value: object) -> float:
    """A finite number.

    Raises:
        ClaimError: the value is not that.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        found = float(value) if real else math.nan  # type: ignore[arg-type]
    except OverflowError:  # an int that no float reaches
        found = math.inf
    if not math.isfinite(found):
        raise ClaimError(f"{name}={shown(value)}: give a finite number")
    return found


def whole_number(name: str, value: object) -> int:
    """A whole number of 0 or more; NumPy's integers too. Errors as for :func:`number`."""
    try:
        found = operator.index(value)  # type: ignore[arg-type]
    except TypeError:  # of a crossover layer that is never reached, too
        found = -1
    # True is an int to Python, and layer 1 to nobody
    if isinstance(value, bool) or not 0 <= found < 2**63:
        raise ClaimError(f"{name}={shown(value)}: give a whole number of 0 or more")
    return int(found)


def shown(value: object) -> str:
    """A value as a message quotes it: cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no int of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def least_effect(name: str, value: object) -> float:
    """A limit from below on an effect: above 0, which is the effect of doing nothing.

    Errors as for :func:`number`.
    """
    found = number(name, value)
    if found <= 0:
        raise ClaimError(f"{name}={shown(value)}: give a share of the gap above 0, as 0.8")
    return found


def most_effect(name: str, value: object, below: float = 1.0, limit: str = "1") -> float:
    """A limit from above on an effect: from 0 to below another. Errors as for :func:`number`."""
    found = number(name, value)
    if not 0 <= found < below:
        raise ClaimError(f"{name}={value!r}: give a share of the gap from 0 to below {limit}")
    return found
