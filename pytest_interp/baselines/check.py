"""The fixture ``baseline``: a result against what was saved, figure included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.location import PyTestLocation
from syrupy.session import SnapshotSession

from pytest_interp.baselines.compare import tolerances_between
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.images import Drawing, inspect_figure, threshold_of
from pytest_interp.baselines.messages import Command, Messages
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.saving import Pending
from pytest_interp.baselines.snapshot import Comparison, EntryExtension, compare_with_saved
from pytest_interp.baselines.store import Owner, Slot
from pytest_interp.baselines.wording import indented
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError
from pytest_interp.results.base import Result


class Baseline:
    """Compare results of one test with their saved baselines.

    ``baseline.check(result)`` fails where a number or a finding is out of tolerance, where the
    figure looks different, or where nothing was saved yet; for none of these where a checkpoint
    without baselines of its own stands in for the model. What an update writes is written after
    the test has passed, its teardown included: a failing test leaves its baselines as they are.
    """

    def __init__(
        self,
        owner: Owner,
        policy: Policy,
        command: Command,
        draw: Callable[[Result], Drawing | None],
        request: pytest.FixtureRequest,
        scratch: Callable[[], Path],
    ) -> None:
        self.used: set[Path] = set()
        """The shared file of numbers of each entry that this test checked."""
        self.notes: list[str] = []
        """What a reader of the run should know though nothing failed."""
        self._owner = owner
        self._policy = policy
        self._command = command
        self._draw = draw
        self._scratch = scratch
        self._snapshot = SnapshotAssertion(
            # a session of our own: the user's counts, reports and unused snapshots stay as they are
            session=SnapshotSession(pytest_session=request.session),
            extension_class=EntryExtension,
            test_location=PyTestLocation(request.node),
            update_snapshots=False,
        )
        self._seen: set[tuple[Slot, str | None]] = set()
        self._pending: list[Pending] = []
        """What an update is to write."""

    def check(self, result: Result, name: str | None = None, *, other_model: bool = False) -> None:
        """Compare a result with its baseline.

        Args:
            result: any :class:`~pytest_interp.results.base.Result`.
            name: tells several results of one test apart.
            other_model: the result is meant to be of another model or backend than the test.

        Raises:
            Failed: it moved, looks different, or has no baseline; the message says what to run.
            BaselineError: it cannot be kept at all, or the saved file is damaged.
        """
        __tracebackhide__ = True
        if not isinstance(result, Result):
            raise BaselineError(
                f"baseline.check was given a {type(result).__name__}, which is no Result: give a "
                "result of an experiment, or derive your class from pytest_interp.results.Result, "
                "with to_json(), tolerances() and provenance (which may be None)"
            )
        new = Entry.of(result)
        if not other_model:
            self._check_made_here(new)
        backend = self._owner.backend or new.provenance.get("backend")
        shared = self._owner.slot(new.provenance.get("model"), name)
        if (shared, backend) in self._seen:
            second = "a second result" if name is None else f"a second result named {name!r}"
            raise BaselineError(
                f"baseline.check was given {second}: tell the results of one test apart, "
                'as in baseline.check(result, name="...")'
            )
        self._seen.add((shared, backend))
        self.used.add(shared.numbers)
        # drawn in every run, so that a broken figure does not wait for an update
        drawing = self._draw(result)
        own = self._policy.own(shared)
        # a checkpoint is compared with the model's entry until it has one of its own
        base = own if own.exists() else shared
        found = compare_with_saved(base, new, self._snapshot)
        if not self._policy.is_judged:
            if found.error is not None:
                raise found.error
            self.notes += self._messages(base, backend, drawing).not_judged(found)
            return None
        if self._policy.is_writer(backend):
            return self._settle(found, drawing, backend, self._policy.update, own)
        into = own.override(str(backend))
        override = into if into.exists() or base == own else shared.override(str(backend))
        if found.needs is Update.NOTHING and into.exists():
            self.notes.append(
                f"{shown(into.numbers)} is no longer needed: {backend} agrees with the "
                "shared entry. Delete it"
            )
        overrides = self._policy.overrides
        may = max(self._policy.update, Update.CHANGED) if overrides else Update.NOTHING
        waits = self._policy.contested and Update.NOTHING < found.needs <= self._policy.update
        if waits and (overrides or not override.exists()):
            return self._postpone(base, backend)
        if override.exists() or overrides:
            if overrides and found.needs is Update.NOTHING:
                return None
            found = compare_with_saved(override, new, self._snapshot)
        return self._settle(found, drawing, backend, may, into)

    @property
    def will_write(self) -> bool:
        """Whether an update has something to write."""
        return bool(self._pending)

    def _check_made_here(self, new: Entry) -> None:
        """Refuse what another model or backend gave than the one that the test's id names."""
        owner, made = self._owner, new.provenance
        for what, asked in (("model", owner.model), ("backend", owner.backend)):
            found = made.get(what)
            if asked is not None and found is not None and found != asked:
                raise BaselineError(
                    f"baseline.check was given a result of the {what} {found!r}, but the test runs "
                    f"on {asked!r}, and the baseline would be kept as of that. Where the spec "
                    "means another one: baseline.check(result, other_model=True)"
                )

    def write(self) -> None:
        """Write what the update asked for: the test has passed. Errors as for ``Pending``."""
        self.notes += [pending.write() for pending in self._pending]

    def abandon(self, reason: str) -> None:
        """Write nothing, and say why where there was something to write."""
        if self._pending:
            self.notes.append(f"{self._owner.test}: {reason}, so its baselines were not written")

    def _settle(
        self,
        found: Comparison,
        drawing: Drawing | None,
        backend: str | None,
        may: Update,
        into: Slot,
    ) -> None:
        """Pass, fail, or keep in mind what an update may write, and that it goes into a slot."""
        __tracebackhide__ = True
        slot, new = found.slot, found.new
        if found.needs > may:
            if found.error is not None:
                raise found.error
            messages, old = self._messages(slot, backend, drawing), found.old
            pytest.fail(messages.missing() if old is None else messages.moved(old, found))
        lines = indented(found.lines)
        if may is Update.ALL or found.needs is not Update.NOTHING:
            verb = "replaced the unreadable" if found.needs is Update.ALL else "updated"
            verb = verb if into.exists() else "added"
            note = "\n".join([f"{verb} {shown(into.numbers)}", *lines])
            self._pending.append(Pending.of(found, into, new, drawing, note))
            return
        if lines:
            self.notes.append("\n".join([shown(slot.numbers), *lines]))
        if drawing is None or found.old is None:
            return
        threshold = threshold_of(t.atol for t in tolerances_between(found.old, new).values())
        problem = inspect_figure(drawing, slot, found.old.figure, self._scratch, threshold)
        if problem is None:
            return
        # entries that another worker may write: not those for one backend alone
        contested = self._policy.contested and slot in (slot.shared, self._policy.own(slot.shared))
        if problem.needs <= may:
            verb, entry = ("redrawn", found.old) if slot == into else ("added", new)
            note = f"{verb} {shown(into.numbers)}: {problem.text}"
            self._pending.append(Pending.of(found, into, entry, drawing, note))
        elif contested and problem.needs <= self._policy.update:
            self._postpone(slot, backend)
        else:
            pytest.fail(self._messages(slot, backend, drawing).redrawn(problem))

    def _postpone(self, slot: Slot, backend: str | None) -> None:
        self.notes.append(
            f"{backend} was not compared with {shown(slot.numbers)}, which another worker may "
            "write in this run: run once more without --interp-update"
        )

    def _messages(self, slot: Slot, backend: str | None, drawing: Drawing | None) -> Messages:
        figure = None
        if drawing is not None:
            figure = self._scratch() / slot.picture.name
            figure.write_bytes(drawing.picture)
        return Messages(slot, backend, self._policy, self._command, figure)
