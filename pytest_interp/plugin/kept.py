"""What is kept for a test: the folder, the name and the model that its baselines go by."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_interp.plugin.options import MODELS, overrides
from pytest_interp.plugin.session import Target
from pytest_interp.plugin.targets import TARGET

if TYPE_CHECKING:
    from pytest_interp.baselines.claim import Claim

Writer = tuple[Path, str, str | None]
"""Folder, test and model of an entry that some test of this run may write."""
Owner = tuple[Path, str, Target | None]
"""Folder, test and target: what tells the baselines of one test from those of others."""


def baseline_root(config: pytest.Config) -> Path:
    """The folder of baselines."""
    return config.rootpath / str(config.getini("interp_baseline_dir"))


def shown(path: Path, config: pytest.Config) -> str:
    """A path as people read it: from rootdir where it lies there."""
    root = config.rootpath
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def owner_of(item: pytest.Item) -> Owner:
    """Whose baselines those of a test are."""
    return folder_of(item), name_of(item), target_of(item)


def folder_of(item: pytest.Item) -> Path:
    """The folder of one spec's baselines."""
    from pytest_interp.baselines.store import spec_folder

    return spec_folder(baseline_root(item.config), item.path, item.config.rootpath)


def is_inside(item: pytest.Item) -> bool:
    """Whether the spec lies below rootdir, so that a folder of baselines can mirror its path."""
    return item.path.resolve().is_relative_to(item.config.rootpath.resolve())


def target_of(item: pytest.Item) -> Target | None:
    """On what the test runs, if on a model at all."""
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get(TARGET) if callspec else None
    return target if isinstance(target, Target) else None


def claim_of(item: pytest.Item, writers: set[Writer]) -> Claim:
    """Whose results these are, where they are kept, and the commands that write them."""
    from pytest_interp.baselines.claim import Claim

    target = target_of(item)
    folder, test = folder_of(item), name_of(item)
    model = target.model if target else None
    reference = item.config.getini("interp_reference_backend")

    def command(option: str, under_reference: bool) -> str:
        file, colons, names = item.nodeid.partition("::")
        if under_reference and target is not None:
            names = names.replace(str(target), str(Target(target.model, reference)))
        # ids count from rootdir, the command line from the working folder
        file = os.path.relpath(item.config.rootpath / file, item.config.invocation_params.dir)
        parts = ["pytest", f"{file}{colons}{names}", option]
        if target is not None and target.backend and item.config.stash[MODELS].settings.backends:
            # the run is restricted to some backends, maybe not to this one
            backend = reference if under_reference else target.backend
            parts += ["--interp-backend", backend]
        return shlex.join([*parts, *_same_settings(item.config)])

    return Claim(
        folder=folder,
        test=test,
        model=model,
        backend=target.backend if target else None,
        written_elsewhere=(folder, test, model) in writers,
        command=command,
    )


def _same_settings(config: pytest.Config) -> list[str]:
    """What the command line says of where things lie and what the tests run on."""
    given = config.option
    parts: list[str] = []
    for option, value in (
        ("-c", given.inifilename),
        ("--rootdir", given.rootdir),
        ("--interp-device", given.interp_device),
        ("--interp-dtype", given.interp_dtype),
    ):
        parts += [option, str(value)] if value else []
    for option, values in (("-o", overrides(config)), ("--interp-model", given.interp_model)):
        parts += [part for value in values or () for part in (option, value)]
    return parts


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
