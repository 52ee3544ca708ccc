"""Where an experiment on a set of facts is computed: here, or spread over a cluster. No torch here.

Experiments that can be cut (:mod:`pytest_interp.experiments.cuts`) ask this module first. They thus
run on a cluster wherever they are called from: a fixture, a spec file, a script.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pkgutil import resolve_name
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Spread(Protocol):
    """What computes experiments elsewhere."""

    def __call__(
        self,
        experiment: Callable[..., T],
        adapter: Any,
        asked: dict[str, Any],
        here: Callable[[], T],
    ) -> T:
        """The result of an experiment.

        Args:
            experiment: as it is called.
            adapter: its model.
            asked: its other arguments, by name.
            here: computes it in this process, which is what is done where nothing else can be.
        """


def _as_it_is(
    experiment: Callable[..., T], adapter: Any, asked: dict[str, Any], here: Callable[[], T]
) -> T:
    """Computes here. Runs that are sent to a server may break off, so that parts of them are kept.

    What keeps them stands above the experiments, and is imported where such a run is made.
    """
    if not adapter.weights.is_bare:
        return here()
    found: T = resolve_name(_IN_PARTS)(experiment, adapter, asked, here)
    return found


_IN_PARTS = "pytest_interp.cluster.at_server:in_parts"
_spread: ContextVar[Spread | None] = ContextVar("pytest_interp_spread", default=_as_it_is)


@contextmanager
def spreading(spread: Spread | None) -> Iterator[None]:
    """Inside this block experiments that can be cut are computed by ``spread``; None: here."""
    token = _spread.set(spread)
    try:
        yield
    finally:
        _spread.reset(token)


def spreads(experiment: Callable[P, T]) -> Callable[P, T]:
    """Decorate an experiment that can be cut."""
    signature = inspect.signature(experiment)

    @wraps(experiment)
    def run(*given: P.args, **named: P.kwargs) -> T:
        def here() -> T:
            return experiment(*given, **named)

        if (spread := _spread.get()) is None:
            return here()
        asked = dict(signature.bind(*given, **named).arguments)
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                asked |= asked.pop(parameter.name, {})
        return spread(run, asked.pop("adapter"), asked, here)

    return run
