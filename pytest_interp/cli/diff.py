"""``pytest-interp diff``: what changed between two states of the baselines."""

from __future__ import annotations

import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "diff",
        help="say what changed between two folders of baselines, or two git revisions",
        description="Each side is a folder of baselines (or of a run's outputs) or a git "
        "revision. Exit status 1 when a claim was added or removed, or moved out of tolerance; "
        "2 when that cannot be told, as where neither side has baselines.",
    )
    parser.add_argument("old", metavar="A")
    parser.add_argument("new", metavar="B", nargs="?", default="baselines")
    parser.add_argument(
        "--folder",
        default="baselines",
        help="where the baselines lie in a revision: below the working folder or one above it",
    )
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.baselines import diff_baselines

    report = diff_baselines(given.old, given.new, given.folder)
    print(report)
    return report.exit_status
