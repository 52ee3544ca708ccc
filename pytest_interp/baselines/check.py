"""The fixture ``baseline``: a result against what was saved, figure included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.session import SnapshotSession

from pytest_interp.baselines import store
from pytest_interp.baselines.claim import Claim
from pytest_interp.baselines.compare import changed, compare, tolerances_between
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.extension import BaselineExtension, BaselineLocation
from pytest_interp.baselines.images import compare_rasters, threshold_of
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.report import describe, indented, provenance_lines
from pytest_interp.baselines.store import Slot
from pytest_interp.errors import BaselineError
from pytest_interp.results import Result


class Drawing(Protocol):
    """A figure as two PNG files."""

    @property
    def picture(self) -> bytes:
        """For people."""

    @property
    def raster(self) -> bytes:
        """Without text, for comparison."""


class Baseline:
    """Compare results of one test with their saved baselines.

    ``baseline.check(result)`` fails where a number or a finding is out of tolerance, where the
    figure looks different, or where nothing was saved yet. What an update writes is written after
    the test has passed: a failing test leaves its baselines as they are.
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
        """Files that this test compared with, or is about to write."""
        self.notes: list[str] = []
        """What a reader of the run should know though nothing failed."""
        self._claim = claim
        self._policy = policy
        self._draw = draw
        self._request = request
        self._scratch = scratch
        # a session of our own: the user's counts, reports and unused snapshots stay as they are
        self._syrupy = SnapshotSession(pytest_session=request.session)
        self._pictures: dict[Path, bytes] = {}
        self._writes = False
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
        # drawn in every run, so that a broken figure does not wait for an update
        drawing = self._draw(result)
        if self._policy.is_writer(backend):
            self._check(shared, new, drawing, backend, self._policy.update)
        elif self._policy.overrides:
            self._check_and_override(shared, new, drawing, str(backend))
        else:
            override = shared.override(str(backend))
            slot = override if override.exists() else shared
            self._check(slot, new, drawing, backend, Update.NOTHING)

    def finish(self, passed: bool) -> None:
        """Write what the update asked for, if the test has passed."""
        if passed:
            self._syrupy.flush_snapshot_write_queue()
            for path, data in self._pictures.items():
                store.write(path, data)
        elif self._writes:
            self.notes.append("the test failed: its baselines were not written")

    def _check(
        self, slot: Slot, new: Entry, drawing: Drawing | None, backend: str | None, may: Update
    ) -> None:
        __tracebackhide__ = True
        self._use(slot, drawing)
        existed = slot.exists()
        needed = Update.CHANGED if existed else Update.MISSING
        snapshot = self._snapshot(slot, writes=may >= needed)
        if not existed and may is Update.NOTHING:
            self._missing(slot, backend, drawing)
            return
        old = Entry.loads(slot.numbers.read_text("utf-8"), self._shown(slot)) if existed else None
        matches = snapshot == new
        if not matches:
            assert old is not None
            self._moved(slot, old, new, snapshot.get_assert_diff(), drawing, backend)
            return
        changes = [] if old is None else compare(old, new)
        if may is Update.ALL or old is None or changed(changes):
            self._write(slot, new, snapshot, drawing)
            what = "added" if old is None else "updated"
            lines = [] if old is None else describe(changes, old, new)
            self.notes.append("\n".join([f"{what} {self._shown(slot)}", *indented(lines)]))
            return
        if changes:
            lines = describe(changes, old, new)
            self.notes.append("\n".join([self._shown(slot), *indented(lines)]))
        # a finding that flipped within noise moves its mark in the figure as well
        elif drawing is not None:
            self._check_figure(slot, old, new, drawing, backend, may)

    def _check_and_override(
        self, shared: Slot, new: Entry, drawing: Drawing | None, backend: str
    ) -> None:
        __tracebackhide__ = True
        override = shared.override(backend)
        if shared.exists():
            old = Entry.loads(shared.numbers.read_text("utf-8"), self._shown(shared))
            if not changed(compare(old, new)):
                self._use(shared, drawing)
                if override.exists():
                    self._use(override, drawing)
                    self.notes.append(
                        f"{self._shown(override)} is no longer needed: {backend} agrees with the "
                        "shared entry. Delete it"
                    )
                return
        self._check(override, new, drawing, backend, Update.CHANGED)

    def _snapshot(self, slot: Slot, *, writes: bool) -> SnapshotAssertion:
        return SnapshotAssertion(
            session=self._syrupy,
            extension_class=BaselineExtension,
            test_location=BaselineLocation(self._request.node, file=slot.numbers),
            update_snapshots=writes,
        )

    def _write(
        self, slot: Slot, new: Entry, snapshot: SnapshotAssertion, drawing: Drawing | None
    ) -> None:
        """Queue the numbers, which syrupy leaves alone where they match, and the figure."""
        self._syrupy.queue_snapshot_write(
            extension=snapshot.extension,
            test_location=snapshot.test_location,
            data=new.dumps(),
            index=0,
        )
        self._writes = True
        self._draw_into(slot, drawing)

    def _draw_into(self, slot: Slot, drawing: Drawing | None) -> None:
        if drawing is not None:
            self._pictures |= {slot.picture: drawing.picture, slot.raster: drawing.raster}

    def _check_figure(
        self,
        slot: Slot,
        old: Entry | None,
        new: Entry,
        drawing: Drawing,
        backend: str | None,
        may: Update,
    ) -> None:
        __tracebackhide__ = True
        atols = [] if old is None else [t.atol for t in tolerances_between(old, new).values()]
        threshold = threshold_of(max(atols, default=0.0))
        problem = compare_rasters(
            drawing.raster, slot.raster, self._request, self._scratch(), threshold
        )
        if problem is None:
            return
        missing = not slot.raster.is_file()
        if may >= (Update.MISSING if missing else Update.CHANGED):
            self._writes = True
            self._draw_into(slot, drawing)
            self.notes.append(f"redrawn {self._shown(slot)}: {problem}")
            return
        lines = [
            f"the numbers agree with {self._shown(slot)}, but {problem}",
            *self._pictures_to_look_at(slot, drawing),
            "Either the drawing or matplotlib changed. Where the new figure is right:",
            f"  {self._command('--interp-update', backend)}",
        ]
        pytest.fail("\n".join(lines))

    def _missing(self, slot: Slot, backend: str | None, drawing: Drawing | None) -> None:
        __tracebackhide__ = True
        if self._is_being_written(backend):
            return self._postpone(slot, backend)
        lines = [f"no baseline yet: {self._shown(slot)} does not exist. Nothing was written."]
        if drawing is not None:
            lines.append(f"figure: {self._keep(slot, drawing)}")
        lines += ["To save this result:", f"  {self._command('--interp-update=missing', backend)}"]
        if not self._policy.is_writer(backend):
            lines += [
                f"(the entry is written under {self._policy.reference} and compared with under "
                f"{backend}; where a test runs under {backend} alone:",
                f"  {self._claim.command('--interp-update-override', False)} )",
            ]
        pytest.fail("\n".join(lines))

    def _moved(
        self,
        slot: Slot,
        old: Entry,
        new: Entry,
        lines: list[str],
        drawing: Drawing | None,
        backend: str | None,
    ) -> None:
        __tracebackhide__ = True
        if self._is_being_written(backend) and self._policy.update >= Update.CHANGED:
            return self._postpone(slot, backend)
        made = provenance_lines(old, new)
        text = [f"the result moved from its baseline {self._shown(slot)}:", *indented(lines)]
        if made:
            text += ["made differently:", *indented(made)]
        text += self._pictures_to_look_at(slot, drawing)
        command = self._command("--interp-update", backend)
        if self._policy.is_writer(backend):
            text += ["If the new result is right:", f"  {command}"]
        else:
            text += [
                f"The entry was written under {self._policy.reference}; {backend} only compares. "
                "Where both moved, update it there:",
                f"  {command}",
                f"Where {backend} must differ, keep an entry for it alone:",
                f"  {self._claim.command('--interp-update-override', False)}",
            ]
        pytest.fail("\n".join(text))

    def _is_being_written(self, backend: str | None) -> bool:
        """Whether another worker may be about to write what this backend compares with."""
        return (
            self._policy.update > Update.NOTHING
            and self._policy.in_parallel
            and self._claim.written_elsewhere
            and not self._policy.is_writer(backend)
        )

    def _postpone(self, slot: Slot, backend: str | None) -> None:
        self.notes.append(
            f"{backend} was not compared with {self._shown(slot)}, which another worker may write "
            "in this run: run once more without --interp-update"
        )

    def _refuse_twice(self, slot: Slot, backend: str | None, name: str | None) -> None:
        if (slot, backend) in self._seen:
            told = "a second result" if name is None else f"a second result named {name!r}"
            raise BaselineError(
                f"baseline.check was given {told}: tell the results of one test apart, "
                'as in baseline.check(result, name="...")'
            )
        self._seen.add((slot, backend))

    def _use(self, slot: Slot, drawing: Drawing | None) -> None:
        self.used.add(slot.numbers)
        if drawing is not None:
            self.used |= {slot.picture, slot.raster}

    def _pictures_to_look_at(self, slot: Slot, drawing: Drawing | None) -> list[str]:
        if drawing is None:
            return []
        return [f"figures: {_short(slot.picture)} (saved), {self._keep(slot, drawing)} (new)"]

    def _keep(self, slot: Slot, drawing: Drawing) -> Path:
        """Put the new figure where a person finds it, outside of the baselines."""
        path = self._scratch() / slot.picture.name
        store.write(path, drawing.picture)
        return path

    def _command(self, option: str, backend: str | None) -> str:
        return self._claim.command(option, not self._policy.is_writer(backend))

    def _shown(self, slot: Slot) -> str:
        return _short(slot.numbers)


def _short(path: Path) -> str:
    """Relative to the working folder where the path lies below it."""
    cwd = Path.cwd()
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


def _entry_of(result: Any) -> Entry:
    if not isinstance(result, Result):
        missing = [n for n in ("to_json", "tolerances", "provenance") if not hasattr(result, n)]
        raise BaselineError(
            f"baseline.check was given a {type(result).__name__}, which has no "
            f"{' and no '.join(missing)}: give a result of an experiment, or an object with "
            "to_json(), tolerances() and provenance (which may be None)"
        )
    return Entry.of(result)
