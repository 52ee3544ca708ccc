"""What ``--interp-model`` says: models for tests that name none, and checkpoints that stand in.

Nothing here imports pytest or torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_interp.adapters.backends import backend_names
from pytest_interp.errors import SpecError
from pytest_interp.models.registry import model_names

_LABEL = re.compile(r"\w+([.-]\w+)*", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """What stands in for a model: where its weights are, and the name of its own baselines."""

    source: str
    """A path, a hub id or a registered name."""
    label: str | None = None
    """Without it the checkpoint has no baselines of its own, and none can be written for it."""

    def __str__(self) -> str:
        return self.source + (f" (baselines: {self.label})" if self.label else "")


def parse_models(
    texts: Iterable[str], folder: Path
) -> tuple[tuple[str, ...], dict[str, Checkpoint]]:
    """Read ``NAME`` and ``NAME=PATH[:LABEL]``: the names, and the checkpoints by name.

    A checkpoint is a path, relative to ``folder``, or whatever else names a model.

    Raises:
        SpecError: a part is empty, a label cannot be used, or two checkpoints stand in for one
            model.
    """
    names: list[str] = []
    checkpoints: dict[str, Checkpoint] = {}
    for text in texts:
        name, equals, given = (part.strip() for part in text.partition("="))
        if not name or (equals and not given):
            raise SpecError(
                f"cannot read the model {text!r}: write NAME, or NAME=PATH to run the specs of "
                "NAME on another checkpoint, or NAME=PATH:LABEL to keep baselines for it"
            )
        if not equals:
            names.append(name)
            continue
        made = _checkpoint(given, folder, text)
        if (other := checkpoints.setdefault(name, made)) != made:
            raise SpecError(
                f"two checkpoints stand in for {name!r}: {other} and {made}. Give one of them, and "
                "run pytest once for each"
            )
    return tuple(dict.fromkeys(names)), checkpoints


def _checkpoint(given: str, folder: Path, text: str) -> Checkpoint:
    source, label = given, None
    # a colon may be a part of a path (C:\models) or of a name
    if not _is_known(given, folder):
        head, colon, tail = given.rpartition(":")
        if colon and (_is_known(head, folder) or _LABEL.fullmatch(tail)) and len(head) > 1:
            source, label = head, tail
    if label is not None and (not _LABEL.fullmatch(label) or label in backend_names()):
        raise SpecError(
            f"cannot read the label {label!r} of {text!r}: it is a part of file names, made of "
            "letters, digits and '_', with '-' and '.' between them, and not the name of a backend"
        )
    path = folder / Path(source).expanduser()
    return Checkpoint(str(path.resolve()) if path.exists() else source, label)


def _is_known(source: str, folder: Path) -> bool:
    return source in model_names() or (folder / Path(source).expanduser()).exists()
