"""Calls of experiments that are answered from the store, and results that are put there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_interp.errors import InterpError
from pytest_interp.experiments.calls import Call, GoOn
from pytest_interp.store.files import Store
from pytest_interp.store.keys import files_of, key_of, model_key
from pytest_interp.store.unchanged import is_unchanged

if TYPE_CHECKING:
    from pytest_interp.models.registry import ModelEntry
    from pytest_interp.store.drawings import Drawings


class NamesModels(Protocol):
    """What knows the models of a run."""

    def kept_as(self, adapter: object) -> Mapping[str, Any] | None:
        """What names a model in keys; None for one that is not as it was loaded."""


@dataclass
class Kept:
    """Answers calls from the store, and keeps what had to be computed."""

    models: NamesModels
    store: Store
    read: int = 0
    """Results that came from the store."""
    computed: int = 0
    """Results that could have been kept, and were computed."""

    def answer(self, call: Call, go_on: GoOn) -> Any:
        """What was kept of the same call, or else what it gives now."""
        key = self._key(call)
        if key is None:
            return go_on(call)
        found = self.store.read(key, self)
        if found is not self:
            self.read += 1
            return found
        made = go_on(call)
        self.computed += 1
        if self._key(call) == key:  # nothing was changed meanwhile
            self.store.write(key, made)
        return made

    def said(self, option: str) -> str:
        """How many results came from earlier runs, and how to compute them again."""
        return (
            f"{self.read} of {self.read + self.computed} results came from earlier runs, from the "
            f"store ({option}=refresh computes them again)"
        )

    def name_of(
        self, name: str, entry: ModelEntry, device: str | None, dtype: str | None
    ) -> dict[str, Any] | None:
        """What names a model in keys, with the device and dtype that it is loaded with.

        None where nothing tells it from others, and where its files are not here.
        """
        try:
            files = files_of(entry.source)
        except (InterpError, OSError):
            return None  # loading it says what is wrong
        parts = None if entry.device_map is None else repr(entry.device_map)
        named = {"name": name, "files": files, "parts": parts, "device": device, "dtype": dtype}
        return None if files is None else named

    def has_any(self, named: Mapping[str, Any]) -> bool:
        """Whether there is a result that may be read in place of loading this model."""
        return self.store.has_any(model_key(named))

    def drawings(self) -> Drawings:
        """Figures in the same store."""
        from pytest_interp.store.drawings import Drawings

        return Drawings(self.store)

    def _key(self, call: Call) -> str | None:
        if not is_unchanged():
            return None
        model = self.models.kept_as(call.adapter)
        return None if model is None else key_of(call, model)
