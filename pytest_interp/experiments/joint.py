"""Causal tracing of sets of cells that are patched together.

One cell may do nothing where several together carry a fact: all tokens of a subject, a window of
layers (Meng et al. 2022, arXiv 2202.05262, restore ten), a set of heads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, parse_kind
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.parts import Part, Patch
from pytest_interp.experiments.patch_runs import PatchRuns, Where
from pytest_interp.experiments.spreading import spreads
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.trace import TraceAsked, TraceOptions
from pytest_interp.results.joint_trace import JointTrace
from pytest_interp.results.over_facts import as_set

_CELLS = re.compile(
    r"(?P<kind>[a-z_]+)(\.(?P<first>\d+)(-(?P<last>\d+))?)?(\.(?P<index>\d+))?@(?P<position>.+)"
)


@spreads
def trace_joint(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    sets: Mapping[str, str | Iterable[str]],
    options: TraceOptions | None = None,
    *,
    controls: bool = True,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> JointTrace:
    """Patch each named set of cells as a whole.

    Args:
        adapter: the model under a backend.
        facts: one fact or a set.
        sets: by a name for each, cells that are patched together: ``resid_post.5@subject`` (all
            tokens of the subject), ``mlp_out.5-14@subject_last`` (a window of layers),
            ``head.23.4@last``, ``attn_out.9@all`` (every token), or several of those.
        options: all options as one value; the site is that of the cells.
        controls: run the cheap controls too, so that verdicts name them.
        max_rows: most rows of one forward pass. Memory sets the default.
        **asked: single options in place of those: ``direction``, ``metric``, ``corruption``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: no sets, an empty one, a cell that cannot be read or that the model lacks,
            or an option that has no meaning.
        UnknownNameError: an unknown metric, site, direction or corruption.
        UnsupportedSiteError: a layer or a site that the model lacks.
    """
    named = _named(sets)
    runs = joint_runs(adapter, facts, named, options, max_rows=max_rows, **asked)
    found = JointTrace(**runs.results(), names=tuple(named), cells=tuple(named.values()))
    return found.with_controls(*runs.controls(found)) if controls else found


def joint_runs(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    sets: Mapping[str, str | Iterable[str]],
    options: TraceOptions | None = None,
    *,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> PatchRuns:
    """What :func:`trace_joint` runs, with the same arguments."""
    named, chosen = _named(sets), TraceOptions.of(options, **asked)
    if chosen.window != 1 or chosen.layers is not None:
        raise ExperimentError(
            "cells name their own layers, and windows of them: write 'mlp_out.5-14@subject'",
            about="sets",
        )

    def patches(where: Where) -> Sequence[Patch]:
        return [tuple(p for text in one for p in parts_of(text, where)) for one in named.values()]

    what = "patching sets of cells"
    return PatchRuns(adapter, as_set(facts), chosen, patches, what, max_rows)


def _named(sets: Mapping[str, str | Iterable[str]]) -> dict[str, tuple[str, ...]]:
    named = {
        name: (cells,) if isinstance(cells, str) else tuple(cells) for name, cells in sets.items()
    }
    if empty := [name for name, cells in named.items() if not cells]:
        raise ExperimentError(f"the set {empty[0]!r} has no cells: name one or more", about="sets")
    if not named:
        raise ExperimentError(
            "nothing is patched: name sets of cells, as {'subject': ['resid_post.5@subject']}",
            about="sets",
        )
    return named


def parts_of(text: str, where: Where) -> Patch:
    """The parts of a run that a text names, one for each layer.

    Raises:
        ExperimentError: the text has another form, or the prompt no such position.
        UnknownNameError: there is no such kind of site.
    """
    found = _CELLS.fullmatch(text)
    if found is None:
        raise ExperimentError(
            f"cannot read the cells {text!r}: write a site, its layer or layers, and a position, "
            "as 'resid_post.5@subject', 'mlp_out.5-14@last' or 'head.23.4@last'",
            about="sets",
        )
    kind, position = parse_kind(found["kind"]), found["position"]
    at = where(int(position) if re.fullmatch(r"-?\d+", position) else position)
    index = None if found["index"] is None else (int(found["index"]),)
    if found["first"] is None:
        return (Part(Site(kind), at, index),)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if last < first:
        raise ExperimentError(f"the layers of {text!r} go down: write the lower one first")
    return tuple(Part(Site(kind, layer), at, index) for layer in range(first, last + 1))
