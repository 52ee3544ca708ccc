"""What a failing comparison says: what is wrong, by how much, and the exact command to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_interp.baselines.compare import compare
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.images import FigureProblem
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.snapshot import Comparison
from pytest_interp.baselines.store import Slot
from pytest_interp.baselines.wording import folded, indented, provenance_lines
from pytest_interp.documents import shown

Command = Callable[[str, bool], str]
"""Makes the command that runs one test alone with an option; under the reference backend where
the second argument is true."""


@dataclass(frozen=True)
class Messages:
    """The texts of one failing comparison."""

    slot: Slot
    backend: str | None
    policy: Policy
    command: Command
    figure: Path | None
    """The new figure, for people; None where the result has none."""
    review: str | None = None
    """The command that shows the result in a review; None where it does not wait for one."""

    def missing(self) -> str:
        """Nothing was saved yet."""
        where = shown(self.slot.numbers)
        lines = [f"no baseline yet: {where} does not exist. Nothing was written."]
        if above := _above(self.slot.numbers):
            root, there = above
            lines.append(
                f"There is one of this test in {there}: run pytest in {root}, or put an empty "
                "pytest.ini there, which makes that the project's folder wherever pytest is called"
            )
        lines += [f"figure: {self.figure}"] if self.figure else []
        lines += ["To save this result:", self._update("--interp-update=missing"), *self._review()]
        if not self._is_writer:
            lines += [
                f"(the entry is written under {self.policy.reference}, and {self.backend} is "
                f"compared with it; where a test runs under {self.backend} alone:",
                f"{self._override()} )",
            ]
        lines += self._checkpoint()
        return "\n".join(lines)

    def moved(self, old: Entry, found: Comparison) -> str:
        """The numbers or findings are out of tolerance."""
        lines = [f"the result moved from its baseline {shown(self.slot.numbers)}:"]
        lines += [*indented(found.lines), *provenance_lines(old, found.new), *self._figures()]
        if self._is_writer:
            lines += ["If the new result is right:", self._update(), *self._review()]
            return "\n".join([*lines, *self._checkpoint()])
        lines += [
            f"The entry was written under {self.policy.reference}; {self.backend} only compares. "
            "Where both moved, update it there:",
            self._update(),
            f"Where {self.backend} must differ, keep an entry for it alone:",
            self._override(),
            *self._review(),
            *self._checkpoint(),
        ]
        return "\n".join(lines)

    def redrawn(self, problem: FigureProblem) -> str:
        """The numbers agree and the figure does not."""
        why, option = "The drawing changed. Where the new figure is right:", "--interp-update"
        if problem.needs is Update.MISSING:
            why, option = "To draw it anew:", "--interp-update=missing"
        lines = [f"the numbers agree with {shown(self.slot.numbers)}, but {problem.text}"]
        lines += [*self._figures(), why, self._update(option), *self._review()]
        lines += self._checkpoint()
        return "\n".join(lines)

    def not_judged(self, found: Comparison) -> list[str]:
        """The numbers are of a checkpoint that has no entries of its own: a line, and a hint."""
        of, model = self.policy.checkpoint, found.new.provenance.get("model")
        said = "there is no baseline to compare with"
        if found.old is not None:
            said = folded(compare(found.old, found.new), found.old, found.new)
        return [
            f"{shown(self.slot.numbers)}: not judged on {of}: {said}",
            f"(these are numbers of {of}, which stands in for {model}: the claims count. All "
            "numbers: --interp-report-json FILE. To keep baselines of its own: "
            f"--interp-model {model}={of}:LABEL --interp-update)",
        ]

    def _figures(self) -> list[str]:
        saved = shown(self.slot.picture)
        return [f"figures: {saved} (saved), {self.figure} (new)"] if self.figure else []

    def _review(self) -> list[str]:
        return ["Or look at it first:", f"  {self.review}"] if self.review else []

    def _checkpoint(self) -> list[str]:
        """That the model's own entry is not touched where a checkpoint stands in for it."""
        if self.policy.checkpoint is None:
            return []
        return [
            f"(this keeps an entry of {self.policy.checkpoint} alone, as {self.policy.label}; that "
            "of the model itself stays as it is)"
        ]

    @property
    def _is_writer(self) -> bool:
        return self.policy.is_writer(self.backend)

    def _update(self, option: str = "--interp-update") -> str:
        return f"  {self.command(option, not self._is_writer)}"

    def _override(self) -> str:
        return f"  {self.command('--interp-update-override', False)}"


def _above(numbers: Path) -> tuple[Path, Path] | None:
    """The same entry as a run of a folder further up writes it, and that folder; None without one.

    pytest takes the folder that it is called in for the project's, where no ini file says another.
    """
    for baselines in list(numbers.parents)[:-1]:
        inner, rest = baselines.parent, numbers.relative_to(baselines)
        for root in inner.parents:
            there = root / baselines.name / inner.relative_to(root) / rest
            if there.is_file():
                return root, there
    return None
