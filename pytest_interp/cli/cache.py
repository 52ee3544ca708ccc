"""``pytest-interp cache``: what is kept of earlier runs, and clearing it."""

from __future__ import annotations

import argparse

HELP = "show the results that are kept of earlier runs, or clear them"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--clear", action="store_true", help="drop all of them")


def run(given: argparse.Namespace) -> int:
    """Show where results of earlier runs are kept, and how much there is; or clear them."""
    from pytest_interp.memory import in_words
    from pytest_interp.store.files import VARIABLE, Store
    from pytest_interp.store.mode import is_off

    if is_off():
        print(f"no results are kept or read: {VARIABLE} is off")
        return 0
    store = Store.here()
    if given.clear:
        print(f"dropped {_files(store.clear())} from {store.folder}")
        return 0
    found = store.entries()
    size = sum(stat.st_size for _, stat in found)
    print(f"{_files(len(found))}, {in_words(size)} of at most {in_words(store.limit)}")
    print(f"in {store.folder}")
    return 0


def _files(number: int) -> str:
    """How many files, in words: a run keeps one for each result, figure and unfinished part."""
    return f"{number} {'file' if number == 1 else 'files'} of results"
