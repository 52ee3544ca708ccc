"""From a result to its figure, by the result's type. No matplotlib here.

Another package gives its results figures by entry points in the group ``pytest_interp.figures``.
The name is the dotted name of the result's class, as ``my_package.results.Norms``. The value is the
function that draws it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import InterpError, described
from pytest_interp.registry import Registry
from pytest_interp.results.claimed import ClaimedRange

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[..., "Figure"]
"""Draws a result as a matplotlib ``Figure`` that was made without pyplot. Where it has an argument
``claimed``, it is given the ranges that claims name."""


def _accept(name: str, draw: object) -> Draw | str:
    if isinstance(draw, str) or callable(draw):
        return draw
    raise InterpError(
        f"{draw!r} cannot draw the figure of {name}: give a function from the result to a "
        "matplotlib Figure, or where it is, as 'my_package.figures:norms_figure'"
    )


_figures: Registry[Draw | str] = Registry(
    "figure", built_in=("pytest_interp.figures.built_in",), accept=_accept
)


def register_figure(result_type: type[Any], draw: Draw | str, *, replace: bool = False) -> None:
    """Give a type of result, and its subclasses, a figure.

    Args:
        result_type: the class of the result.
        draw: a function from the result to a matplotlib ``Figure`` made without pyplot; or where
            it is, as ``"my_package.figures:norms_figure"``, to be imported when it is first used.
        replace: take the place of the figure that this type has.

    Raises:
        InterpError: the type has a figure already, or ``draw`` is neither a function nor text.
    """
    name = _name(result_type)
    _figures.add(name, _accept(name, draw), replace=replace)


def figure_of(result: object, claimed: Sequence[ClaimedRange] = ()) -> Figure | None:
    """The figure of a result, or None where it has none.

    A result's own method ``to_figure()`` goes first. Then comes the function that was registered
    for its type, or for its nearest base class.

    Args:
        result: what is drawn.
        claimed: ranges of layers that claims about this result name (``Verdict.ranges``), to be
            marked. A figure whose function has no argument ``claimed`` leaves them out, and so
            does ``to_figure()``. A baseline's figure has none.

    Raises:
        InterpError: the function cannot be imported.
    """
    own = getattr(result, "to_figure", None)
    if own is not None:
        made: Figure | None = own()
        return made
    name = _name_for(result)
    if name is None:
        return None
    draw = _figures.find(name)
    if isinstance(draw, str):
        try:
            draw = resolve_name(draw)
        except Exception as error:  # of a module that others wrote
            raise InterpError(
                f"the figure of {name} cannot be loaded from {draw!r}: {described(error)}. Correct "
                "the name that register_figure was given, or repair that module"
            ) from error
    if claimed and "claimed" in inspect.signature(draw).parameters:
        return draw(result, claimed=claimed)
    return draw(result)


def own_function(result: object) -> str | None:
    """Where the function of this package stands that draws a result; None for any other way."""
    name = None if hasattr(result, "to_figure") else _name_for(result)
    draw = None if name is None else _figures.find(name)
    return draw if isinstance(draw, str) and draw.startswith(f"{__package__}.") else None


def _name_for(result: object) -> str | None:
    """The name under which the nearest of its classes has a figure."""
    names = (_name(kind) for kind in type(result).__mro__)
    return next((name for name in names if name in _figures), None)


def _name(result_type: type[Any]) -> str:
    return f"{result_type.__module__}.{result_type.__qualname__}"
