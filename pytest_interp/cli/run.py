"""``pytest-interp run``: one experiment by its config file, outside of pytest."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from pytest_interp.adapters.backends import check_backend
from pytest_interp.cli.loading import add_device_and_dtype
from pytest_interp.documents import Document, parse_value
from pytest_interp.errors import SpecError
from pytest_interp.models.registry import choose_backend, find_model
from pytest_interp.plugin.asked import AUTO, RunOptions, Target
from pytest_interp.plugin.session import Models
from pytest_interp.store.mode import MODES, mode_of

if TYPE_CHECKING:
    from pytest_interp.specs.schema import Spec

OVERRIDES = ("model", "device", "dtype", "seed")

HELP = "run an experiment as a YAML file describes it"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    text = "its name, as logit_lens; by default the one that the file names"
    parser.add_argument("experiment", nargs="?", help=text)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a spec file")
    parser.add_argument("--model", help="in place of the first of the file's")
    parser.add_argument("--backend", help="in place of the first of the file's")
    add_device_and_dtype(parser)
    parser.add_argument("--seed", type=int, help="in place of the file's")
    text = "memory that passes may take, as 4GB; by default what is free decides"
    parser.add_argument("--memory", metavar="BYTES", help=text)
    text = "compute an experiment on a set of facts on a Ray cluster: HOST:PORT, or auto"
    parser.add_argument("--ray", nargs="?", const="auto", metavar="ADDRESS", help=text)
    text = (
        "results kept on disk: on reads and writes them, refresh computes and writes, off does "
        "neither; by default on, but off where CI is set"
    )
    parser.add_argument("--cache", choices=MODES, help=text)
    text = "change a key of the file, as inputs.site=mlp_out; the value is read as YAML"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)
    parser.add_argument("--tag", help="name of the run's folder; by default the time")
    text = "where the runs' folders lie; by default outputs"
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="FOLDER", help=text)
    parser.add_argument("--force", action="store_true", help="replace a run with the same tag")


def run(given: argparse.Namespace) -> int:
    """Run the experiment, check the claims and write the outputs.

    They are OUT/EXPERIMENT/TAG/{result.json, config.yaml, claims.yaml, figure.png}, and texts.txt
    where a result shows texts. Exit status 1 when a claim does not hold, 2 when one cannot be
    checked.
    """
    from pytest_interp.cli.outputs import files_of, open_folder, output_folder
    from pytest_interp.memory import memory_limited
    from pytest_interp.plugin.specs import folders_of
    from pytest_interp.progress import progress_bar
    from pytest_interp.specs.running import check_claims, run_experiment
    from pytest_interp.specs.schema import read_spec

    spec = read_spec(given.config, _changes(given), folders_of(given.project))
    settings = spec.settings
    models = Models(RunOptions())
    folder = output_folder(given.out, spec.experiment.name, given.tag, given.force)
    with open_folder(folder, given.force) as write:
        with (
            progress_bar(),
            memory_limited(given.memory),
            _cluster(given),
            models.keeping(mode_of(given.cache)) as kept,
        ):
            asked, backend = (settings.device, settings.dtype, settings.remote), _backend(spec)
            target = Target(spec.models[0], backend, *asked)
            adapter = models.target_adapter(models.target_weights(target), backend, target.remote)
            result = run_experiment(spec, adapter)
        outcomes = list(check_claims(spec, result))
        config = spec.resolved() | {"model": spec.models[0], "backends": [adapter.backend]}
        title = f"{spec.experiment.name} of {adapter.name} under {adapter.backend}"
        if (made := result.provenance) is not None:
            config |= {"device": made.device, "dtype": made.dtype}
            title += f" ({made.device}, {made.dtype})"
        print(title)
        if kept is not None and kept.read:
            print(f"  {kept.said('--cache')}")
        if summary := result.summary():
            print(f"  {summary}")
        if texts := result.texts():
            print(indent(texts, "  "))
        for outcome in outcomes:
            print(f"  {outcome.status}: {outcome.claim.text}")
            if outcome.message:
                print(indent(outcome.message, "    "))
        files = files_of(result, config, outcomes)
        write(files)
    print(f"wrote {folder}/ ({', '.join(files)})")
    statuses = {outcome.status for outcome in outcomes}
    return 2 if statuses & {"misstated", "error"} else int(bool(statuses - {"passed"}))


def _backend(spec: Spec) -> str:
    """The first backend of the file, which has to be installed, or else the model's own."""
    if spec.settings.backends and spec.settings.backends[0] != AUTO:
        return check_backend(spec.settings.backends[0])
    remote = spec.settings.remote or find_model(spec.models[0]).remote
    return "nnsight" if remote else choose_backend(spec.models[0])


def _cluster(given: argparse.Namespace) -> AbstractContextManager[None]:
    """The cluster that was asked for, inside this block."""
    if given.ray is None:
        return nullcontext()
    from pytest_interp.cluster.using import on_cluster
    from pytest_interp.plugin.cluster import extensions_of

    return on_cluster(given.ray, extensions_of(given.project))


def _changes(given: argparse.Namespace) -> Callable[[Document], None]:
    """What the command line changes in the file's values."""

    def change(document: Document) -> None:
        for key in OVERRIDES:
            if getattr(given, key) is not None:
                document.put((key,), getattr(given, key), f"--{key}")
        if given.backend is not None:
            document.put(("backends",), [given.backend], "--backend")
        for setting in given.set:
            key, equals, text = setting.partition("=")
            path = tuple(key.split("."))
            if not equals or not all(path):
                raise SpecError(
                    f"cannot read --set {setting!r}: write KEY=VALUE, as inputs.site=mlp_out"
                )
            origin = f"--set {key}"
            document.put(path, parse_value(text, origin), origin)
        if given.experiment is None:
            return
        named = document.data.setdefault("experiment", given.experiment)
        if named != given.experiment:
            raise document.error(
                ("experiment",),
                f"this is the experiment {named!r}, not {given.experiment!r}: write "
                f"pytest-interp run {named} --config {given.config}",
            )

    return change
