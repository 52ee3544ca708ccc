"""``pytest-interp models``: which there are, getting one, and checking one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_interp.cli.loading import add_device_and_dtype
from pytest_interp.cli.table import table

if TYPE_CHECKING:
    from pytest_interp.models.check import Comparison

HELP = "list the models, get one, or check one under every backend"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION")
    text = "download or convert the weights now, so that later runs need no network"
    fetch = actions.add_parser("fetch", help=text)
    fetch.add_argument("name", help="a name, a hub id, a folder or a file")
    fetch.set_defaults(command=run_fetch)
    check = actions.add_parser(
        "check",
        help="check that a model is read and written at the right places, under every backend",
        description="Loads the model under every installed backend, compares all sites with plain "
        "torch hooks on the Hugging Face module, and checks what must hold of any model: sums, "
        "edits, batches, gradients. Exit status 1 when something does not hold.",
    )
    check.add_argument("name", help="a name, a hub id, a folder or a file")
    check.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the rows as JSON, or print them alone where no file is named",
    )
    _add_how_to_load(check)
    check.set_defaults(command=run_check)
    describe = actions.add_parser(
        "describe",
        help="draft the layout of an architecture that nobody has described, and prove it",
        description="Finds in one pass which modules are attention, MLP and the rest, prints code "
        "for register_layout, and checks the model with it. Exit status 1 when something does not "
        "hold or could not be found.",
    )
    describe.add_argument("name", help="a name, a hub id, a folder or a file")
    _add_how_to_load(describe)
    describe.set_defaults(command=run_describe)


def _add_how_to_load(parser: argparse.ArgumentParser) -> None:
    usual = "The capital of France is"
    text = f"what the model reads, three tokens or more; by default {usual!r}"
    parser.add_argument("--prompt", default=usual, help=text)
    add_device_and_dtype(parser)


def run(given: argparse.Namespace) -> int:
    """List the registered models, and how to get the weights that are missing.

    Hub ids (org/name) and folders work wherever a name does.
    """
    from pytest_interp.adapters.backends import installed_backends
    from pytest_interp.models import inventory

    found = inventory()
    backends = installed_backends()
    rows = [["model", "weights", "default backend", "source"]]
    for one in found:
        here = "here" if one.available else "missing"
        rows.append([one.name, here, one.default_backend, one.source])
    print(table(rows))
    print(f"\nbackends installed here: {', '.join(backends) or 'none'}; each takes every model")
    for one in found:
        if one.converted:
            print(f"{one.name} lies converted in {one.converted}")
    for one in found:
        if one.advice:
            print(f"\n{one.name}: {one.advice}")
    return 0


def run_fetch(given: argparse.Namespace) -> int:
    """Get the weights of one model."""
    from pytest_interp.models import load_weights
    from pytest_interp.progress import progress_bar

    with progress_bar():
        weights = load_weights(given.name, "cpu")
    print(f"{given.name} is here: {weights.source}, fingerprint {weights.fingerprint}")
    return 0


def run_check(given: argparse.Namespace) -> int:
    """Check one model."""
    from pytest_interp.adapters.backends import backend_names, check_backend, installed_backends
    from pytest_interp.models import load_weights
    from pytest_interp.models.check import check_model
    from pytest_interp.progress import progress_bar
    from pytest_interp.report.comparison.outputs import write

    backends = installed_backends() or (check_backend(backend_names()[0]),)
    with progress_bar():
        weights = load_weights(given.name, given.device, given.dtype)
        found = check_model(weights, backends, given.prompt)
    opened = list(found[0].differences)
    wrong = [one.name for one in found if not one.holds]
    holds = bool(opened) and not wrong
    if given.json:
        rows = [one.as_json() for one in found]
        about = {"model": str(given.name), "source": weights.source, "prompt": given.prompt}
        about |= {"fingerprint": weights.fingerprint, "backends": list(backends), "holds": holds}
        text = json.dumps(about | {"rows": rows}, indent=1) + "\n"
        if given.json == "-":
            print(text, end="")
            return 0 if holds else 1
        write(Path(given.json), text.encode())
    print_check(found, backends)
    if wrong:
        print(f"\n{given.name} does not pass: {', '.join(wrong)}")
    elif not opened:
        print(f"\n{given.name} was not checked: no backend here takes it")
    else:
        where = " and ".join(opened)
        print(f"\n{given.name} is the same under {where} as plain Hugging Face, and adds up")
    return 0 if holds else 1


def run_describe(given: argparse.Namespace) -> int:
    """Draft the layout of one model and prove it."""
    from pytest_interp.adapters import backends
    from pytest_interp.models import load_weights
    from pytest_interp.models.check import tokens_of
    from pytest_interp.models.draft import draft_layout, proved
    from pytest_interp.progress import progress_bar

    installed = backends.installed_backends()
    names = installed or (backends.check_backend(backends.backend_names()[0]),)
    with progress_bar():
        weights = load_weights(given.name, given.device, given.dtype)
        draft = draft_layout(weights, tokens_of(weights, given.prompt))
        found = proved(draft.layout, weights, names, given.prompt)
    print(draft.code())
    print()
    print_check(found, names)
    for what in draft.unknown:
        print(f"not found: {what}")
    wrong, opened = [one.name for one in found if not one.holds], found[0].differences
    if wrong:
        print(f"\nthe draft does not pass: {', '.join(wrong)}")
    elif not opened:
        print("\nthe draft was not checked: no backend here takes the model")
    elif draft.unknown:
        print("\nthe draft passes; what was not found, it does not have")
    else:
        print("\nthe draft is complete, and passes")
    return 1 if wrong or draft.unknown or not opened else 0


def print_check(found: Sequence[Comparison], backends: Sequence[str]) -> None:
    """The table of a check, then the reasons."""
    rows = [["property", *backends, "limit", ""]]
    for one in found:
        values = [
            f"{one.differences[name]:.1e}" if name in one.differences else "-" for name in backends
        ]
        limit = f"{'at least' if one.at_least else 'at most'} {one.limit:.1e}"
        rows.append([one.name, *values, limit, "FAIL" if one.status == "fail" else one.status])
    print(table(rows))
    for one in found:
        for name, why in one.not_applicable.items():
            others = len(set(one.not_applicable.values())) > 1 or len(one.not_applicable) == 1
            under = f" under {name}" if others and len(backends) > 1 else ""
            print(f"{one.name}: not applicable{under}: {why}")
            if not under:
                break
    for reason in (reason for one in found for reason in one.reasons):
        print(reason)
