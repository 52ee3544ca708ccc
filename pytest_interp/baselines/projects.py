"""Whose a folder of baselines is: a record in the folder says so where the place does not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_interp.baselines.files import read_if_there, write_together
from pytest_interp.baselines.locks import one_writer
from pytest_interp.baselines.store import slots_below
from pytest_interp.errors import BaselineError

RECORD: Final = ".interp-owner"
"""The file that names the project. A path would name another place in every clone."""


def claim(root: Path, rootdir: Path, project: str) -> None:
    """Note whose a folder outside of rootdir is, before the first entry is written in it.

    A folder below rootdir needs no record. A folder that held entries already may hold those of
    others: its record names nobody.

    Args:
        root: the folder of all baselines.
        rootdir: pytest's root of the project.
        project: the project's name, as ``interp_baseline_owner`` in its ini file; maybe empty.

    Raises:
        BaselineError: the folder belongs to another project.
    """
    owner = _owner(root)
    if owner is None and not _is_inside(root, rootdir):
        with one_writer(root):
            if (owner := _owner(root)) is None:
                owner = "" if slots_below(root) else project
                write_together({root / RECORD: f"{owner}\n".encode()})
    if owner and owner != project:
        raise BaselineError(
            f"nothing is written in {root}: it belongs to the project {owner!r} ({RECORD} in it), "
            f"and this one {_named(project)}. Set another folder with interp_baseline_dir; or, "
            f"where they are the same, interp_baseline_owner = {owner} in the ini file"
        )


def foreign(root: Path, rootdir: Path, project: str) -> str | None:
    """Why entries in a folder may be those of another project; None where they cannot."""
    owner = _owner(root)
    if owner is None and _is_inside(root, rootdir):
        return None
    if owner and owner == project:
        return None
    whose = f"belongs to the project {owner!r}" if owner else "names no project that it belongs to"
    return (
        f"{root} {whose} ({RECORD} in it), and this project {_named(project)}. Where all of its "
        "entries are this project's, write one name in that file and as interp_baseline_owner in "
        "the ini file"
    )


def _owner(root: Path) -> str | None:
    content = read_if_there(root / RECORD)
    return None if content is None else content.decode(errors="replace").strip()


def _is_inside(root: Path, rootdir: Path) -> bool:
    return root.resolve().is_relative_to(rootdir.resolve())


def _named(project: str) -> str:
    return f"is {project!r}" if project else "has no name"
