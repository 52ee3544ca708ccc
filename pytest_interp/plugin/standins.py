"""Checkpoints that stood in for models: in which tensors they differ, at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.models.registry import find_model
from pytest_interp.plugin.options import MODELS


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the tensors that are not those of the model, a few lines for each checkpoint."""
    checkpoints = config.stash[MODELS].settings.checkpoints
    used = {
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "interp_model"
    }
    lines = [
        line
        for model, checkpoint in checkpoints.items()
        if model in used
        for line in _lines(model, checkpoint.source)
    ]
    if lines:
        terminalreporter.section("interp checkpoints")
        for line in lines:
            terminalreporter.write_line(line)


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
