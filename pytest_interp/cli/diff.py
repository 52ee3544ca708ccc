"""``pytest-interp diff``: what changed between two states of the baselines."""

from __future__ import annotations

import argparse

HELP = "say what changed between two folders of baselines, or two git revisions"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("old", metavar="A", help="what there was: a folder or a git revision")
    text = "what there is now, likewise; by default the folder baselines"
    parser.add_argument("new", metavar="B", nargs="?", default="baselines", help=text)
    text = "where the baselines lie in a revision: below the working folder or one above it"
    parser.add_argument("--folder", default="baselines", help=text)


def run(given: argparse.Namespace) -> int:
    """Compare two states of the baselines.

    Each side is a folder of baselines (or of a run's outputs) or a git revision. Exit status 1
    when a claim was added, is missing, or moved out of tolerance; 2 when the two cannot be
    compared, as where neither side has baselines.
    """
    from pytest_interp.baselines import diff_baselines

    report = diff_baselines(given.old, given.new, given.folder)
    print(report)
    return int(report.changed)
