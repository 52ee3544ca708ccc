"""``pytest-interp models``: which there are, getting one, and checking one."""

from __future__ import annotations

import argparse

from pytest_interp.cli.table import table

HELP = "list the models, get one, or check one under every backend"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION")
    text = "download or convert the weights now, so that later runs need no network"
    fetch = actions.add_parser("fetch", help=text)
    fetch.add_argument("name")
    fetch.set_defaults(command=run_fetch)
    check = actions.add_parser(
        "check",
        help="compare every backend with the plain Hugging Face model, site by site",
        description="Loads the model under every installed backend and compares all sites with "
        "plain torch hooks on the Hugging Face module. Exit status 1 when something differs.",
    )
    check.add_argument("name")
    check.add_argument("--prompt", default="The capital of France is")
    check.add_argument("--device")
    check.add_argument("--dtype")
    check.set_defaults(command=run_check)


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
    """Compare the backends on one model."""
    from pytest_interp.adapters.backends import backend_names, check_backend, installed_backends
    from pytest_interp.models import load_weights
    from pytest_interp.models.check import check_model
    from pytest_interp.progress import progress_bar

    backends = installed_backends() or (check_backend(backend_names()[0]),)
    with progress_bar():
        weights = load_weights(given.name, given.device, given.dtype)
        found = check_model(weights, backends, given.prompt)
    rows = [["compared with the plain module", *backends, "at most", ""]]
    for one in found:
        values = [f"{value:.1e}" for value in one.differences.values()] or ["-"] * len(backends)
        limit = f"{'at least ' * one.at_least}{one.limit:.1e}"
        status = "not applicable" if one.not_applicable else "ok" if one.holds else "DIFFERS"
        rows.append([one.name, *values, limit, status])
    print(table(rows))
    for one in found:
        if one.not_applicable:
            print(f"{one.name}: {one.not_applicable}")
    if wrong := [one.name for one in found if not one.holds]:
        print(f"\n{given.name} is not the same under all backends: {', '.join(wrong)}")
    for reason in (reason for one in found for reason in one.reasons):
        print(reason)
    if wrong:
        return 1
    print(f"\n{given.name} is the same under {' and '.join(backends)} as plain Hugging Face")
    return 0
