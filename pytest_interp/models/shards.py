"""The safetensors of a folder: which files they are, and opening them. Nothing else is opened.

A pickle can run code when it is opened. So files are told by their content: a pickle under the name
of a shard is no safetensors file, and is refused as a damaged one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

from pytest_interp.errors import DamagedWeightsError, NotAModelError
from pytest_interp.models.files import read_object

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def find_shards(folder: Path) -> list[Path]:
    """The files that hold the tensors of a folder, by its own word. Opens the index alone.

    Raises:
        NotAModelError: a file is missing, is no regular file or lies elsewhere, or the index is
            none.
    """
    if (folder / INDEX).exists() and not (folder / WEIGHTS).exists():
        shards = read_object(folder / INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise NotAModelError(f"{INDEX} has no weight_map: expected names of tensors to files")
        if wrong := [name for name in shards.values() if not _is_name(name)]:
            raise NotAModelError(
                f"{INDEX} names the file {wrong[0]!r}: expected the name of a file in the folder"
            )
        names = sorted(set(shards.values()))
    else:
        names = [WEIGHTS]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise NotAModelError(f"no {', '.join(missing)}{_pickles(folder)}")
    if outside := [name for name in names if not _lies_in(folder, folder / name)]:
        raise NotAModelError(
            f"{outside[0]} is a link to {(folder / outside[0]).resolve()}, which lies outside:"
            " copy the file into the folder, or give the folder in which it lies"
        )
    return [folder / name for name in names]


@contextlib.contextmanager
def opened(files: list[Path]) -> Iterator[dict[str, Any]]:
    """The tensors of all files by their names, as slices that read nothing before they are asked.

    Raises:
        DamagedWeightsError: a file is no safetensors file, or two hold one tensor.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        for file in files:
            try:
                shard = stack.enter_context(safe_open(file, framework="pt"))
                found = {name: shard.get_slice(name) for name in shard.keys()}  # noqa: SIM118
            except (SafetensorError, OSError) as error:
                raise DamagedWeightsError(
                    f"the safetensors in {file} cannot be read ({error}): {_diagnosis(file)}"
                ) from error
            if twice := sorted(found.keys() & tensors.keys()):
                raise DamagedWeightsError(
                    f"the tensor {twice[0]!r} is in {file} and in another of the files that {INDEX}"
                    " names: which one counts cannot be known. Save the model again."
                )
            tensors |= found
        yield tensors


def _is_name(name: object) -> bool:
    # Windows knows all the ways to write a path: with /, with \ and with a drive
    return isinstance(name, str) and name == PureWindowsPath(name).name and name not in ("", "..")


def _lies_in(folder: Path, file: Path) -> bool:
    home, target = folder.resolve(), file.resolve()
    if target.parent == home:
        return True
    # the cache of the hub: snapshots/<revision>/ holds links to files in blobs/
    return home.parent.name == "snapshots" and target.parent == home.parents[1] / "blobs"


def _pickles(folder: Path) -> str:
    pickles = sorted(file.name for file in folder.glob("*.bin"))
    return (
        f" (only {', '.join(pickles)}: a pickle can run code when it is opened, so only"
        " safetensors are read; save the model again with a current transformers)"
        if pickles
        else ""
    )


def _diagnosis(file: Path) -> str:
    with file.open("rb") as stream:
        start = stream.read(24)
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return (
            "it is a pickle, which can run code when it is opened, and was not. Save the model"
            " again as safetensors, with a current transformers."
        )
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer to the file, which git has not fetched. Run: git lfs pull"
    return "the file is cut off or overwritten. Copy or download it again."
