"""What came of one ``baseline.check``, kept for reports of the run."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_interp.baselines.images import Drawing, FigureProblem
from pytest_interp.baselines.pending import About
from pytest_interp.baselines.saving import Save
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot
from pytest_interp.results.base import Result


@dataclass
class Checked:
    """One result against its baseline, filled in while it is compared."""

    result: Result
    name: str | None
    """What tells it apart from other results of its test."""
    slot: Slot
    """The entry that it was compared with, at first the shared one."""
    drawing: Drawing | None = None
    """The new figure."""
    found: Comparison | None = None
    """None where the comparison could not begin."""
    problem: FigureProblem | None = None
    """What is wrong with the saved figure, though the numbers agree."""
    is_judged: bool = True
    """Whether it fails where it moved: not on a checkpoint without a baseline of its own."""
    postponed: bool = False
    """Whether another worker may write the entry in this run, so that nothing was decided."""
    into: Slot | None = None
    """Where an update of this run would write."""
    agrees: bool = False
    """Whether nothing has to be written for it to pass."""
    failure: BaseException | None = None
    """Why the test fails, where it does not agree and may not be written."""
    save: Save | None = None
    """What an update is to write once the test has passed."""
    written: bool = False
    """Whether it was."""
    replaced: bytes | None = None
    """The figure of the entry that it was compared with, where an update wrote another."""
    waits: tuple[Save, About] | None = None
    """What is to wait for a review once the test has failed by comparisons alone."""
    review: str | None = None
    """The id under which the new result waits for a review."""
