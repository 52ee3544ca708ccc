"""Ablation: what does a model say without some of its components?

What a component writes is replaced, and the rest of the pass is computed with the replacement: by
zero, by its mean over a stated set of prompts (Wang et al. 2022, arXiv 2211.00593), or by what it
holds in another prompt (resampling; Chan et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component, components_of
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.ablated import Ablated
from pytest_interp.experiments.groups import Group, groups_of
from pytest_interp.experiments.growing import Values
from pytest_interp.experiments.members import Components, patch_of, random_sets
from pytest_interp.experiments.parts import Patch
from pytest_interp.experiments.replacements import Reference, Replacements
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.ablation import AblationOptions
from pytest_interp.options.metrics import LOGIT_DIFF, Metric
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import as_set

Named = Mapping[str, Component | str | Iterable[Component | str]]
"""Components that are ablated together, by a name for each set of them."""


@spreads
def ablate(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    components: Component | str | Iterable[Component | str] = (),
    *,
    sets: Named | None = None,
    reference: Reference = None,
    options: AblationOptions | None = None,
    **asked: Any,
) -> Ablations:
    """Measure every clean prompt without each component, and without each named set of them.

    All of them are rows of growing passes: each costs only the layers above it. Random sets of as
    many components of the same kinds are ablated in the same way, for claims to compare with.

    Args:
        adapter: the model under a backend.
        facts: one prompt or a set.
        components: each is ablated alone: ``head.9.6`` (layer, head), ``head.9`` (all heads of a
            layer), ``attn_out.9``, ``mlp_out.5``, ``k.9.2`` (key-value head). All heads of some
            layers are ``every_component(adapter, "head", layers=...)``.
        sets: components that are ablated together, by the names that claims use.
        reference: the prompts that means and resampled values come from: a set of facts (their
            clean prompts), texts, or ``clean`` or ``corrupt`` for these prompts of the facts. A
            replacement is taken at the same position of a prompt of the same length.
        options: all options as one value.
        **asked: single options in place of those: ``kind``, ``positions``, ``metric``,
            ``over_positions``, ``draws``, ``random``, ``seed``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: nothing to ablate, a component that the model lacks, a prompt without the
            token that is asked for, an option that makes no sense, no reference prompts, or some
            of another length.
        UnknownNameError: an unknown kind of component or of ablation, or metric.
        UnsupportedSiteError: a layer or a site that the model lacks.
    """
    chosen, asked_facts = replace(options or AblationOptions(), **asked), as_set(facts)
    named = named_sets(components, sets or {})
    components, sets = (), named  # read once: an iterator is empty the second time
    others = random_sets(adapter, list(named.values()), chosen.random, chosen.seed)
    # random sets that were asked for as well are run once
    every = tuple(dict.fromkeys([*named.values(), *others]))
    over = ablation_groups(
        adapter, facts, components, sets=sets, reference=reference, options=chosen
    )
    found = Measurements(adapter, asked_facts, chosen.metric)
    ablated = np.empty((len(asked_facts), len(every)))
    for group in over.groups:
        patches = [patch_of(one, group.places[0]) for one in every]
        ablated[list(group.members)] = found.of(group, patches, over.values(group, patches))
    at = {one: i for i, one in enumerate(every)}
    made = Ablations(
        what=tuple(named),
        members=tuple(tuple(map(str, one)) for one in named.values()),
        ablated=ablated[:, [at[one] for one in named.values()]],
        how=chosen.to_json(),
        random_members=tuple(tuple(map(str, one)) for one in others),
        random_ablated=ablated[:, [at[one] for one in others]],
        **found.common(chosen.seed),
    )
    return over.finished(made)


def ablation_groups(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    components: Component | str | Iterable[Component | str] = (),
    *,
    sets: Named | None = None,
    reference: Reference = None,
    options: AblationOptions | None = None,
    **asked: Any,
) -> Ablated:
    """The groups of facts that :func:`ablate` measures together, with the same arguments."""
    chosen = replace(options or AblationOptions(), **asked)
    named = named_sets(components, sets or {})
    groups = groups_of(adapter, as_set(facts), chosen.positions)
    replacements = Replacements(adapter, groups, chosen, reference)
    return Ablated(groups, chosen.metric, patch_of(sum(named.values(), ())), replacements)


def named_sets(
    components: Component | str | Iterable[Component | str], sets: Named
) -> dict[str, Components]:
    """Each component under its own name, then the sets under theirs.

    Raises:
        ExperimentError: there is neither a component nor a set, a name is taken, or one is at no
            site.
    """
    listed = [components] if isinstance(components, str | Component) else list(components)
    if not listed and not sets:
        raise ExperimentError(
            "nothing is ablated: name a component, as 'head.9.6', or a set of them, as "
            "sets={'name movers': ['head.9.6', 'head.9.9']}",
            about="components",
        )
    found: dict[str, Components] = {
        str(one): (one,) for one in (components_of(listed) if listed else ())
    }
    for name, members in sets.items():
        if name in found:
            raise ExperimentError(
                f"{name!r} names a component and a set: give the set another name", about="sets"
            )
        found[name] = components_of(members)
    for members in found.values():
        for one in members:
            _ = one.site  # a bias is at none, and refuses
    return found


class Measurements:
    """What is measured of every fact: with patches, and beside them without any."""

    def __init__(self, adapter: ModelAdapter, facts: FactSet, metric: Metric) -> None:
        self.adapter, self.facts, self.metric = adapter, facts, metric
        self._clean = np.full((len(facts), 2), np.nan)
        self._corrupt = np.full((len(facts), 2), np.nan)
        self._all_corrupt = True

    def of(self, group: Group, patches: Sequence[Patch], ways: Iterable[Values]) -> Floats:
        """The metric of the facts of a group with each patch [fact, patch].

        Args:
            group: facts of one length.
            patches: what is changed.
            ways: values for it; the mean over these is taken.
        """
        members = list(group.members)
        found = [group.measured(patches, values, self.metric, "ablations") for values in ways]
        self._clean[members] = found[0][0]
        corrupt = group.corrupt(self.metric)
        self._all_corrupt &= corrupt is not None
        if corrupt is not None:
            self._corrupt[members] = corrupt
        return np.asarray(np.mean([one for _, one in found], axis=0)[:, :, 0].T)

    def common(self, seed: int | None) -> dict[str, Any]:
        """What every result over facts has."""
        corrupt = self._corrupt if self._all_corrupt else None
        both = [self._clean, self._clean if corrupt is None else corrupt]
        return {
            "facts": self.facts,
            "metric": self.metric,
            "clean": self._clean[:, 0],
            "corrupt": None if corrupt is None else corrupt[:, 0],
            "preferences": None
            if self.metric == LOGIT_DIFF
            else np.stack([one[:, 1] for one in both]),
            "provenance": self.adapter.provenance(seed),
        }
