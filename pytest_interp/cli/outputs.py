"""The folder of one run: written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from pytest_interp.baselines.entry import Entry
from pytest_interp.errors import SpecError
from pytest_interp.results.base import Result
from pytest_interp.specs.running import Outcome

MAX_TAG = 60
"""Characters of a tag: file systems take 255 bytes, and a character may have four."""


def output_folder(root: Path, experiment: str, tag: str | None, force: bool) -> Path:
    """The folder of a run: ``root/experiment/tag``, the time in place of a missing tag.

    Raises:
        SpecError: the tag is no plain name, or the folder exists and is not to be replaced.
    """
    if tag is None:
        tag = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-%fZ")
    if not re.fullmatch(rf"\w[\w.-]{{0,{MAX_TAG - 1}}}", tag):
        shown = tag if len(tag) <= MAX_TAG else f"{tag[:MAX_TAG]}..."
        raise SpecError(
            f"the tag {shown!r} cannot name a folder: use up to {MAX_TAG} letters, digits, '_', "
            "'-' and '.', beginning with a letter or digit"
        )
    folder = root / experiment / tag
    if folder.exists() and not force:
        raise SpecError(f"{folder} exists already: give another --tag, or --force to replace it")
    return folder


@contextmanager
def open_folder(folder: Path, force: bool) -> Iterator[Callable[[Mapping[str, bytes]], None]]:
    """What writes files, by their names, into a folder: all of them or none.

    A place that cannot be written is found when the block begins, before the run costs anything.
    A block that writes nothing leaves nothing behind.

    Raises:
        SpecError: the files cannot be written. What was in the folder is left as it was.
    """
    made = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".run-"))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield partial(_write, folder, scratch, force)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # not empty: it is in use, by this run or by another
                parent.rmdir()


def _write(folder: Path, scratch: Path, force: bool, files: Mapping[str, bytes]) -> None:
    fresh, former = scratch / "fresh", scratch / "former"
    try:
        fresh.mkdir()
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        if force and folder.exists():
            folder.rename(former)
        try:
            os.rename(fresh, folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> SpecError:
    return SpecError(
        f"{folder} cannot be written ({error.strerror}): give another --out, or another --tag"
    )


def files_of(
    result: Result, config: Mapping[str, Any], outcomes: Sequence[Outcome]
) -> dict[str, bytes]:
    """The files of a run, by their names.

    ``result.json`` is laid out as a baseline is (numbers, tolerances, provenance); ``claims.yaml``
    holds the verdicts, ``texts.txt`` texts that are shown and not compared.

    Raises:
        BaselineError: the result holds undefined numbers.
    """
    from pytest_interp.figures import figure_of, picture

    files = {
        "result.json": Entry.of(result).dumps().encode(),
        "config.yaml": yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).encode(),
    }
    if texts := result.texts():
        files["texts.txt"] = f"{texts}\n".encode()
    if outcomes:
        # through JSON: YAML has no word for the numbers of numpy
        claims = json.loads(json.dumps([outcome.to_json() for outcome in outcomes]))
        files["claims.yaml"] = yaml.safe_dump(claims, sort_keys=False, allow_unicode=True).encode()
    verdicts = [outcome.verdict for outcome in outcomes if outcome.verdict is not None]
    figure = figure_of(result, [one for verdict in verdicts for one in verdict.ranges])
    if figure is not None:
        files["figure.png"] = picture(figure)
    return files
