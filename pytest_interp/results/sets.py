"""What sets of results share: facts with ids and templates, measured in one way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np

from pytest_interp.errors import ClaimError
from pytest_interp.facts.sets import FactSet
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Result

R = TypeVar("R", bound=Result)

ONE_MODEL = ("fingerprint", "backend", "dtype", "attention", "bos", "seed")
"""What the results of a set share of their provenance."""


class ResultSet(Result, Generic[R]):
    """Results of one experiment on a set of facts, from the same weights under the same backend.

    A subclass is a frozen dataclass with the fields below and one more, named by ``_field``, that
    holds the results.

    Raises:
        ClaimError: it is empty, its results were made in different ways, it holds one of them
            twice, or it has not one id and one template for each.
    """

    templates: tuple[str, ...]
    ids: tuple[str, ...]
    name: str
    provenance: Provenance | None
    """How the results came about: all in one way."""

    _field: ClassVar[str]
    _by_fact: ClassVar[tuple[str, ...]] = ("templates", "ids")
    """Further fields with one entry for each fact."""
    _one_way: ClassVar[tuple[str, ...]]
    """Attributes that all results of a set share."""

    @property
    @abstractmethod
    def answers(self) -> tuple[frozenset[str], ...]:
        """The answers that each result is about."""

    @property
    @abstractmethod
    def entities(self) -> tuple[frozenset[str], ...]:
        """What each result is about. Results that share an entity are not independent."""

    @abstractmethod
    def _twice(self) -> str | None:
        """What is wrong with a set that holds one thing twice; None if it does not."""

    def __post_init__(self) -> None:
        results, noun = self._results, self._field
        if not results or not len(results) == len(self.templates) == len(self.ids):
            raise ClaimError(
                f"a {type(self).__name__} needs one template and one id for each of its {noun}: "
                f"got {len(results)} {noun}, {len(self.templates)} templates, {len(self.ids)} ids"
            )
        object.__setattr__(self, "provenance", results[0].provenance)
        provenances = [one.provenance for one in results]
        for name in (*self._one_way, *ONE_MODEL):
            holders = results if name in self._one_way else provenances
            found = {getattr(holder, name, None) for holder in holders}
            if len(found) > 1:
                raise ClaimError(
                    f"the {noun} of one set differ in {name}: {sorted(map(str, found))}"
                )
        twice = f"has an id twice: {list(self.ids)}" if len(set(self.ids)) < len(self.ids) else None
        if twice := twice or self._twice():
            raise ClaimError(f"the {type(self).__name__} {self.name!r} {twice}")

    @property
    def _results(self) -> tuple[R, ...]:
        return cast(tuple[R, ...], getattr(self, self._field))

    @classmethod
    def of(cls, facts: FactSet, results: Sequence[R]) -> Self:
        """Join the results of a fact set, in its order, with its ids and templates."""
        templates, ids = zip(*((fact.template, fact.id) for fact in facts), strict=True)
        return cast(Self, cast(Any, cls)(tuple(results), templates, ids, name=facts.name))

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"templates": [(name,) for name in self.templates], "entities": self.entities}

    def _median(self, layers: Sequence[int | None], finding: str, none: str) -> str:
        """A summary: the median of what was found at a layer, and in how many facts."""
        found = [layer for layer in layers if layer is not None]
        said = f"{finding} {np.median(found):g} (median)" if found else none
        return f"{len(self)} facts of {self.name!r}: {said}, in {len(found)} of them"

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[R]:
        return iter(self._results)

    def pick(self, indices: Iterable[int]) -> Self:
        """The results at these indices."""
        chosen, names = list(indices), (self._field, *self._by_fact)
        parts = {n: tuple(getattr(self, n)[i] for i in chosen) for n in names if getattr(self, n)}
        return cast(Self, replace(cast(Any, self), **parts))

    def split(self, share: float = 0.5, seed: int = 0) -> tuple[Self, Self]:
        """Two disjoint parts, the first with ``share`` of the facts, drawn by a seed.

        Each template is divided in that share, as far as its facts allow.

        Raises:
            ClaimError: a part would be empty.
        """
        n_first = round(share * len(self))
        if not 0 < n_first < len(self):
            raise ClaimError(f"cannot split {len(self)} facts with share {share}: a part is empty")
        order = np.random.default_rng(seed).permutation(len(self)).tolist()
        # in turn from each template, the one that is furthest behind its share first
        first: list[int] = []
        taken = dict.fromkeys(self.templates, 0)
        while len(first) < n_first:
            left = {self.templates[i] for i in order if i not in first}
            behind = max(
                (t for t in taken if t in left),
                key=lambda t: share * self.templates.count(t) - taken[t],
            )
            first.append(next(i for i in order if i not in first and self.templates[i] == behind))
            taken[behind] += 1
        return self.pick(sorted(first)), self.pick(sorted(set(order) - set(first)))
