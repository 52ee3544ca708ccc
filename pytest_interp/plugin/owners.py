"""Which baselines belong to a test: their folder, and the names that they go by."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from pytest_interp.baselines.store import Owner, spec_folder
from pytest_interp.plugin.asked import Target
from pytest_interp.plugin.options import MODELS, overrides
from pytest_interp.plugin.targets import TARGET, target_of


def baseline_root(config: pytest.Config) -> Path:
    """The folder of baselines."""
    return config.rootpath / str(config.getini("interp_baseline_dir"))


def owner_of(item: pytest.Item) -> Owner:
    """The owner of a test's baselines."""
    target = target_of(item)
    folder = spec_folder(baseline_root(item.config), item.path, item.config.rootpath)
    model, backend = (target.model, target.backend) if target else (None, None)
    return Owner(folder, name_of(item), model, backend)


def is_inside(item: pytest.Item) -> bool:
    """Whether the spec lies below rootdir, so that a folder of baselines can mirror its path."""
    return item.path.resolve().is_relative_to(item.config.rootpath.resolve())


def command_of(item: pytest.Item, option: str = "", under_reference: bool = False) -> str:
    """The command that runs a test alone, with an option; maybe under the reference backend."""
    target, reference = target_of(item), item.config.getini("interp_reference_backend")
    file, colons, names = item.nodeid.partition("::")
    if under_reference and target is not None:
        names = names.replace(str(target), str(Target(target.model, reference)))
    # ids count from rootdir, the command line from the working folder
    file = os.path.relpath(item.config.rootpath / file, item.config.invocation_params.dir)
    parts = ["pytest", f"{file}{colons}{names}", *([option] if option else [])]
    if target is not None and target.backend and item.config.stash[MODELS].settings.backends:
        # the run is restricted to some backends, maybe not to this one
        parts += ["--interp-backend", reference if under_reference else target.backend]
    return shlex.join([*parts, *_same_settings(item.config, target)])


def _same_settings(config: pytest.Config, target: Target | None) -> list[str]:
    """What the command line says about places and about what the test runs on."""
    given = config.option
    asked = {
        "-c": [given.inifilename],
        "--rootdir": [given.rootdir],
        "--interp-device": [given.interp_device],
        "--interp-dtype": [given.interp_dtype],
        "--interp-memory": [given.interp_memory],
        "-o": overrides(config),
        "--interp-model": _models(config, target),
    }
    return option_pairs(asked)


def option_pairs(asked: Mapping[str, Iterable[object]]) -> list[str]:
    """Each option before each of its values."""
    pairs = ((option, str(value)) for option, values in asked.items() for value in values if value)
    return [part for pair in pairs for part in pair]


def _models(config: pytest.Config, target: Target | None) -> list[str]:
    """The models and checkpoints of the command line that concern a test."""
    given: list[str] = config.option.interp_model
    if target is None:
        return given
    return [text for text in given if text.partition("=")[0].strip() == target.model]


def name_of(item: pytest.Item) -> str:
    """Classes, function and parameters, without model and backend."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name = ".".join([*classes, getattr(item, "originalname", None) or item.name])
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return name
    target, rest = target_of(item), callspec.id
    if target is not None:
        padded = f"-{rest}-"
        if f"-{target}-" in padded:
            rest = padded.replace(f"-{target}-", "-", 1).strip("-")
        else:  # a parametrization of the user's, with ids of its own
            others = {k: v for k, v in callspec.indices.items() if k != TARGET}
            rest = "-".join(f"{key}{index}" for key, index in others.items())
    return f"{name}[{rest}]" if rest else name
