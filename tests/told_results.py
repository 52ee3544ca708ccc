"""Results on labelled prompts, of a planted model that says what it was told."""

from __future__ import annotations

from functools import cache

from pytest_interp.adapters import Weights, open_adapter
from pytest_interp.experiments.directions import class_direction
from pytest_interp.experiments.probing import probe
from pytest_interp.experiments.projection import ablate_direction
from pytest_interp.experiments.steering import steer
from pytest_interp.experiments.trajectory import trajectories
from pytest_interp.planted import planted_told_model
from pytest_interp.results import Result

KINDS = ("probe", "steer", "ablate_direction", "trajectories")


@cache
def told_results(backend: str, doses: tuple[float, ...] = (-1.0, 1.0)) -> dict[str, Result]:
    """One result of each experiment, by its name."""
    model = planted_told_model("gpt2")
    weights = Weights("planted", model.module, model.tokenizer, "planted")
    adapter, prompts = open_adapter(weights, backend), model.prompts(48, seed=2)
    fitted, tried = prompts.split()
    direction = class_direction(adapter, fitted, 3)
    return {
        "probe": probe(adapter, prompts, shuffles=19, repeats=2),
        "steer": steer(adapter, tried, direction, doses=doses),
        "ablate_direction": ablate_direction(adapter, tried, direction),
        "trajectories": trajectories(adapter, prompts),
    }
