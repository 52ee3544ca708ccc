"""``pytest-interp diff``: what changed between two states of the baselines."""

from __future__ import annotations

import argparse


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "diff",
        help="say what changed between two folders of baselines, or two git revisions",
        description="Each side is a folder of baselines (or of a run's outputs) or a git "
        "revision. Exit status 1 when a claim was added or removed, or moved out of tolerance.",
    )
    parser.add_argument("old", metavar="A")
    parser.add_argument("new", metavar="B", nargs="?", default="baselines")
    parser.add_argument(
        "--folder", default="baselines", help="where the baselines lie in a revision"
    )
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.baselines.diff import diff

    report = diff(given.old, given.new, given.folder)
    print(report)
    return report.exit_status
