"""Checkpoints that stood in for models: in which tensors they differ, at the end of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.models.registry import find_model
from pytest_interp.plugin.options import MODELS

_SAID = pytest.StashKey[dict[tuple[str, str], tuple[str, ...]]]()
"""What was found of a model and its checkpoint: weights are compared once in a run."""


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the tensors that are not those of the model, a few lines for each checkpoint."""
    used = {
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "interp_model"
    }
    if lines := stand_in_lines(config, used):
        terminalreporter.section("interp checkpoints")
        for line in lines:
            terminalreporter.write_line(line)


def stand_in_lines(config: pytest.Config, used: Collection[str]) -> list[str]:
    """In which tensors the checkpoints of this run differ from the models they stand in for.

    Args:
        config: of the run.
        used: names of the models that a test ran on.
    """
    said = config.stash.setdefault(_SAID, {})
    lines: list[str] = []
    for model, checkpoint in config.stash[MODELS].settings.checkpoints.items():
        if model in used:
            pair = model, checkpoint.source
            if pair not in said:
                said[pair] = tuple(_lines(*pair))
            lines += said[pair]
    return lines


def _lines(model: str, source: str) -> Iterator[str]:
    from pytest_interp.models.tensors import compare_tensors

    try:
        found = compare_tensors(find_model(model).source, find_model(source).source)
    except InterpError as error:
        first = " ".join(str(error).split())
        yield f"{source} stands in for {model}; their weights were not compared: {first}"
        return
    head, *rest = found.lines()
    yield f"{source} stands in for {model}: {head}"
    yield from rest
