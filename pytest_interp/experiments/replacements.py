"""What takes the place of activations that are ablated: zero, a mean, or those of another prompt.

Means over a stated set of prompts: Wang et al. 2022 (IOI, arXiv 2211.00593). Resampling: Chan et
al. 2022 (causal scrubbing).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.batching import by_length, rows_in_budget
from pytest_interp.experiments.groups import Group
from pytest_interp.experiments.growing import Values
from pytest_interp.facts.prompts import encode
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.ablation import KINDS_IN_WORDS, AblationOptions

Reference = FactSet | Sequence[str] | str | None
"""A set of facts, of which the clean prompts count; texts; or ``clean`` or ``corrupt``, which are
these prompts of the facts themselves."""
Ids = tuple[int, ...]


class Replacements:
    """What stands for ablated activations, made from reference prompts.

    Raises:
        ExperimentError: a reference is missing, or one is given and not used; one of its prompts
            has a length that no fact has; or a fact would be replaced by itself.
    """

    def __init__(
        self,
        adapter: ModelAdapter,
        groups: Sequence[Group],
        options: AblationOptions,
        reference: Reference,
    ) -> None:
        self.adapter, self.options = adapter, options
        self.texts = _texts(groups, options, reference)
        self._ids = [encode(adapter.tokenizer, text) for text in self.texts]
        self._means: dict[tuple[int, Site], Tensor] = {}
        if not options.over_positions:
            self._check_lengths(groups)

    def _check_lengths(self, groups: Sequence[Group]) -> None:
        wanted = {group.length: group.facts[0].fact.clean_prompt for group in groups}
        there = {len(ids) for ids in self._ids}
        change = "change its wording or leave it out"
        if self.options.kind == "mean":
            change += ", or ask for over_positions=True, a mean over all tokens of the reference"
        for text, ids in zip(self.texts, self._ids, strict=True):
            if len(ids) not in wanted:
                lengths = ", ".join(map(str, sorted(wanted)))
                raise ExperimentError(
                    f"the reference prompt {text!r} has {len(ids)} tokens, and the prompts of the "
                    f"facts have {lengths}: a replacement is taken at the same position; {change}",
                    about="reference",
                )
        for length, prompt in wanted.items() if self.texts else ():
            if length not in there:
                raise ExperimentError(
                    f"{prompt!r} has {length} tokens, and no reference prompt has as many: add "
                    "some of that length, or leave the fact out",
                    about="reference",
                )
        of_means = groups if self.options.kind == "mean" else ()
        for fact in (fact for group in of_means for fact in group.facts):
            if {ids for ids in self._ids if len(ids) == len(fact)} == {fact.clean_ids}:
                raise ExperimentError(
                    f"the only reference prompt of the length of {fact.fact.clean_prompt!r} is "
                    "that prompt itself, so that what is ablated would be replaced by what it "
                    "holds: add others of that length",
                    about="reference",
                )

    def texts_for(self, group: Group) -> tuple[str, ...]:
        """The reference prompts that count for the facts of a group; none where none are read."""
        if self.options.over_positions:
            return self.texts
        read = zip(self.texts, self._ids, strict=True)
        return tuple(text for text, ids in read if len(ids) == group.length)

    def of(self, group: Group, sites: Iterable[Site]) -> Iterator[Values]:
        """Values for the sites, one for each draw; a single one but for resampling."""
        wanted = sorted(set(sites), key=lambda site: site.execution_order)
        if self.options.kind == "zero":
            yield 0.0
        elif self.options.kind == "mean":
            yield self._mean(group.length, wanted)
        else:
            for drawn in self._drawn(group):
                yield self._held(drawn, wanted)

    def _mean(self, length: int, sites: Sequence[Site]) -> Mapping[Site, Tensor]:
        """Means over the reference prompts of a length, or over all tokens [1, pos, ...]."""
        over_all = self.options.over_positions
        missing = [site for site in sites if (length, site) not in self._means]
        sums: dict[Site, Tensor] = {}
        count = 0
        chosen = [ids for ids in self._ids if over_all or len(ids) == length] if missing else []
        for members in by_length([len(ids) for ids in chosen], self._fitting):
            held = self._held([chosen[i] for i in members], missing)
            over = (0, 1) if over_all else (0,)
            for site, x in held.items():
                sums[site] = sums.get(site, 0) + x.double().sum(over, keepdim=True)
            count += len(members) * (len(chosen[members[0]]) if over_all else 1)
        for site, total in sums.items():
            mean = total / count
            if over_all:
                mean = mean.expand(1, length, *mean.shape[2:])
            self._means[length, site] = mean
        return {site: self._means[length, site] for site in sites}

    def _drawn(self, group: Group) -> Iterator[list[Ids]]:
        """For each draw one reference prompt for each fact, none of them the fact's own."""
        pool = [ids for ids in self._ids if len(ids) == group.length]
        choices = []
        for fact in group.facts:
            others = list(dict.fromkeys(ids for ids in pool if ids != fact.clean_ids))
            if len(others) < self.options.draws:
                raise ExperimentError(
                    f"draws={self.options.draws}, and of the reference prompts {len(others)} have "
                    f"the {group.length} tokens of {fact.fact.clean_prompt!r} and are others: add "
                    "prompts, or ask for fewer draws",
                    about="reference",
                )
            # by the fact alone: others in the set change nothing of what it is given
            rng = np.random.default_rng([self.options.seed, *fact.clean_ids])
            choices.append([others[i] for i in rng.permutation(len(others))])
        for draw in range(self.options.draws):
            yield [choice[draw] for choice in choices]

    def _held(self, ids: Sequence[Ids], sites: Sequence[Site]) -> dict[Site, Tensor]:
        """Activations of prompts of one length [row, pos, ...]."""
        parts: list[Mapping[Site, Tensor]] = []
        step = self._fitting(len(ids[0]))
        for start in range(0, len(ids), step):
            parts.append(self.adapter.run(ids[start : start + step], capture=sites).captured)
        return {site: torch.cat([part[site] for part in parts]) for site in sites}

    def _fitting(self, length: int) -> int:
        return rows_in_budget(self.adapter, length)


def _texts(
    groups: Sequence[Group], options: AblationOptions, reference: Reference
) -> tuple[str, ...]:
    """The reference prompts, each once."""
    if options.kind == "zero":
        if reference is not None:
            raise ExperimentError(
                "the kind 'zero' reads no reference prompts: leave reference= out, or ask for "
                "kind='mean' or kind='resample'",
                about="reference",
            )
        return ()
    own: dict[str, list[str | None]] = {
        "clean": [fact.fact.clean_prompt for group in groups for fact in group.facts],
        "corrupt": [fact.fact.corrupt_prompt for group in groups for fact in group.facts],
    }
    given: Sequence[str | None]
    if isinstance(reference, str):
        given = own.get(reference, ())
    elif isinstance(reference, FactSet):
        given = [prompt.clean_prompt for prompt in reference.prompts]
    else:
        given = () if reference is None else list(reference)
    texts = tuple(dict.fromkeys(text for text in given if text is not None))
    if not texts or None in given:
        raise ExperimentError(
            f"kind={options.kind!r} needs reference=: give the prompts whose activations take the "
            "place of what is ablated, as a FactSet or a list of texts; 'clean' or 'corrupt' stand "
            f"for these prompts of the facts, where each has one. The kinds are {KINDS_IN_WORDS}",
            about="reference",
        )
    return texts
