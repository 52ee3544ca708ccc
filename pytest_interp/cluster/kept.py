"""Parts that are done, kept on disk until the whole is there: a broken run goes on from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from pytest_interp.cluster.jobs import Job
from pytest_interp.experiments.calls import Call
from pytest_interp.store.files import Store
from pytest_interp.store.keys import key_of
from pytest_interp.store.unchanged import is_unchanged


@dataclass(frozen=True)
class Kept:
    """The parts of one experiment on weights with this fingerprint."""

    store: Store
    fingerprint: str

    def keys(self, jobs: Sequence[Job]) -> list[str | None]:
        """A key for each part; None for what cannot be kept, as with a metric of somebody's own."""
        if not is_unchanged():
            return [None] * len(jobs)
        return [self._key(job) for job in jobs]

    def _key(self, job: Job) -> str | None:
        origin = job.model.origin
        model = {
            "fingerprint": self.fingerprint,
            "name": job.model.name,
            "backend": job.model.backend,
            "device": origin.device,
            "dtype": origin.dtype,
            "memory": job.memory,
            "on": job.model.at,
        }
        call = Call(resolve_name(job.experiment), None, named=job.asked)
        return key_of(call, model)

    def found(self, keys: Sequence[str | None]) -> dict[int, Any]:
        """By its place, each part that is there."""
        there = {i: self.store.read(key) for i, key in enumerate(keys) if key is not None}
        return {i: part for i, part in there.items() if part is not None}

    def keep(self, key: str | None, part: Any) -> None:
        """Keep a part."""
        if key is not None:
            self.store.write(key, part)

    def drop(self, keys: Sequence[str | None]) -> None:
        """Forget the parts: the whole is there."""
        for key in filter(None, keys):
            self.store.drop(key)
