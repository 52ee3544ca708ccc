"""The models of one pytest session: which are asked for, which are loaded, what they gave.

Nothing here imports pytest; torch is imported when a model is loaded.
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from pytest_interp.adapters.backends import (
    BACKENDS,
    check_backend,
    is_ours,
    open_adapter,
)
from pytest_interp.deferred import opened
from pytest_interp.errors import WeightsUnavailableError
from pytest_interp.models.registry import find_model
from pytest_interp.plugin.asked import RunOptions, Target
from pytest_interp.plugin.unopened import WEIGHTS, made_of, stands_in, unopened

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.adapters.state import State
    from pytest_interp.adapters.weights import Weights
    from pytest_interp.store.answers import Kept

T = TypeVar("T")


class Models:
    """The models of one session. Each is loaded once, and results are kept as long as it is."""

    def __init__(self, settings: RunOptions) -> None:
        self.settings = settings
        self.processes = 1
        """How many processes load models in this run; they share the threads."""
        self._weights: dict[str, dict[tuple[str | None, str | None, bool], Weights]] = {}
        self._missing: dict[str, str] = {}
        self._results: WeakKeyDictionary[Weights, dict[Hashable, Any]] = WeakKeyDictionary()
        self._opened: WeakKeyDictionary[ModelAdapter, State] = WeakKeyDictionary()
        self.kept: Kept | None = None
        """The store of results. Models of which it holds some wait until they are needed."""
        self._named: WeakKeyDictionary[Any, Mapping[str, Any]] = WeakKeyDictionary()

    @contextmanager
    def keeping(self, mode: str) -> Iterator[Kept | None]:
        """Inside this block experiments on these models are answered from the store of this user.

        Args:
            mode: ``on``; ``refresh``, which reads nothing; ``off``, for which there is no store.

        Raises:
            CacheError: the store has no folder, or its limit is none.
        """
        from pytest_interp.experiments.calls import answering
        from pytest_interp.store.answers import Kept
        from pytest_interp.store.mode import storing

        with storing(mode) as store:
            if store is None:
                yield None
                return
            self.kept = Kept(self, store)
            try:
                with answering(self.kept.answer):
                    yield self.kept
            finally:
                self.kept = None

    def target_weights(self, target: Target) -> Weights:
        """The weights of a test, or what stands for them. Errors as for ``load_weights``."""
        asked = (target.model, target.device, target.dtype)
        if target.backend is not None and self._remote(target.model, target.remote):
            return self.weights(*asked, bare=True)
        if self.kept is None or target.model in self._missing:
            return self.weights(*asked)
        entry = find_model(self.settings.source_of(target.model))
        named = self.kept.name_of(target.model, entry, *self._how(target.device, target.dtype))
        if named is None or not self.kept.has_any(named):
            made = self.weights(*asked)
        else:
            shown = f"<weights of {target.model}: {entry.source.describe()}>"
            known = {"name": target.model}
            made = unopened(WEIGHTS, known, shown, lambda: self.weights(*asked))
        if named is not None:
            self._named[made] = named
        return made

    def target_adapter(
        self, weights: Weights, backend: str, remote: str | None = None
    ) -> ModelAdapter:
        """The adapter of a test, or what stands for it. Errors as for ``open_adapter``."""
        remote = self._remote(weights.name, remote)
        # kept results are named by model and backend: those of a server are not among them
        named = self._named.get(weights) if is_ours(backend) and remote is None else None
        if named is None or not stands_in(weights):
            made = self.adapter(opened(weights), backend, remote)
        else:
            check_backend(backend)
            known = {"name": weights.name, "backend": backend, "weights": weights}
            shown = f"<{weights.name} under {backend}>"
            kind = BACKENDS.find(backend).adapter
            made = unopened(kind, known, shown, lambda: self.adapter(opened(weights), backend))
        if named is not None:
            self._named[made] = {**named, "backend": backend}
        return made

    def kept_as(self, adapter: object) -> Mapping[str, Any] | None:
        """What names this model among kept results; None for one that is not as it was loaded.

        One that nobody has opened is as its files are. An opened one is compared, its hooks and
        tensors too. A test's own adapters have no name.
        """
        if not self._named or adapter is None or adapter not in self._named:
            return None
        named = self._named[adapter]
        # a test may have opened the weights alone, and the adapter not yet
        held = [adapter, cast(Any, adapter).weights]
        return None if self.changes(named["name"], held) else named

    def _remote(self, model: str, asked: str | None) -> str | None:
        """Where the runs of a test are made that asks for this; None for here."""
        return asked or find_model(self.settings.source_of(model)).remote

    def weights(
        self,
        name: str,
        device: str | None = None,
        dtype: str | None = None,
        *,
        bare: bool = False,
    ) -> Weights:
        """Load a model, or give it again. Errors as for ``load_weights``.

        ``device`` and ``dtype`` are those of a spec. What the run asks for overrides them.
        ``bare`` asks for the modules alone: the runs are made elsewhere.
        """
        from pytest_interp.models.loader import load_skeleton, load_weights
        from pytest_interp.models.threads import share_threads

        if name in self._missing:
            # a download that failed is not tried again for every test
            raise WeightsUnavailableError(self._missing[name])
        loaded = self._weights.setdefault(name, {})
        load: Callable[..., Weights] = load_skeleton if bare else load_weights
        asked = self._how(device, dtype)
        how = (*asked, bare)
        if how not in loaded:
            share_threads(self.processes)
            self.processes = 1  # shared once
            try:
                weights = load(self.settings.source_of(name), *asked)
            except WeightsUnavailableError as error:
                self._missing[name] = str(error)
                raise
            # the name is that of the spec, whatever checkpoint stands in for the model; else the
            # very weights, so that load_weights shares them with whoever asks for them elsewhere
            loaded[how] = weights if weights.name == name else replace(weights, name=name)
        return loaded[how]

    def _how(self, device: str | None, dtype: str | None) -> tuple[str | None, str | None]:
        return self.settings.device or device, self.settings.dtype or dtype

    def adapter(self, weights: Weights, backend: str, remote: str | None = None) -> ModelAdapter:
        """Put weights under a backend. Errors as for ``open_adapter``."""
        made = open_adapter(weights, backend, self._remote(weights.name, remote))
        self._opened[made] = made.state()
        return made

    def changes(self, name: str | None, held: Iterable[object]) -> list[str]:
        """What was changed of the loaded model of this name, and of what a test holds.

        In words, as ``tensor lm_head.weight``. Costs nothing where there is no model among them.
        """
        weights = list(self._weights.get(name or "", {}).values())
        adapters: list[ModelAdapter] = []
        if package := sys.modules.get("pytest_interp.adapters.base"):
            things = [made for one in held if (made := made_of(one)) is not None]
            weights += [one for one in things if isinstance(one, package.Weights)]
            adapters += [one for one in things if isinstance(one, package.ModelAdapter)]
        found: dict[str, None] = {}
        for adapter in filter(self._opened.__contains__, adapters):
            before = self._opened[adapter] | (adapter.weights.loaded or {})
            found |= dict.fromkeys(adapter.changes(before))
        compared = {id(adapter.weights.module) for adapter in adapters if adapter in self._opened}
        for one in [*weights, *(adapter.weights for adapter in adapters)]:
            if id(one.module) not in compared:
                compared.add(id(one.module))
                found |= dict.fromkeys(one.changes())
        return list(found)

    def release(self, name: str) -> None:
        """Forget a model. Its memory is free once no test holds it either."""
        if self._weights.pop(name, None) is not None:
            gc.collect()  # modules under a backend refer to one another in cycles

    def once(
        self, experiment: Callable[..., T], adapter: ModelAdapter, *given: Any, **named: Any
    ) -> T:
        """Run an experiment once for the same weights, adapter and arguments, as they are now.

        Results are frozen, so that they can be shared. With arguments that cannot be hashed, or an
        adapter whose changes cannot be seen, it runs each time.
        """
        if self.kept_as(adapter) is not None:
            key = (experiment, adapter.backend, given, *sorted(named.items()))
            return self._known(key, experiment, adapter, given, named)
        from pytest_interp.adapters.state import UNSEEN, key_of

        adapter = opened(adapter)
        bound = _bound(experiment, adapter, *given, **named)
        state = adapter.state()
        if bound is None or UNSEEN in state.values():
            return experiment(adapter, *given, **named)  # which says what it was given wrong
        key = (experiment, key_of(state), bound.args[1:], *bound.kwargs.items())
        return self._known(key, experiment, adapter, given, named)

    def _known(
        self,
        key: Hashable,
        experiment: Callable[..., T],
        adapter: ModelAdapter,
        given: tuple[Any, ...],
        named: dict[str, Any],
    ) -> T:
        if not _is_hashable(key):
            return experiment(adapter, *given, **named)
        known = self._results.setdefault(adapter.weights, {})
        if key not in known:
            known[key] = experiment(adapter, *given, **named)
        found: T = known[key]
        return found


def _bound(
    experiment: Callable[..., Any], *given: Any, **named: Any
) -> inspect.BoundArguments | None:
    """The arguments by their names, with the defaults; None where they do not fit."""
    try:
        bound = inspect.signature(experiment).bind(*given, **named)
    except TypeError:
        return None
    bound.apply_defaults()
    return bound


def _is_hashable(key: Hashable) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
