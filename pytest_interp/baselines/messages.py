"""What a failing comparison tells: what is wrong, how far, and the exact command that mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_interp.baselines.claim import Claim
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.policy import Policy
from pytest_interp.baselines.report import indented, provenance_lines
from pytest_interp.baselines.store import Slot

Keep = Callable[[Slot], Path | None]
"""Puts the new figure where a person finds it; None where the result has no figure."""


class Messages:
    """The texts of one test's failures."""

    def __init__(self, claim: Claim, policy: Policy, keep: Keep) -> None:
        self._claim = claim
        self._policy = policy
        self._keep = keep

    def missing(self, slot: Slot, backend: str | None) -> str:
        """Nothing was saved yet."""
        lines = [f"no baseline yet: {shown(slot.numbers)} does not exist. Nothing was written."]
        if (kept := self._keep(slot)) is not None:
            lines.append(f"figure: {kept}")
        lines += ["To save this result:", f"  {self._command('--interp-update=missing', backend)}"]
        if not self._policy.is_writer(backend):
            lines += [
                f"(the entry is written under {self._policy.reference} and compared with under "
                f"{backend}; where a test runs under {backend} alone:",
                f"  {self._override()} )",
            ]
        return "\n".join(lines)

    def moved(
        self, slot: Slot, old: Entry, new: Entry, changes: list[str], backend: str | None
    ) -> str:
        """The numbers or findings are out of tolerance."""
        text = [f"the result moved from its baseline {shown(slot.numbers)}:", *indented(changes)]
        if made := provenance_lines(old, new):
            text += ["made differently:", *indented(made)]
        text += self._figures(slot)
        command = self._command("--interp-update", backend)
        if self._policy.is_writer(backend):
            text += ["If the new result is right:", f"  {command}"]
        else:
            text += [
                f"The entry was written under {self._policy.reference}; {backend} only compares. "
                "Where both moved, update it there:",
                f"  {command}",
                f"Where {backend} must differ, keep an entry for it alone:",
                f"  {self._override()}",
            ]
        return "\n".join(text)

    def figure(self, slot: Slot, problem: str, is_missing: bool, backend: str | None) -> str:
        """The numbers agree and the figure does not."""
        why = "" if is_missing else "Either the drawing or matplotlib changed. "
        option = "--interp-update=missing" if is_missing else "--interp-update"
        lines = [
            f"the numbers agree with {shown(slot.numbers)}, but {problem}",
            *self._figures(slot),
            f"{why}Where the new figure is right:",
            f"  {self._command(option, backend)}",
        ]
        return "\n".join(lines)

    def _figures(self, slot: Slot) -> list[str]:
        kept = self._keep(slot)
        return [] if kept is None else [f"figures: {shown(slot.picture)} (saved), {kept} (new)"]

    def _command(self, option: str, backend: str | None) -> str:
        return self._claim.command(option, not self._policy.is_writer(backend))

    def _override(self) -> str:
        return self._claim.command("--interp-update-override", False)


def shown(path: Path) -> str:
    """Relative to the working folder where the path lies below it."""
    cwd = Path.cwd()
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)
