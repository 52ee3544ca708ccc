"""The one place through which every experiment is called, by tests, specs, fixtures and scripts.

What answers a call in another way than by computing it here hangs itself in by :func:`answering`:
a store of results, other machines. Experiments that call one another do so below this place. No
torch here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_interp.deferred import Deferred, opened


@dataclass(frozen=True)
class Call:
    """One call of an experiment: what is asked, and of which adapter."""

    experiment: Deferred
    adapter: Any
    """A ``ModelAdapter``, or what stands for one until it is needed."""
    given: tuple[Any, ...] = ()
    """Arguments after the adapter."""
    named: Mapping[str, Any] = field(default_factory=dict)

    def compute(self) -> Any:
        """Run it in this process.

        Raises:
            ArgumentError: an argument is missing, or of another type than it takes.
        """
        from pytest_interp.experiments.given import check_given

        function, adapter = self.experiment.function, opened(self.adapter)
        check_given(function, (adapter, *self.given), self.named)
        return function(adapter, *self.given, **self.named)


GoOn = Callable[[Call], Any]
Answer = Callable[[Call, GoOn], Any]
"""Answers a call, or goes on with it: to the next that may answer, at last to computing it."""

_answers: list[Answer] = []


@contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Calls inside this block are asked of this one, before those that were there already."""
    _answers.append(answer)
    try:
        yield
    finally:
        _answers.remove(answer)


def perform(call: Call) -> Any:
    """What a call gives, from wherever it comes."""
    return _ask(call, tuple(_answers))


def _ask(call: Call, answers: tuple[Answer, ...]) -> Any:
    if not answers:
        return call.compute()
    return answers[-1](call, lambda on: _ask(on, answers[:-1]))


def call(experiment: Deferred, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Call an experiment of this package."""
    if given:
        return perform(Call(experiment, given[0], given[1:], named))
    if "adapter" in named:
        others = {name: value for name, value in named.items() if name != "adapter"}
        return perform(Call(experiment, named["adapter"], (), others))
    return experiment.function(**named)  # says what is missing
