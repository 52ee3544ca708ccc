"""Where each head looks in each prompt. No torch here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.errors import ClaimError
from pytest_interp.facts.sets import FactSet, entities_of
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Axis, Floats, Reading, Result, dtype_of, frozen
from pytest_interp.results.named_heads import head_in
from pytest_interp.results.over_facts import rounded, unknown_facts
from pytest_interp.results.tolerances import Tolerance, float_tolerance

Where = str | int
"""A role, as ``last`` or ``subject``; the text of a token; or an index."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AttentionPatterns(Result):
    """Attention probabilities of every head in every prompt.

    Of facts these are the clean prompts.

    Raises:
        ClaimError: a pattern has another shape than its tokens and layers say, or there is not one
            for each prompt.
    """

    name: str
    prompts: tuple[str, ...]
    str_tokens: tuple[tuple[str, ...], ...]
    """The tokens of each prompt, with those that the tokenizer puts before the text."""
    layers: tuple[int, ...]
    patterns: tuple[Floats, ...]
    """Of each prompt [layer, head, query, key]: from the query to the key, each query sums to 1."""
    facts: FactSet | None = None
    """The facts that were asked; None for plain prompts."""
    subject_positions: tuple[tuple[int, ...], ...] = ()
    """The tokens of the subject of each fact."""
    clean: Floats | None = None
    """Logit difference after the clean prompt of each fact [fact]."""
    corrupt: Floats | None = None
    """The same after the corrupt prompt; None where there are none."""
    n_layers: int | None = None
    """Depth of the model; not part of the JSON."""
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        made = tuple(frozen(pattern, np.float32) for pattern in self.patterns)
        object.__setattr__(self, "patterns", made)
        lengths = {name: len(getattr(self, name)) for name in ("prompts", "str_tokens", "patterns")}
        lengths |= {
            name: len(value)
            for name in ("facts", "clean", "corrupt")
            if (value := getattr(self, name)) is not None
        }
        if len(set(lengths.values())) > 1 or not made:
            raise ClaimError(f"patterns are of one prompt each, at least one: there are {lengths}")
        for tokens, pattern in zip(self.str_tokens, made, strict=True):
            wanted = (len(self.layers), self.n_heads, len(tokens), len(tokens))
            if pattern.shape != wanted:
                raise ClaimError(
                    "a pattern is [layer, head, query, key] and has the shape "
                    f"{pattern.shape}: {len(self.layers)} layers and {len(tokens)} tokens need "
                    f"{wanted}"
                )

    @property
    def n_heads(self) -> int:
        """Heads of a layer."""
        return int(self.patterns[0].shape[1])

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each fact, or the prompts themselves."""
        return self.prompts if self.facts is None else tuple(fact.id for fact in self.facts)

    @property
    def templates(self) -> tuple[str, ...]:
        """The template of each fact; every plain prompt is a wording of its own."""
        return self.ids if self.facts is None else tuple(fact.template for fact in self.facts)

    @property
    def entities(self) -> tuple[frozenset[str], ...]:
        """What each fact is about; every plain prompt is about something of its own."""
        if self.facts is None:
            return tuple(frozenset((one,)) for one in self.prompts)
        return tuple(map(entities_of, self.facts.prompts))

    @property
    def answers(self) -> tuple[frozenset[str], ...]:
        """The answers that each fact is about; plain prompts have none."""
        if self.facts is None:
            return (frozenset(),) * len(self.prompts)
        return tuple(frozenset((f.answer, f.counterfactual_answer)) for f in self.facts.prompts)

    def shared(self) -> Mapping[str, Sequence[Collection[str]]]:
        return {"templates": [(name,) for name in self.templates], "entities": self.entities}

    def measured_arrays(self) -> Mapping[str, Floats]:
        each = zip(self.prompts, self.patterns, strict=True)
        return {f"the pattern of {prompt!r}": pattern for prompt, pattern in each}

    def unknown_because(self, min_gap: float | None = None) -> list[str | None]:
        """For each fact why it cannot carry a claim, or None; plain prompts always can."""
        if self.facts is None or self.clean is None:
            return [None] * len(self.prompts)
        return unknown_facts(
            self.facts, self.clean, self.corrupt, min_gap=min_gap, prefers_counterfactual=True
        )

    def pick(self, indices: Iterable[int]) -> Self:
        """The patterns of the prompts at these indices."""
        chosen = list(indices)
        each = ("prompts", "str_tokens", "patterns", "subject_positions")
        fields: dict[str, Any] = {
            name: tuple(given[i] for i in chosen) for name in each if (given := getattr(self, name))
        }
        if self.facts is not None:
            fields["facts"] = self.facts.pick(chosen)
        for name in ("clean", "corrupt"):
            if (values := getattr(self, name)) is not None:
                fields[name] = values[chosen]
        return replace(self, **fields)

    def head(self, head: Component | str) -> tuple[Floats, ...]:
        """The pattern of one head in each prompt [query, key].

        Raises:
            ClaimError: it is no head, or one that the model lacks or that was not read.
        """
        layer, index = head_in(head, self.layers, self.n_heads)
        return tuple(pattern[layer, index] for pattern in self.patterns)

    def positions(self, where: Where) -> list[tuple[int, ...]]:
        """The tokens that a role, a text or an index names, in each prompt.

        Raises:
            ClaimError: a prompt has no such token, or an index means different things in prompts of
                different length.
        """
        lengths = {len(tokens) for tokens in self.str_tokens}
        if isinstance(where, int) and len(lengths) > 1:
            raise ClaimError(
                f"token {where} means different things in prompts of {min(lengths)} to "
                f"{max(lengths)} tokens: use a role, as 'last', or the text of the token"
            )
        return [self._positions(i, where) for i in range(len(self.prompts))]

    def _positions(self, prompt: int, where: Where) -> tuple[int, ...]:
        tokens = self.str_tokens[prompt]
        n = len(tokens)
        found: tuple[int, ...]
        if isinstance(where, int):
            found = (where % n,) if -n <= where < n else ()
        elif where in ("first", "last"):
            found = (0,) if where == "first" else (n - 1,)
        elif where in SUBJECT_ROLES and self.subject_positions:
            found = self._of_subject(prompt, where)
        else:
            # a token as it stands, or the word in it
            exact = tuple(i for i, token in enumerate(tokens) if token == where)
            found = exact or tuple(i for i, token in enumerate(tokens) if token.strip() == where)
        if not found:
            raise ClaimError(
                f"{self.prompts[prompt]!r} has no token {where!r}: its tokens are {list(tokens)}. "
                f"Give a role (first, last{self._roles()}), the text of a token, or its index"
            )
        return found

    def _of_subject(self, prompt: int, role: str) -> tuple[int, ...]:
        subject, n = self.subject_positions[prompt], len(self.str_tokens[prompt])
        return {
            "subject": subject,
            "subject_first": subject[:1],
            "subject_last": subject[-1:],
            "between": tuple(range(subject[-1] + 1, n - 1)),
        }[role]

    def _roles(self) -> str:
        return f", {', '.join(SUBJECT_ROLES)}" if self.subject_positions else ""

    def attention(self, head: Component | str, from_: Where, to: Where) -> Floats:
        """How much of its attention a head gives to some tokens [prompt], from 0 to 1.

        Over all tokens of ``to`` the attention is added, and over all of ``from_`` it is averaged.
        Errors as for :meth:`head` and :meth:`positions`.
        """
        each = zip(self.head(head), self.positions(from_), self.positions(to), strict=True)
        return np.array([p[np.ix_(a, b)].sum(1).mean() for p, a, b in each], dtype=np.float64)

    def mean_attention(self, from_: Where, to: Where) -> Floats:
        """The same of every head, in the mean over prompts [layer, head]."""
        each = zip(self.patterns, self.positions(from_), self.positions(to), strict=True)
        maps = [p[:, :, a][..., b].sum(-1).mean(-1, dtype=np.float64) for p, a, b in each]
        return np.asarray(np.mean(maps, axis=0))

    def uniform(self, from_: Where, to: Where) -> Floats:
        """What a head would give that looks at all tokens up to its own alike [prompt]."""
        each = zip(self.positions(from_), self.positions(to), strict=True)
        shares = [[sum(k <= q for k in b) / (q + 1) for q in a] for a, b in each]
        return np.array([np.mean(one) for one in shares])

    @cached_property
    def looked_at(self) -> str:
        """What :meth:`main_map` is the attention to, in words."""
        return "the subject" if self.subject_positions else "tokens between the first and itself"

    @cached_property
    def main_map(self) -> Floats:
        """Mean attention from the last token to the subject [layer, head].

        Without subjects it is that to all tokens but the first, at which many heads look that have
        nothing to look for (Xiao et al. 2023, arXiv 2309.17453), and the last itself.
        """
        if self.subject_positions:
            return self.mean_attention("last", "subject")
        elsewhere = self.mean_attention("last", "first") + self.mean_attention("last", "last")
        return np.maximum(1 - elsewhere, 0)

    def leading(self, n: int = 3) -> list[str]:
        """The heads that are highest in the main map, the highest first."""
        order = np.argsort(-self.main_map, axis=None, kind="stable")[:n]
        rows, heads = (x.tolist() for x in np.unravel_index(order, self.main_map.shape))
        return [f"head.{self.layers[r]}.{h}" for r, h in zip(rows, heads, strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Mean attention from the last token by layer and head, not every pattern."""
        said: dict[str, Any] = {
            "kind": "attention_patterns",
            "name": self.name,
            "ids": list(self.ids),
            "prompts": list(self.prompts),
            "layers": list(self.layers),
            "heads": list(range(self.n_heads)),
            "last_to_first": rounded(self.mean_attention("last", "first")),
            "last_to_itself": rounded(self.mean_attention("last", "last")),
        }
        if self.subject_positions:
            said["last_to_subject"] = rounded(self.mean_attention("last", "subject"))
        for name in ("clean", "corrupt"):
            if (values := getattr(self, name)) is not None:
                said[f"{name}_metric"] = rounded(values)
        return said

    def tolerances(self) -> Mapping[str, Tolerance]:
        """Floats by the dtype of the model; everything else is exact."""
        names = ("last_to_first", "last_to_itself", "last_to_subject")
        metrics = ("clean_metric", "corrupt_metric")
        return dict.fromkeys((*names, *metrics), float_tolerance(dtype_of(self)))

    def axes(self) -> Mapping[str, tuple[Axis, ...]]:
        maps = ("last_to_first", "last_to_itself", "last_to_subject")
        by_prompt = ("prompts", "clean_metric", "corrupt_metric")
        return {
            **dict.fromkeys(maps, (Axis("layer", "layers"), Axis("head", "heads"))),
            **dict.fromkeys(by_prompt, (Axis("prompt", "ids"),)),
        }

    def summary(self) -> str:
        (head,), most, n = self.leading(1), self._most, len(self.prompts)
        prompts = "1 prompt" if n == 1 else f"{n} prompts (mean)"
        return f"the last token looks most at {self.looked_at} in {head}: {most:.2f} in {prompts}"

    def readings(self) -> tuple[Reading, ...]:
        (head,) = self.leading(1)
        said = f"from the last token to {self.looked_at}, by {head}"
        return (Reading(said, self._most),)

    @property
    def _most(self) -> float:
        """What the leading head has in the main map; NaN where no number is finite."""
        return float(self.main_map[head_in(self.leading(1)[0], self.layers, self.n_heads)])


SUBJECT_ROLES = ("subject", "subject_first", "subject_last", "between")
"""Roles of tokens that facts have, and plain prompts do not."""
