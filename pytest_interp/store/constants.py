"""Constants of a module that are no longer what its source says."""

from __future__ import annotations

import dis
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

_MISSING = object()
_SETS_GLOBALS = {dis.opmap["STORE_GLOBAL"], dis.opmap["DELETE_GLOBAL"]}


def replaced_constant(module: ModuleType) -> str | None:
    """The name of one constant that has another value now; None without any.

    Constants are the names that the module gives a literal once, and that no function sets.
    """
    here = vars(module)
    for name, value in _constants(module.__name__, module.__file__ or "").items():
        now = here.get(name, _MISSING)
        if now is not value and (type(now) is not type(value) or now != value):
            return name
    return None


@cache
def _constants(module: str, file: str) -> Mapping[str, Any]:
    """By the compiled module, which Python keeps beside the source: nothing is parsed or run."""
    # not by its own loader: pytest puts one that rewrites assertions in its place
    code = SourceFileLoader(module, file).get_code(module)
    if code is None:
        return {}
    found: dict[str, Any] = {}
    times: Counter[str] = Counter()
    before: dis.Instruction | None = None
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            times[step.argval] += 1
            if before is not None and before.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
                found[step.argval] = before.argval
        before = step
    times.update(_set_by_functions(code))
    return {
        name: value
        for name, value in found.items()
        if times[name] == 1 and not name.startswith("__") and not isinstance(value, CodeType)
    }


def _set_by_functions(code: CodeType) -> Iterator[str]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            # few functions do: the bytes of all are quick to look through, instructions are not
            if not _SETS_GLOBALS.isdisjoint(inner.co_code[::2]):
                for step in dis.get_instructions(inner):
                    if step.opcode in _SETS_GLOBALS:
                        yield step.argval
            yield from _set_by_functions(inner)
