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

from pytest_interp.baselines.compare import tolerances_between
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.images import Drawing, inspect_figure, threshold_of
from pytest_interp.baselines.messages import Command, Messages
from pytest_interp.baselines.pending import About, Judged, Origin, PendingFolder
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
        self._saves: list[Save] = []
        """What an update is to write."""
        self._waiting = waiting
        self._origin = origin
        self._differ: list[tuple[Save, About]] = []
        """What is to wait for a review."""
        self._agree: list[Slot] = []
        """Baselines for which nothing has to wait any more."""
        self._failures: list[BaseException] = []

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
            self._settle(found, drawing, backend, self._policy.update, own)
            return
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
            self._postpone(base, backend)
            return
        if override.exists() or overrides:
            if overrides and found.needs is Update.NOTHING:
                self._agree.append(into)
                return
            found = compare_with_saved(override, new, self._snapshot)
        self._settle(found, drawing, backend, may, into)

    @property
    def will_write(self) -> bool:
        """Whether an update has something to write."""
        return bool(self._saves)

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
        for save in self._saves:
            self.notes.append(save.write())
            self._waiting.drop(save.slot)

    def abandon(self, reason: str) -> None:
        """Write nothing, and say why where there was something to write."""
        if self._saves:
            self.notes.append(f"{self._owner.test}: {reason}, so its baselines were not written")

    def has_failed(self, error: BaseException) -> bool:
        """Whether an error is that of a comparison of this test."""
        return any(error is failure for failure in self._failures)

    def leave(self, claims: Iterable[Judged], *, only_comparisons_failed: bool) -> None:
        """Let what comparisons saw wait for a review, and forget what waited and agrees now.

        An update would not write the results of a test that fails for another reason: neither does
        a review.
        """
        try:
            for slot in self._agree:
                self._waiting.drop(slot)
            for save, about in self._differ if only_comparisons_failed else ():
                self._waiting.keep(save, replace(about, claims=tuple(claims)))
        except BaselineError as error:
            self.notes.append(f"{self._owner.test}: what waits for a review is not right: {error}")

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
            messages, old = self._messages(slot, backend, drawing, into), found.old
            self._fail(
                messages.missing() if old is None else messages.moved(old, found),
                found,
                Save.of(found, into, new, drawing),
                backend,
            )
        lines = indented(found.lines)
        if may is Update.ALL or found.needs is not Update.NOTHING:
            verb = "replaced the unreadable" if found.needs is Update.ALL else "updated"
            verb = verb if into.exists() else "added"
            note = "\n".join([f"{verb} {shown(into.numbers)}", *lines])
            self._saves.append(Save.of(found, into, new, drawing, note))
            return
        if lines:
            self.notes.append("\n".join([shown(slot.numbers), *lines]))
        if drawing is None or found.old is None:
            self._agree.append(into)
            return
        threshold = threshold_of(t.atol for t in tolerances_between(found.old, new).values())
        problem = inspect_figure(drawing, slot, found.old.figure, self._scratch, threshold)
        if problem is None:
            self._agree.append(into)
            return
        # entries that another worker may write: not those for one backend alone
        contested = self._policy.contested and slot in (slot.shared, self._policy.own(slot.shared))
        verb, entry = ("redrawn", found.old) if slot == into else ("added", new)
        note = f"{verb} {shown(into.numbers)}: {problem.text}"
        save = Save.of(found, into, entry, drawing, note)
        if problem.needs <= may:
            self._saves.append(save)
        elif contested and problem.needs <= self._policy.update:
            self._postpone(slot, backend)
        else:
            text = self._messages(slot, backend, drawing, into).redrawn(problem)
            self._fail(text, found, save, backend, problem.text)

    def _fail(
        self, text: str, found: Comparison, save: Save, backend: str | None, problem: str = ""
    ) -> NoReturn:
        """Fail the test, and keep in mind what may wait for a review."""
        __tracebackhide__ = True
        if self._policy.leaves_pending:
            shared = self._policy.is_writer(backend)
            self._differ.append(
                (save, self._waiting.about(found, save, self._origin, backend, shared, problem))
            )
        self._failures.append(pytest.fail.Exception(text))
        raise self._failures[-1]

    def _postpone(self, slot: Slot, backend: str | None) -> None:
        self.notes.append(
            f"{backend} was not compared with {shown(slot.numbers)}, which another worker may "
            "write in this run: run once more without --interp-update"
        )

    def _messages(
        self, slot: Slot, backend: str | None, drawing: Drawing | None, into: Slot
    ) -> Messages:
        figure = None
        if drawing is not None:
            figure = self._scratch() / slot.picture.name
            figure.write_bytes(drawing.picture)
        review = None
        if self._policy.leaves_pending:
            review = f"{self._waiting.command} {self._waiting.id_of(into)}"
        return Messages(slot, backend, self._policy, self._command, figure, review)
