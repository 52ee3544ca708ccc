"""What a result depends on, as one key.

A key holds the call with all its arguments (texts of facts, options, seeds), the model's files, the
backend, device and dtype, the versions of what computes, and the source of this package. Whatever
cannot be named in full has no key, and is then neither kept nor read.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest_interp
from pytest_interp.experiments.calls import Call
from pytest_interp.models.sources import PlantedSource, Source
from pytest_interp.provenance import run_seed, versions_here
from pytest_interp.store.codec import CannotBeKept, encode
from pytest_interp.store.settings import variables_here

_HOME = "pytest_interp."
_PACKAGE = Path(pytest_interp.__file__).parent
_SHOWS = {"baselines", "claims", "cli", "figures", "plugin", "report", "specs"}
"""Folders that read results and compute none: with a change there, results stay."""


def key_of(call: Call, model: Mapping[str, Any]) -> str | None:
    """The key of a call on this model; None where an argument has no exact form.

    It begins with :func:`model_key`, so that the results of a model are found by name.
    """
    experiment = f"{call.experiment.__module__}:{call.experiment.__name__}"
    if not experiment.startswith(_HOME):
        return None  # whoever wrote it may change it without a sign
    try:
        asked = {
            "experiment": experiment,
            "arguments": encode(call.given),
            "named": encode(dict(sorted(call.named.items()))),
            "seed": run_seed(),
            "backend": model.get("backend"),
        }
        return f"{model_key(model)}-{name_of(asked)}"
    except CannotBeKept:
        return None


def model_key(model: Mapping[str, Any]) -> str:
    """How the keys of all results of a model begin, under whatever backend.

    Raises:
        CannotBeKept: something that names it has no exact form.
    """
    named = {name: value for name, value in model.items() if name != "backend"}
    return name_of({"model": encode(named), "machine": encode(_machine()), "code": code_version()})


def name_of(asked: Mapping[str, Any]) -> str:
    """The key of what is asked, all of it as JSON."""
    text = json.dumps(asked, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def files_of(source: Source) -> Any:
    """What tells the files of a model from any others, without reading them; None if nothing does.

    Name, size, inode and two times of each: of the last change of its content, which a program can
    set back, and of the last change of any kind, which none can. A planted model has no files: it
    follows from the source of this package.
    """
    if type(source) is PlantedSource:
        return source.describe()
    folder = source.folder() if type(source).__module__.startswith(_HOME) else None
    if folder is None or not folder.is_dir():
        return None
    stats = {file: file.stat() for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        "source": source.describe(),
        "files": [
            [str(file.relative_to(folder)), s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns]
            for file, s in stats.items()
        ],
    }


@cache
def code_version() -> str:
    """A digest of those source files of this package that results depend on; 10 ms."""
    return _digest_of(lambda folder: folder not in _SHOWS)


@cache
def figures_version() -> str:
    """The same for what draws them."""
    return _digest_of(lambda folder: folder == "figures")


def _digest_of(is_among: Callable[[str], bool]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(_PACKAGE.rglob("*")):
        place = file.relative_to(_PACKAGE)
        if file.suffix in (".py", ".yaml") and is_among(place.parts[0]):
            digest.update(f"{place.as_posix()}\0".encode())
            digest.update(hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def _machine() -> dict[str, Any]:
    """Versions and hardware. Which device ``auto`` means is told by what torch would look at."""
    return {
        **versions_here(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "gpus": sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*")),
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
        **variables_here(),
    }
