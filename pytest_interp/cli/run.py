"""``pytest-interp run``: one experiment by its config file, outside of pytest."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_interp.errors import SpecError

OVERRIDES = ("model", "device", "dtype", "seed")


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "run",
        help="run an experiment as a YAML file describes it",
        description="Runs the experiment, checks the claims and writes "
        "OUT/EXPERIMENT/TAG/{result.json, config.yaml, claims.yaml, figure.png}. Exit status 1 "
        "when a claim does not hold.",
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
    from pytest_interp.cli.bar import progress_bar
    from pytest_interp.cli.outputs import output_folder, write_outputs
    from pytest_interp.models import load_model
    from pytest_interp.specs.running import check_claims, run_experiment
    from pytest_interp.specs.schema import read_spec

    spec = read_spec(given.config, _changes(given))
    settings = spec.settings
    folder = output_folder(given.out, spec.experiment.name, given.tag, given.force)
    backend = settings.backends[0] if settings.backends else "auto"
    with progress_bar():
        adapter = load_model(settings.model, backend, settings.device, settings.dtype)
        result = run_experiment(spec, adapter)
    outcomes = list(check_claims(spec, result))
    made = result.provenance
    config = spec.resolved() | {"backends": [adapter.backend]}
    if made is not None:
        config |= {"device": made.device, "dtype": made.dtype}
        print(f"{spec.experiment.name} of {adapter.name} under {adapter.backend}", end=" ")
        print(f"({made.device}, {made.dtype})")
    print(_summary(result), end="")
    for outcome in outcomes:
        print(f"  {outcome.status}: {outcome.claim.text}")
        if outcome.message:
            print("    " + outcome.message.replace("\n", "\n    "))
    files = write_outputs(folder, result, config, outcomes)
    print(f"wrote {folder}/ ({', '.join(files)})")
    statuses = {outcome.status for outcome in outcomes}
    return 2 if "misstated" in statuses else int(bool(statuses - {"passed"}))


def _summary(result: Any) -> str:
    """The one finding of a result of this package; nothing for others."""
    if hasattr(result, "crossover_layer"):
        return f"  {result.crossover_layer.explain()[0]}\n"
    if getattr(result, "peak", None) is not None:
        peak = result.peak
        return f"  largest effect {peak.effect:.3f} at layer {peak.layer}, token {peak.token!r}\n"
    return ""


def _changes(given: argparse.Namespace) -> Callable[[dict[str, Any]], None]:
    """What the command line changes in the file's values."""

    def change(data: dict[str, Any]) -> None:
        named = data.setdefault("experiment", given.experiment)
        if named != given.experiment:
            raise SpecError(
                f"{given.config} describes the experiment {named!r}, not {given.experiment!r}: "
                f"write pytest-interp run {named} --config {given.config}"
            )
        for key in OVERRIDES:
            if getattr(given, key) is not None:
                data[key] = getattr(given, key)
        if given.backend is not None:
            data["backends"] = [given.backend]
        for setting in given.set:
            _set(data, setting)

    return change


def _set(data: dict[str, Any], setting: str) -> None:
    import yaml

    key, equals, text = setting.partition("=")
    *path, last = key.split(".")
    if not equals or not all([*path, last]):
        raise SpecError(f"cannot read --set {setting!r}: write KEY=VALUE, as inputs.site=mlp_out")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError(f"cannot read the value of --set {setting!r} as YAML: {error}") from error
    here: Any = data
    for part in path:
        here = here.setdefault(part, {}) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        raise SpecError(f"cannot --set {key!r}: {'.'.join(path)!r} is no mapping in the file")
    here[last] = value
