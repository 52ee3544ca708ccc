"""``pytest-interp run``: one experiment by its config file, outside of pytest."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pytest_interp.documents import Document, parse_value
from pytest_interp.errors import SpecError
from pytest_interp.results.base import Result

OVERRIDES = ("model", "device", "dtype", "seed")


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "run",
        help="run an experiment as a YAML file describes it",
        description="Runs the experiment, checks the claims and writes "
        "OUT/EXPERIMENT/TAG/{result.json, config.yaml, claims.yaml, figure.png}. Exit status 1 "
        "when a claim does not hold, 2 when one cannot be checked.",
    )
    parser.add_argument("experiment", help="its name, as logit_lens or causal_trace")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a spec file")
    parser.add_argument("--model", help="in place of the file's")
    parser.add_argument("--backend", help="in place of the first of the file's")
    parser.add_argument("--device", help="cuda, mps or cpu; by default the first there is")
    parser.add_argument("--dtype", help="by default bfloat16 on cuda and float32 elsewhere")
    parser.add_argument("--seed", type=int, help="in place of the file's")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the file, as inputs.site=mlp_out; the value is read as YAML",
    )
    parser.add_argument("--tag", help="name of the run's folder; by default the time")
    parser.add_argument("--out", type=Path, default=Path("outputs"), metavar="FOLDER")
    parser.add_argument("--force", action="store_true", help="replace a run with the same tag")
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.cli.outputs import files_of, open_outputs
    from pytest_interp.models import load_model
    from pytest_interp.progress import progress_bar
    from pytest_interp.specs.running import check_claims, run_experiment
    from pytest_interp.specs.schema import read_spec

    spec = read_spec(given.config, _changes(given))
    settings = spec.settings
    backend = settings.backends[0] if settings.backends else "auto"
    with open_outputs(given.out, spec.experiment.name, given.tag, given.force) as outputs:
        with progress_bar():
            adapter = load_model(settings.model, backend, settings.device, settings.dtype)
            result = run_experiment(spec, adapter)
        outcomes = list(check_claims(spec, result))
        config = spec.resolved() | {"backends": [adapter.backend]}
        if result.provenance is not None:
            config |= {"device": result.provenance.device, "dtype": result.provenance.dtype}
        _report(f"{spec.experiment.name} of {adapter.name} under {adapter.backend}", result)
        for outcome in outcomes:
            print(f"  {outcome.status}: {outcome.claim.text}")
            if outcome.message:
                print("    " + outcome.message.replace("\n", "\n    "))
        files = files_of(result, config, outcomes)
        outputs.write(files)
    print(f"wrote {outputs.folder}/ ({', '.join(files)})")
    statuses = {outcome.status for outcome in outcomes}
    return 2 if statuses & {"misstated", "error"} else int(bool(statuses - {"passed"}))


def _report(title: str, result: Result) -> None:
    made = result.provenance
    print(title if made is None else f"{title} ({made.device}, {made.dtype})")
    if told := result.summary():
        print(f"  {told}")


def _changes(given: argparse.Namespace) -> Callable[[Document], None]:
    """What the command line changes in the file's values."""

    def change(document: Document) -> None:
        for key in OVERRIDES:
            if getattr(given, key) is not None:
                document.put((key,), getattr(given, key), f"--{key}")
        if given.backend is not None:
            document.put(("backends",), [given.backend], "--backend")
        for setting in given.set:
            _set(document, setting)
        named = document.data.setdefault("experiment", given.experiment)
        if named != given.experiment:
            raise document.error(
                ("experiment",),
                f"this is the experiment {named!r}, not {given.experiment!r}: write "
                f"pytest-interp run {named} --config {given.config}",
            )

    return change


def _set(document: Document, setting: str) -> None:
    key, equals, text = setting.partition("=")
    path = tuple(key.split("."))
    if not equals or not all(path):
        raise SpecError(f"cannot read --set {setting!r}: write KEY=VALUE, as inputs.site=mlp_out")
    origin = f"--set {key}"
    document.put(path, parse_value(text, origin), origin)
