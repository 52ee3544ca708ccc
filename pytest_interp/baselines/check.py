"""The fixture ``baseline``: a result against what was saved, figure included."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.session import SnapshotSession

from pytest_interp.baselines import store
from pytest_interp.baselines.claim import Claim
from pytest_interp.baselines.compare import changed, compare, tolerances_between
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.extension import BaselineExtension, BaselineLocation
from pytest_interp.baselines.images import Drawing, inspect_figure, threshold_of
from pytest_interp.baselines.messages import Messages, shown
from pytest_interp.baselines.pending import Pending
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.report import describe, indented
from pytest_interp.baselines.store import Slot
from pytest_interp.errors import BaselineError
from pytest_interp.results.base import Result


class Baseline:
    """Compare results of one test with their saved baselines.

    ``baseline.check(result)`` fails where a number or a finding is out of tolerance, where the
    figure looks different, or where nothing was saved yet. What an update writes is written after
    the test has passed, its teardown included: a failing test leaves its baselines as they are.
    """

    def __init__(
        self,
        claim: Claim,
        policy: Policy,
        draw: Callable[[Result], Drawing | None],
        request: pytest.FixtureRequest,
        scratch: Callable[[], Path],
    ) -> None:
        self.used: set[Path] = set()
        """The shared files of numbers of all entries that this test checked."""
        self.notes: list[str] = []
        """What a reader of the run should know though nothing failed."""
        self._claim = claim
        self._policy = policy
        self._draw = draw
        self._scratch = scratch
        self._request = request
        # a session of our own: the user's counts, reports and unused snapshots stay as they are
        self._syrupy = SnapshotSession(pytest_session=request.session)
        self._pending = Pending()
        self._seen: set[tuple[Slot, str | None]] = set()

    def check(self, result: Result, name: str | None = None) -> None:
        """Compare a result with its baseline.

        Args:
            result: any result with ``to_json``, ``tolerances`` and ``provenance``.
            name: tells several results of one test apart.

        Raises:
            Failed: it moved, looks different, or has no baseline; the message says how to go on.
            BaselineError: it cannot be kept at all, or the saved file is damaged.
        """
        __tracebackhide__ = True
        new = _entry_of(result)
        backend = self._claim.backend or new.provenance.get("backend")
        shared = self._claim.slot(new.provenance.get("model"), name)
        self._refuse_twice(shared, backend, name)
        self.used.add(shared.numbers)
        # drawn in every run, so that a broken figure does not wait for an update
        drawing = self._draw(result)
        if self._policy.is_writer(backend):
            self._check(shared, new, drawing, backend, self._policy.update)
            return
        override = shared.override(str(backend))
        if self._policy.overrides:
            if self._may_change(shared, new, backend):
                self._postpone(shared, backend)
            elif not self._agrees(shared, new, override, backend):
                may = max(self._policy.update, Update.CHANGED)
                self._check(override, new, drawing, backend, may)
        elif override.exists():
            self._agrees(shared, new, override, backend)
            self._check(override, new, drawing, backend, Update.NOTHING)
        elif self._may_change(shared, new, backend):
            self._postpone(shared, backend)
        else:
            self._check(shared, new, drawing, backend, Update.NOTHING)

    def write(self) -> None:
        """Write what the update asked for: the test has passed.

        Raises:
            BaselineError: a file cannot be written.
        """
        self.notes += self._pending.write()

    def abandon(self, reason: str) -> None:
        """Write nothing, and say why where there was something to write."""
        if self._pending:
            self.notes.append(f"{self._claim.test}: {reason}, so its baselines were not written")

    def _check(
        self, slot: Slot, new: Entry, drawing: Drawing | None, backend: str | None, may: Update
    ) -> None:
        __tracebackhide__ = True
        existed = slot.exists()
        old = self._saved(slot, may) if existed else None
        if old is None:
            if may is Update.NOTHING:
                pytest.fail(self._messages(drawing).missing(slot, backend))
            verb = "replaced the unreadable" if existed else "added"
            self._write(f"{verb} {shown(slot.numbers)}", slot, new, drawing)
            return
        changes = compare(old, new)
        lines = describe(changes, old, new)
        snapshot = self._snapshot(slot)
        if snapshot != new and may < Update.CHANGED:
            moved = snapshot.get_assert_diff()
            pytest.fail(self._messages(drawing).moved(slot, old, new, moved, backend))
        told = "\n".join([shown(slot.numbers), *indented(lines)])
        if may is Update.ALL or changed(changes):
            self._write(f"updated {told}", slot, new, drawing)
            return
        if changes:
            self.notes.append(told)
        if drawing is not None:
            self._check_figure(slot, old, new, drawing, backend, may)

    def _check_figure(
        self,
        slot: Slot,
        old: Entry,
        new: Entry,
        drawing: Drawing,
        backend: str | None,
        may: Update,
    ) -> None:
        __tracebackhide__ = True
        threshold = threshold_of(t.atol for t in tolerances_between(old, new).values())
        problem = inspect_figure(drawing, slot, self._scratch, threshold)
        if problem is None:
            return
        needed = Update.MISSING if problem.is_missing else Update.CHANGED
        if may >= needed:
            note = f"redrawn {shown(slot.numbers)}: {problem.told}"
            self._pending.add(note, problem.files)
            return
        if self._policy.update >= needed and self._is_shared_out(slot, backend):
            return self._postpone(slot, backend)
        messages = self._messages(drawing)
        pytest.fail(messages.figure(slot, problem.told, problem.is_missing, backend))

    def _saved(self, slot: Slot, may: Update) -> Entry | None:
        """The saved entry; None where it cannot be read and is to be written anew in any case."""
        try:
            return Entry.read(slot.numbers, shown(slot.numbers))
        except BaselineError:
            if may is Update.ALL:
                return None
            raise

    def _agrees(self, shared: Slot, new: Entry, override: Slot, backend: str | None) -> bool:
        """Whether no entry for this backend alone is needed; told where there is one."""
        with contextlib.suppress(BaselineError):  # which the reference's own test raises
            if shared.exists() and not changed(compare(self._read(shared), new)):
                if override.exists():
                    self.notes.append(
                        f"{shown(override.numbers)} is no longer needed: {backend} agrees with the "
                        "shared entry. Delete it"
                    )
                return True
        return False

    def _may_change(self, shared: Slot, new: Entry, backend: str | None) -> bool:
        """Whether another worker may be about to write what this backend would disagree with."""
        if not self._is_shared_out(shared, backend):
            return False
        try:
            old = self._read(shared) if shared.exists() else None
        except BaselineError:
            return self._policy.update is Update.ALL
        if old is None:
            return self._policy.update >= Update.MISSING
        return self._policy.update >= Update.CHANGED and changed(compare(old, new))

    def _is_shared_out(self, slot: Slot, backend: str | None) -> bool:
        """Whether the entry is one that another worker may write in this run."""
        return (
            self._policy.in_parallel
            and self._claim.written_elsewhere
            and slot == slot.shared
            and not self._policy.is_writer(backend)
        )

    def _snapshot(self, slot: Slot) -> SnapshotAssertion:
        return SnapshotAssertion(
            session=self._syrupy,
            extension_class=BaselineExtension,
            test_location=BaselineLocation(self._request.node, file=slot.numbers),
            update_snapshots=False,
        )

    def _read(self, slot: Slot) -> Entry:
        return Entry.read(slot.numbers, shown(slot.numbers))

    def _postpone(self, slot: Slot, backend: str | None) -> None:
        self.notes.append(
            f"{backend} was not compared with {shown(slot.numbers)}, which another worker may "
            "write in this run: run once more without --interp-update"
        )

    def _write(self, note: str, slot: Slot, new: Entry, drawing: Drawing | None) -> None:
        files = {slot.numbers: new.dumps().encode()}
        if drawing is not None:
            files |= {slot.picture: drawing.picture, slot.raster: drawing.raster}
        self._pending.add(note, files)

    def _refuse_twice(self, slot: Slot, backend: str | None, name: str | None) -> None:
        if (slot, backend) in self._seen:
            told = "a second result" if name is None else f"a second result named {name!r}"
            raise BaselineError(
                f"baseline.check was given {told}: tell the results of one test apart, "
                'as in baseline.check(result, name="...")'
            )
        self._seen.add((slot, backend))

    def _messages(self, drawing: Drawing | None) -> Messages:
        def keep(slot: Slot) -> Path | None:
            if drawing is None:
                return None
            path = self._scratch() / slot.picture.name
            store.write(path, drawing.picture)
            return path

        return Messages(self._claim, self._policy, keep)


def _entry_of(result: Any) -> Entry:
    if not isinstance(result, Result):
        missing = [n for n in ("to_json", "tolerances", "provenance") if not hasattr(result, n)]
        raise BaselineError(
            f"baseline.check was given a {type(result).__name__}, which has no "
            f"{' and no '.join(missing)}: give a result of an experiment, or an object with "
            "to_json(), tolerances() and provenance (which may be None)"
        )
    return Entry.of(result)
