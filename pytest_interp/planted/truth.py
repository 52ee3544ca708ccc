"""The true effect of every patch in a planted model, derived from its mechanism.

Off-by-ones, for a one-token subject stored at layer ``s`` and read at layer ``r`` (``r > s``):

============  =====================================  =======================================
site          effect 1 at the subject's last token   effect 1 at the last token
============  =====================================  =======================================
resid_pre     layers 0 .. r (layer r reads it)       layers r + 1 .. (none if r is the last)
resid_post    layers 0 .. r - 1                      layers r .. n_layers - 1
mlp_out       layer s only                           none
attn_out      none                                   layer r only
head          none                                   layer r, the reading head only
lens          -                                      the answer leads from layer r on
============  =====================================  =======================================

Everywhere else the effect is 0. The table is not used: all numbers come from the mechanism.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.planted.mechanism import Cell, Course, Mechanism

SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out", "head")
Direction = Literal["denoise", "noise"]


@dataclass(frozen=True)
class Truth:
    """What is true of one pair of prompts, whose words are ``clean`` and ``corrupt``.

    Recovery is (patched - corrupt) / (clean - corrupt) of the logit difference answer minus
    counterfactual at the last token. ``denoise`` patches clean activations into the corrupt run,
    ``noise`` corrupt ones into the clean run. The effect is the recovery (denoise) or 1 minus the
    recovery (noise): 0 for a cell that does nothing, 1 for one that decides. It is NaN everywhere
    when nothing is ``stated``: of a model that does not know the fact, or with shuffled weights.
    """

    mechanism: Mechanism
    clean: tuple[str, ...]
    corrupt: tuple[str, ...]
    answer: str
    counterfactual_answer: str
    positions: Mapping[str, tuple[int, ...]]
    """Role -> token positions; roles ``before``, ``subject``, ``subject_first``,
    ``subject_last``, ``between``, ``last``."""
    stated: bool
    tolerance: float
    """How far a measured effect may be from the stated one, in float32. The distractors respond a
    little to which subject is there. Larger for a backup head and a subject that has no fact: the
    backup, reading a layer later through another norm, writes a slightly different amplitude."""

    def effect(self, site: str, direction: Direction = "denoise") -> NDArray[np.float64]:
        """Effect of patching each cell alone.

        Returns:
            ``[layer, position]``; for site ``head`` ``[layer, head, position]``.

        Raises:
            UnknownNameError: no such site or direction.
        """
        self._check(site, direction)
        model, length = self.mechanism, len(self.clean)
        heads = range(model.n_heads) if site == "head" else (None,)
        cells = [
            Cell(site, layer, position, head)
            for layer in range(model.n_layers)
            for head in heads
            for position in range(length)
        ]
        values = np.array([self.joint_effect((cell,), direction) for cell in cells])
        shape = (model.n_layers, len(heads), length)
        return values.reshape(shape) if site == "head" else values.reshape(shape)[:, 0]

    def joint_effect(self, cells: Iterable[Cell], direction: Direction = "denoise") -> float:
        """Effect of patching several cells at once, of any sites, layers and positions.

        Raises:
            UnknownNameError: no such site or direction.
            ExperimentError: a cell that this model and prompt do not have.
        """
        cells = tuple(cells)
        for cell in cells:
            self._check_cell(cell, direction)
        if not self.stated:
            return float("nan")
        base, source = self._runs if direction == "noise" else self._runs[::-1]
        # heads outside the mechanism carry nothing in either run
        patches = {cell: source.cells[cell] for cell in cells if cell in source.cells}
        if all(base.cells[cell] == found for cell, found in patches.items()):
            return 0.0
        words = self.clean if direction == "noise" else self.corrupt
        start, end, patched = (
            run.scores[self.answer] - run.scores[self.counterfactual_answer]
            for run in (base, source, self.mechanism.run(words, patches))
        )
        return (patched - start) / (end - start)

    @property
    def crossover_layer(self) -> int | None:
        """First layer whose ``resid_post`` at the last token the lens reads as the answer.

        The answer leads there and in every later layer. None when nothing is stated.
        """
        if not self.stated:
            return None
        leads = [max(s, key=s.__getitem__) == self.answer for s in self._runs[0].scores_by_layer]
        return next((i for i in range(len(leads)) if all(leads[i:])), None)

    @property
    def heads(self) -> Mapping[tuple[int, int], str]:
        """(layer, head) -> role, of the heads that carry the fact or back one up."""
        movers = self.mechanism.movers if self.stated else ()
        return {(mover.layer, mover.head): mover.role for mover in movers}

    @property
    def mlps(self) -> Mapping[int, str]:
        """Layer -> role, of the MLPs that carry the fact (an unrelated attribute is left out)."""
        rules = self.mechanism.rules if self.stated else ()
        return {rule.layer: rule.role for rule in rules if rule.role != "unrelated"}

    @cached_property
    def _runs(self) -> tuple[Course, Course]:
        return self.mechanism.run(self.clean), self.mechanism.run(self.corrupt)

    def _check_cell(self, cell: Cell, direction: str) -> None:
        self._check(cell.site, direction)
        model = self.mechanism
        inside = 0 <= cell.layer < model.n_layers and 0 <= cell.position < len(self.clean)
        if (cell.site == "head") != (cell.head is not None) or not inside:
            raise ExperimentError(
                f"{cell} is no cell here: layers are 0 to {model.n_layers - 1}, positions 0 to "
                f"{len(self.clean) - 1}, and a head index goes with site 'head' alone"
            )

    @staticmethod
    def _check(site: str, direction: str) -> None:
        known = (("site", site, SITES), ("direction", direction, get_args(Direction)))
        for what, name, names in known:
            if name not in names:
                raise UnknownNameError.of(what, name, names)
