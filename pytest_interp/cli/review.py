"""``pytest-interp review``: accept or refuse what comparisons with baselines saw."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_interp.errors import BaselineError

if TYPE_CHECKING:
    from pytest_interp.baselines.review import Change, Review

HELP = "accept or refuse results that differ from their baselines"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="what to show; by default all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="one line for each, and nothing else")
    what.add_argument("--accept", nargs="+", metavar="ID|all", help="write these as baselines")
    what.add_argument("--reject", nargs="+", metavar="ID|all", help="forget these")
    what.add_argument("--web", action="store_true", help="as a page in a browser of this machine")
    text = "of the page; by default one that is free"
    parser.add_argument("--port", type=int, default=0, help=text)
    parser.add_argument("--note", default="", help="why, kept in the history of what is accepted")
    text = "entries for one backend alone may be written, as with --interp-update-override"
    parser.add_argument("--override", action="store_true", help=text)
    text = "its folder, by default the one around the working folder"
    parser.add_argument("--project", type=Path, dest="config", metavar="FOLDER", help=text)
    parser.set_defaults(for_pytest=())
    for option, name in (("-c", "FILE"), ("--rootdir", "FOLDER"), ("-o", "NAME=VALUE")):
        parser.add_argument(option, action=_ForPytest, metavar=name, help="as for pytest")


class _ForPytest(argparse.Action):
    """Keep an option with its value, as pytest takes them."""

    def __call__(self, parser: Any, given: Any, value: Any, option: str | None = None) -> None:
        given.for_pytest = (*given.for_pytest, str(option), str(value))


def run(given: argparse.Namespace) -> int:
    """Walk through the results that differ from their baselines: the claims, what moved, figures.

    What is accepted is written as an update would write it. Exit status 1 when something is left
    to review. Of --accept and --reject: 0 when all was done, 2 when something cannot be.
    """
    from pytest_interp.baselines.review import Review, chosen
    from pytest_interp.plugin.pending import pending_folder
    from pytest_interp.report.review.asking import ask_each
    from pytest_interp.report.review.words import listed

    project = given.project
    owner = project.getini("interp_baseline_owner")
    review = Review(pending_folder(project), project.rootpath, owner, given.override)
    ids = given.accept or given.reject or given.ids or ["all"]
    changes = chosen(review.changes(), ids)
    if given.list or not changes:
        print(listed(changes))
        return int(bool(changes))
    if given.accept:
        return _each(review, changes, lambda change: review.accept(change, given.note))
    if given.reject:
        return _each(review, changes, review.refuse)
    if given.web:
        _serve(review, given.ids, given.port)
    else:
        ask_each(review, changes, input, print, given.note)
    left = len(review.changes())
    print(f"{left} left to review" if left else "nothing is left to review")
    return int(bool(left))


def _serve(review: Review, ids: list[str], port: int) -> None:
    """Serve the review as a page, until its reader ends it there or here."""
    from pytest_interp.report.review.page import ReviewPage

    page = ReviewPage(review, ids, port)
    print(f"open {page.server.address}\nfor this machine alone; end it there, or with Ctrl-C")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        page.serve()


def _each(review: Review, changes: list[Change], act: Callable[[Change], list[str]]) -> int:
    """Do it for each; status 2 where one could not be done, and the others are done."""
    from pytest_interp.report.review.words import spoken

    refused = 0
    for change in changes:
        if change.id not in {one.id for one in review.changes()}:
            continue  # it agrees with what was accepted before it
        try:
            print(spoken(act(change)))
        except BaselineError as error:
            refused = 2
            print(spoken([str(error)]), file=sys.stderr)
    return refused
