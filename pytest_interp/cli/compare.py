"""``pytest-interp compare``: the same specs on two checkpoints, or on several."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_interp.errors import InterpError, SpecError

if TYPE_CHECKING:
    from pytest_interp.models.changes import TensorChanges
    from pytest_interp.report.run import RunRecord

HELP = "run the same specs on two checkpoints, and say which claims survive, break or drift"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    what = "checkpoints (folders, hub ids or names of models), the first is the reference; specs"
    parser.add_argument("given", metavar="MODEL_OR_SPEC", nargs="+", help=what)
    name = "the model's name in the specs (default: the first checkpoint, where that is a name)"
    parser.add_argument("--as", dest="name", metavar="NAME", help=name)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all numbers as JSON")
    parser.add_argument("--html", type=Path, metavar="PATH", help="write a page for a browser")
    figure = "write the claims over the checkpoints as a figure (.png, .svg or .pdf)"
    parser.add_argument("--figure", type=Path, metavar="PATH", help=figure)
    for option in ("backend", "device", "dtype"):
        parser.add_argument(f"--{option}", help=f"as --interp-{option} of pytest")


def run(given: argparse.Namespace) -> int:
    """Run the same specs on two checkpoints, or more, and say what became of each claim.

    Exit status 1 where a claim that held on the first does not hold on another; 2 where they
    cannot be compared.
    """
    from pytest_interp.cli.checkpoint_runs import run_specs
    from pytest_interp.report.comparison import outputs
    from pytest_interp.report.comparison.pairs import compare_runs

    models, specs = _sorted(given.given)
    name = _name(given.name, models)
    more = [
        part
        for option in ("backend", "device", "dtype")
        if (value := getattr(given, option)) is not None
        for part in (f"--interp-{option}", value)
    ]
    runs: list[RunRecord] = []
    for number, model in enumerate(models, start=1):
        print(f"specs of {name} on {model} ({number} of {len(models)}) ...", file=sys.stderr)
        runs.append(run_specs(name, model, specs, more))
    names = _short_names(models)
    found = [
        compare_runs(runs[0], other, (names[0], names[i]), _tensors(models[0], models[i]))
        for i, other in enumerate(runs[1:], start=1)
    ]
    print(outputs.as_text(names, runs, found))
    for path, make in (
        (given.json, outputs.as_json),
        (given.html, outputs.as_html),
        (given.figure, outputs.as_figure),
    ):
        if path is not None:
            outputs.write(path, make(names, runs, found, path.suffix))
    return int(any(one.is_worse for one in found))


def _sorted(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """The checkpoints, and the specs.

    Raises:
        SpecError: there are fewer than two checkpoints, or one is none.
    """
    from pytest_interp.models.registry import find_model, model_names

    models: list[str] = []
    specs: list[str] = []
    for text in given:
        path = Path(text.partition("::")[0]).expanduser()
        is_model = text in model_names() or not path.exists() or (path / "config.json").exists()
        (models if is_model else specs).append(text)
    if len(models) < 2:
        raise SpecError(
            f"two checkpoints are needed, and {', '.join(models) or 'none'} is given: a "
            "checkpoint is a name of a model, a hub id, or a folder with config.json. As in: "
            "pytest-interp compare smollm2-135m ./checkpoint specs/"
        )
    for model in models:
        find_model(model).source.check()
    return models, specs


def _name(given: str | None, models: Sequence[str]) -> str:
    from pytest_interp.models.registry import model_names

    if given is not None:
        return given
    if models[0] in model_names():
        return models[0]
    raise SpecError(
        f"the specs name their model, and {models[0]} is no such name: say which of their models "
        "the checkpoints stand in for, as in --as smollm2-135m"
    )


def _short_names(models: Sequence[str]) -> list[str]:
    """The last parts of paths, where these tell them apart."""
    short = [Path(model).name or model for model in models]
    return short if len(set(short)) == len(models) else list(models)


def _tensors(first: str, second: str) -> TensorChanges | None:
    from pytest_interp.models.registry import find_model
    from pytest_interp.models.tensors import compare_tensors

    try:
        return compare_tensors(find_model(first).source, find_model(second).source)
    except InterpError as error:
        print(f"the weights were not compared: {error}", file=sys.stderr)
        return None
