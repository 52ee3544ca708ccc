"""What the fixtures ``lens`` and ``trace`` hand to a test: experiments bound to its adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, overload

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.facts.prompts import FactPrompt
    from pytest_interp.facts.sets import FactSet
    from pytest_interp.options.trace import TraceAsked, TraceOptions
    from pytest_interp.plugin.session import Models
    from pytest_interp.results.lens import LensResult
    from pytest_interp.results.lenses import LensSet
    from pytest_interp.results.trace import TraceResult
    from pytest_interp.results.traces import TraceSet

    class Asked(TraceAsked, total=False):
        """All that a trace may be asked by name."""

        controls: bool
        max_rows: int | None


Record = Callable[[Any], None]
"""Keeps the main findings of a result with the test."""


@dataclass(frozen=True)
class _Bound:
    models: Models
    adapter: ModelAdapter
    record: Record

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__.lower()} on {self.adapter.name} under {self.adapter.backend}>"
        )

    def _once(self, experiment: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What the experiment gives, or gave before; its main findings stay with the test."""
        found = self.models.once(experiment, self.adapter, *arguments, **named)
        self.record(found)
        return found


class Lens(_Bound):
    """The logit lens on the adapter of a test. Equal calls in one session are computed once."""

    @overload
    def __call__(
        self, prompt: str, answer: str, position: int = ..., layers: Iterable[int] | None = ...
    ) -> LensResult: ...

    @overload
    def __call__(
        self, prompt: FactPrompt, *, position: int = ..., layers: Iterable[int] | None = ...
    ) -> LensResult: ...

    @overload
    def __call__(self, prompt: FactSet, *, layers: Iterable[int] | None = ...) -> LensSet: ...

    def __call__(
        self,
        prompt: str | FactPrompt | FactSet,
        *arguments: Any,
        layers: Iterable[int] | None = None,
        **named: Any,
    ) -> LensResult | LensSet:
        """Run it on one prompt, on that of a fact, or on each fact of a set.

        Arguments and errors are those of ``pytest_interp.logit_lens``; for a set those of
        ``pytest_interp.lens_facts``.
        """
        from pytest_interp.experiments import lens_facts, logit_lens
        from pytest_interp.facts import FactPrompt
        from pytest_interp.options.trace import listed

        if layers is not None:
            named["layers"] = listed(layers)
        of_one = isinstance(prompt, str | FactPrompt)
        if isinstance(prompt, FactPrompt) and not arguments and "answer" not in named:
            arguments, prompt = (prompt.answer,), prompt.clean_prompt  # equal to that call
        experiment = logit_lens if of_one else lens_facts
        names = ("answer", "position", "layers") if of_one else ("layers",)
        given = dict(zip(names, arguments, strict=False)) | named
        if len(given) == len(arguments) + len(named):  # else calling it says what is wrong
            # one form for equal calls, also before the experiment is imported
            arguments, named = (), {n: v for n, v in given.items() if v != _USUAL.get(n, _NONE)}
        found: LensResult | LensSet = self._once(experiment, prompt, *arguments, **named)
        return found


_NONE = object()
_USUAL: dict[str, Any] = {"position": -1, "layers": None}
"""What an experiment takes where it is given nothing."""


class Trace(_Bound):
    """Causal tracing on the adapter of a test. Equal calls in one session are computed once."""

    @overload
    def __call__(
        self, fact: FactPrompt, options: TraceOptions | None = ..., **asked: Unpack[Asked]
    ) -> TraceResult: ...

    @overload
    def __call__(
        self, fact: FactSet, options: TraceOptions | None = ..., **asked: Unpack[Asked]
    ) -> TraceSet: ...

    def __call__(
        self, fact: FactPrompt | FactSet, options: TraceOptions | None = None, **asked: Any
    ) -> TraceResult | TraceSet:
        """Trace one fact, or each fact of a set.

        Arguments, defaults and errors are those of ``pytest_interp.causal_trace``.
        """
        from pytest_interp.experiments import causal_trace, trace_facts
        from pytest_interp.facts import FactSet
        from pytest_interp.options import TraceOptions

        run = {name: asked.pop(name) for name in ("controls", "max_rows") if name in asked}
        usual = {"controls": True, "max_rows": None}
        run = {name: value for name, value in run.items() if value is not usual[name]}
        experiment = trace_facts if isinstance(fact, FactSet) else causal_trace
        chosen = TraceOptions.of(options, **asked)
        found: TraceResult | TraceSet = self._once(experiment, fact, chosen, **run)
        return found
