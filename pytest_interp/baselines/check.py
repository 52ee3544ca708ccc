"""The fixture ``baseline``: a result against what was saved, figure included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.location import PyTestLocation
from syrupy.session import SnapshotSession

from pytest_interp.baselines.checked import Checked
from pytest_interp.baselines.compare import tolerances_between
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import read_if_there
from pytest_interp.baselines.images import Drawing, inspect_figure, threshold_of
from pytest_interp.baselines.messages import Command, Messages
from pytest_interp.baselines.pending import Judged, Origin, PendingFolder
from pytest_interp.baselines.policy import Policy, Update
from pytest_interp.baselines.saving import Save
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
    Where nothing but comparisons fails, what they saw is left for a review.
    """

    def __init__(
        self,
        owner: Owner,
        policy: Policy,
        command: Command,
        draw: Callable[[Result], Drawing | None],
        request: pytest.FixtureRequest,
        scratch: Callable[[], Path],
        waiting: PendingFolder,
        origin: Origin,
    ) -> None:
        self.used: set[Path] = set()
        """The shared file of numbers of each entry that this test checked."""
        self.notes: list[str] = []
        """What a reader of the run should know though nothing failed."""
        self.checked: list[Checked] = []
        """What came of each comparison."""
        self._owner = owner
        self._policy = policy
        self._command = command
        self._draw = draw
        self._scratch = scratch
        self._waiting = waiting
        self._origin = origin
        self._snapshot = SnapshotAssertion(
            # a session of our own: the user's counts, reports and unused snapshots stay as they are
            session=SnapshotSession(pytest_session=request.session),
            extension_class=EntryExtension,
            test_location=PyTestLocation(request.node),
            update_snapshots=False,
        )
        self._seen: set[tuple[Slot, str | None]] = set()

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
        checked = Checked(result, name, shared)
        self.checked.append(checked)
        # in every run, so that a broken figure does not wait for an update
        checked.drawing = self._draw(result)
        self._judge(checked, shared, new, backend)
        checked.agrees = not checked.postponed and checked.save is None

    def _judge(self, checked: Checked, shared: Slot, new: Entry, backend: str | None) -> None:
        """Compare with the entry of this run, or with the shared one where it has none."""
        __tracebackhide__ = True
        own = self._policy.own(shared)
        # a checkpoint is compared with the model's entry until it has one of its own
        base = own if own.exists() else shared
        found = self._compare(checked, base, new)
        checked.is_judged = self._policy.is_judged
        if not checked.is_judged:
            if found.error is not None:
                raise found.error
            self.notes += self._messages(checked, base, backend).not_judged(found)
            return None
        if self._policy.is_writer(backend):
            checked.into = own
            return self._settle(checked, found, backend, self._policy.update, own)
        checked.into = into = own.override(str(backend))
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
            return self._postpone(checked, base, backend)
        if override.exists() or overrides:
            if overrides and found.needs is Update.NOTHING:
                return None
            found = self._compare(checked, override, new)
        return self._settle(checked, found, backend, may, into)

    @property
    def will_write(self) -> bool:
        """Whether an update has something to write."""
        return any(one.save for one in self.checked)

    def _compare(self, checked: Checked, slot: Slot, new: Entry) -> Comparison:
        checked.slot, checked.found = slot, None
        checked.found = compare_with_saved(slot, new, self._snapshot)
        return checked.found

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
        """Write what the update asked for: the test has passed. Errors as for ``Save``."""
        for one in self.checked:
            if one.save is not None:
                one.replaced = read_if_there(one.slot.picture)
                self.notes.append(one.save.write())
                one.written, one.agrees = True, True
        self.leave((), only_comparisons_failed=False)

    def abandon(self, reason: str) -> None:
        """Write nothing, and say why where there was something to write."""
        if self.will_write:
            self.notes.append(f"{self._owner.test}: {reason}, so its baselines were not written")

    def has_failed(self, error: BaseException) -> bool:
        """Whether an error is that of a comparison of this test."""
        return any(one.failure is error for one in self.checked)

    def leave(self, claims: Iterable[Judged], *, only_comparisons_failed: bool) -> None:
        """Let what comparisons saw wait for a review, and forget what waited and agrees now.

        An update would not write the results of a test that fails for another reason: neither does
        a review.
        """
        try:
            for one in self.checked:
                if one.agrees and one.into is not None:
                    self._waiting.drop(one.into)
                if one.waits is not None and only_comparisons_failed:
                    save, about = one.waits
                    self._waiting.keep(save, replace(about, claims=tuple(claims)))
                    one.review = self._waiting.id_of(save.slot)
        except (BaselineError, OSError) as error:
            self.notes.append(f"{self._owner.test}: what waits for a review is not right: {error}")

    def _settle(
        self,
        checked: Checked,
        found: Comparison,
        backend: str | None,
        may: Update,
        into: Slot,
    ) -> None:
        """Pass, fail, or keep in mind what an update may write, and that it goes into a slot."""
        __tracebackhide__ = True
        slot, new, drawing = found.slot, found.new, checked.drawing
        if found.needs > may:
            if found.error is not None:
                raise found.error
            messages, old = self._messages(checked, slot, backend), found.old
            text = messages.missing() if old is None else messages.moved(old, found)
            self._fail(checked, text, Save.of(found, into, new, drawing), backend)
        lines = indented(found.lines)
        if may is Update.ALL or found.needs is not Update.NOTHING:
            verb = "replaced the unreadable" if found.needs is Update.ALL else "updated"
            verb = verb if into.exists() else "added"
            note = "\n".join([f"{verb} {shown(into.numbers)}", *lines])
            checked.save = Save.of(found, into, new, drawing, note)
            return
        if lines:
            self.notes.append("\n".join([shown(slot.numbers), *lines]))
        if drawing is None or found.old is None:
            return
        threshold = threshold_of(t.atol for t in tolerances_between(found.old, new).values())
        problem = inspect_figure(drawing, slot, found.old.figure, self._scratch, threshold)
        checked.problem = problem
        if problem is None:
            return
        # entries that another worker may write: not those for one backend alone
        contested = self._policy.contested and slot in (slot.shared, self._policy.own(slot.shared))
        verb, entry = ("redrawn", found.old) if slot == into else ("added", new)
        note = f"{verb} {shown(into.numbers)}: {problem.text}"
        save = Save.of(found, into, entry, drawing, note)
        if problem.needs <= may:
            checked.save = save
        elif contested and problem.needs <= self._policy.update:
            self._postpone(checked, slot, backend)
        else:
            text = self._messages(checked, slot, backend).redrawn(problem)
            self._fail(checked, text, save, backend)

    def _fail(self, checked: Checked, text: str, save: Save, backend: str | None) -> NoReturn:
        """Fail the test, and keep in mind what may wait for a review."""
        __tracebackhide__ = True
        if self._policy.leaves_pending and checked.found is not None:
            about = self._waiting.about(
                checked.found,
                save,
                self._origin,
                backend,
                shared=self._policy.is_writer(backend),
                figure_problem=checked.problem.text if checked.problem else "",
            )
            checked.waits = save, about
        checked.failure = pytest.fail.Exception(text)
        raise checked.failure

    def _postpone(self, checked: Checked, slot: Slot, backend: str | None) -> None:
        checked.postponed = True
        self.notes.append(
            f"{backend} was not compared with {shown(slot.numbers)}, which another worker may "
            "write in this run: run once more without --interp-update"
        )

    def _messages(self, checked: Checked, slot: Slot, backend: str | None) -> Messages:
        figure, review = None, None
        if checked.drawing is not None:
            figure = self._scratch() / slot.picture.name
            figure.write_bytes(checked.drawing.picture)
        if checked.into is not None and self._policy.leaves_pending:
            review = f"{self._waiting.command} {self._waiting.id_of(checked.into)}"
        return Messages(slot, backend, self._policy, self._command, figure, review)
