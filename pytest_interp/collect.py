"""Spec files as pytest modules: one ordinary test function a claim, one for the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import pytest
from _pytest._code.code import ExceptionInfo, ReprFileLocation

from pytest_interp.errors import InterpError, SpecError

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.results import Result
    from pytest_interp.specs.schema import Spec

LINE = "__interp_line__"
"""Attribute of a test function: the line of the spec file that it stands for."""


class SpecModule(pytest.Module):
    """A spec file, collected as if it were a module of tests.

    Its functions ask for the fixtures ``adapter`` and ``baseline`` as any test does, so marks,
    ``-k``, parametrization over backends, xdist and overriding fixtures work as everywhere. A
    file that cannot be used becomes one failing test: it stops nothing else.
    """

    def _getobj(self) -> ModuleType:
        from pytest_interp.specs.schema import read_spec

        module = ModuleType(self.path.name)
        module.__file__ = str(self.path)
        try:
            spec = read_spec(self.path)
            module.__dict__["pytestmark"] = _marks(spec)
            tests = dict(_tests(spec))
        except SpecError as error:
            tests = {"spec": (_refuse(error), 1)}
        for name, (function, line) in tests.items():
            module.__dict__[name] = _as_test(function, name, str(self.path), line)
        return module


def failure_text(item: pytest.Item, error: ExceptionInfo[BaseException]) -> Any:
    """The message of a failed claim without a traceback; None for any other error."""
    expected = (AssertionError, InterpError, pytest.fail.Exception)
    if not isinstance(item.parent, SpecModule) or not isinstance(error.value, expected):
        return None
    text = error.getrepr(style="value", chain=False)
    line = getattr(getattr(item, "function", None), LINE, 1)
    text.reprcrash = ReprFileLocation(str(item.path), line, str(error.value))
    return text


def _marks(spec: Spec) -> list[Any]:
    settings = spec.settings
    backends = {"backends": settings.backends} if settings.backends else {}
    marks: list[Any] = [pytest.mark.interp(model=settings.model, **backends)]
    marks += [pytest.mark.usefixtures(*settings.fixtures)] if settings.fixtures else []
    for index, name in enumerate(settings.marks):
        try:
            marks.append(getattr(pytest.mark, name))
        except (pytest.fail.Exception, AttributeError) as error:
            raise spec.document.error(("marks", index), f"unknown mark {name!r}: {error}") from None
    return marks


def _tests(spec: Spec) -> Iterator[tuple[str, tuple[Callable[..., None], int]]]:
    """Name, function and line of every test of a spec."""
    results: WeakKeyDictionary[ModelAdapter, Result] = WeakKeyDictionary()

    def result_of(adapter: ModelAdapter) -> Result:
        from pytest_interp.specs.running import run_experiment

        if adapter not in results:
            results[adapter] = run_experiment(spec, adapter)
        return results[adapter]

    seen: Counter[str] = Counter()
    for claim in spec.claims:
        name = claim.name.replace(".", "_")  # pytest -v would show a dot as ::
        seen[name] += 1
        numbered = name if seen[name] == 1 else f"{name}_{seen[name]}"
        yield numbered, (_claim_test(claim.check, result_of), claim.line)
    if spec.settings.baseline:
        yield "baseline", (_baseline_test(result_of), spec.document.line(("baseline",)))


def _claim_test(
    check: Callable[[Any], None], result_of: Callable[[Any], Any]
) -> Callable[..., None]:
    def test(adapter: ModelAdapter) -> None:
        check(result_of(adapter))

    return test


def _baseline_test(result_of: Callable[[Any], Any]) -> Callable[..., None]:
    def test(adapter: ModelAdapter, baseline: Any) -> None:
        baseline.check(result_of(adapter))

    return test


def _refuse(error: SpecError) -> Callable[..., None]:
    def test() -> None:
        raise error

    return test


def _as_test(function: Callable[..., None], name: str, path: str, line: int) -> FunctionType:
    """The function as a test of this name, which pytest believes to stand in the spec file."""
    test = cast(FunctionType, function)
    test.__name__ = test.__qualname__ = name
    test.__code__ = test.__code__.replace(co_filename=path, co_firstlineno=line, co_name=name)
    test.__dict__.update({"__test__": True, LINE: line})
    return test
