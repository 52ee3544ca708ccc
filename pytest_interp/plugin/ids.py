"""Node ids of tests on models, taken apart: they are all that the controller of xdist knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_interp.adapters.backends import backend_names
from pytest_interp.models.registry import model_names
from pytest_interp.plugin.specs import is_spec_file


@dataclass(frozen=True)
class IdParts:
    """What the id of a spec's test says."""

    spec: str
    """The file, below rootdir."""
    name: str
    """Classes, function and parameters, without model and backend."""
    model: str | None = None
    backend: str | None = None


def id_reader() -> Callable[[str], IdParts | None]:
    """Takes ids apart by the models and backends that are registered now.

    It returns None for a test that is no spec, as far as its id tells.
    """
    models, backends = (
        "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        for names in (model_names(), backend_names())
    )
    # as in [France-smollm2-135m-nnsight] or, of a test that asks for the weights, [smollm2-135m]
    known = rf"(?:(.*?)-)??({models})(?:-({backends}))?(?:-(.*))?"
    other = rf"()(.+)-({backends})(?:-(.*))?"  # of a model that is not registered
    target = re.compile(rf"(.+?)\[(?:{known}|{other})\]", re.DOTALL)

    def read(nodeid: str) -> IdParts | None:
        file, _, names = nodeid.partition("::")
        found = target.fullmatch(names)
        if found is None:
            return IdParts(file, names.replace("::", ".")) if is_spec_file(Path(file)) else None
        head, *parts = found.groups()
        before, model, backend, after = parts[:4] if parts[1] else parts[4:]
        rest = "-".join(filter(None, (before, after)))
        name = head.replace("::", ".")
        return IdParts(file, f"{name}[{rest}]" if rest else name, model, backend)

    return read
