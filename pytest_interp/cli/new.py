"""``pytest-interp new``: a starter spec in another repository."""

from __future__ import annotations

import argparse
import re
from importlib import resources
from pathlib import Path

from pytest_interp.errors import SpecError

HELP = "write a starter spec, here or in another folder"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="what the spec is about, as capitals")
    folder = Path("specs")
    parser.add_argument("folder", nargs="?", type=Path, default=folder, help="by default specs")
    text = "a Python test in place of a YAML file"
    parser.add_argument("--python", action="store_true", help=text)


def run(given: argparse.Namespace) -> int:
    """Write a spec about a planted model, which needs no download.

    It passes as it is: change it step by step into your own. No file is overwritten.
    """
    if not re.fullmatch(r"[A-Za-z]\w{0,59}", given.name):
        raise SpecError(
            f"the name {given.name!r} cannot name a spec: use up to 60 letters, digits and "
            "'_', beginning with a letter"
        )
    kind = "python" if given.python else "yaml"
    file = given.folder / (f"test_{given.name}.py" if given.python else f"{given.name}.interp.yaml")
    text = resources.files("pytest_interp.cli").joinpath(f"starter.{kind}.txt").read_text("utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(
            f"the folder {file.parent} cannot be made ({error.strerror}): choose another"
        ) from error
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise SpecError(f"{file} exists already: choose another name") from None
    print(f"wrote {file}. Run it:\n    pytest {file}")
    return 0
