"""The folder of one run: written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from pytest_interp.baselines.entry import Entry
from pytest_interp.errors import SpecError
from pytest_interp.results import Result
from pytest_interp.specs.running import Outcome


def output_folder(root: Path, experiment: str, tag: str | None, force: bool) -> Path:
    """Where a run's files will be: ``root/experiment/tag``, the time in place of a missing tag.

    Raises:
        SpecError: the tag is no plain name, or the folder is there already and not to be replaced.
    """
    if tag is None:
        tag = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-%fZ")
    if not re.fullmatch(r"\w[\w.-]*", tag):
        raise SpecError(
            f"the tag {tag!r} cannot name a folder: use letters, digits, '_', '-' and '.', "
            "beginning with a letter or digit"
        )
    folder = root / experiment / tag
    if folder.exists() and not force:
        raise SpecError(
            f"{folder} is there already: give another --tag, or --force to replace what is in it"
        )
    return folder


def write_outputs(
    folder: Path, result: Result, config: Mapping[str, Any], outcomes: Sequence[Outcome]
) -> list[str]:
    """Write the files of a run and return their names.

    ``result.json`` is laid out as a baseline is (numbers, tolerances, provenance); ``claims.yaml``
    holds the verdicts.

    Raises:
        BaselineError: the result holds undefined numbers.
    """
    from pytest_interp.figures import figure_of, picture

    files = {
        "result.json": Entry.of(result).dumps().encode(),
        "config.yaml": yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).encode(),
    }
    if outcomes:
        # through JSON: YAML has no word for the numbers of numpy
        claims = json.loads(json.dumps([outcome.to_json() for outcome in outcomes]))
        files["claims.yaml"] = yaml.safe_dump(claims, sort_keys=False, allow_unicode=True).encode()
    figure = figure_of(result)
    if figure is not None:
        files["figure.png"] = picture(figure)
    _put(folder, files)
    return list(files)


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        fresh, former = scratch / "fresh", scratch / "former"
        fresh.mkdir()
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        if folder.exists():
            folder.rename(former)
        os.rename(fresh, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
