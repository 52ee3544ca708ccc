"""What came of one ``baseline.check``, kept for reports of the run."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_interp.baselines.images import Drawing, FigureProblem
from pytest_interp.baselines.saving import Pending
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
    postponed: bool = False
    """Whether another worker may write the entry in this run, so that nothing was decided."""
    pending: Pending | None = None
    """What an update is to write once the test has passed."""
    written: bool = False
    """Whether it was."""
    review: str | None = None
    """The id under which the new result waits for a review."""
