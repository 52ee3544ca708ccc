"""Spec files as pytest modules: one test function per claim, and one for the baseline."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

import pytest
from _pytest._code.code import ExceptionInfo, ReprExceptionInfo, ReprFileLocation

from pytest_interp.documents import shown
from pytest_interp.errors import InterpError, SpecError, described
from pytest_interp.plugin.options import MODELS
from pytest_interp.plugin.properties import record_result
from pytest_interp.plugin.specs import SUFFIX, folders_of

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.plugin.session import Models
    from pytest_interp.results.base import Result
    from pytest_interp.specs.schema import Spec

LINE = "__interp_line__"
"""Attribute of a test function: the line of the spec file that it stands for."""
_OF_A_MODULE = {*vars(ModuleType("")), "__file__", "pytestmark"}
_NO_PLAIN_MARKS = {
    "filterwarnings": "it needs an argument, and marks in a spec file have none",
    "interp": "the keys model, backends, device and dtype say what it would",
    "parametrize": "it needs arguments, and marks in a spec file have none",
    "skipif": "it needs a condition, and marks in a spec file have no arguments: use skip",
    "usefixtures": "write the fixtures under the key fixtures",
}
"""Marks that mean nothing without arguments, and what to do instead."""


class SpecModule(pytest.Module):
    """A spec file, collected as if it were a module of tests.

    Its functions ask for the fixtures ``adapter`` and ``baseline`` as any test does, so marks,
    ``-k``, parametrization over backends, xdist and overriding fixtures work as everywhere. A
    file that cannot be used becomes one failing test; all others run.
    """

    def _getobj(self) -> ModuleType:
        from pytest_interp.specs.schema import read_spec

        module = ModuleType(self.path.name)
        module.__file__ = str(self.path)
        marks: list[pytest.MarkDecorator] = []
        try:
            if not self.path.name.endswith(SUFFIX):
                name = re.sub(r"(?i)\.interp\.ya?ml$", SUFFIX, self.path.name)
                message = f"the name of a spec file ends in {SUFFIX}: rename it to {name}"
                raise SpecError(f"{shown(self.path)}:1: {message}")
            spec = read_spec(self.path, folders=folders_of(self.config))
            marks = _marks(spec)
            tests = list(_tests(spec, self.config.stash[MODELS]))
        except SpecError as error:
            tests = [("spec", _refuse(str(error)), 1)]
        except Exception as error:  # of code that others wrote: it must not end the whole run
            message = f"{shown(self.path)}:1: the spec cannot be read: {described(error)}"
            tests = [("spec", _refuse(message), 1)]
        module.__dict__["pytestmark"] = marks
        for name, function, line in tests:
            module.__dict__[name] = _as_test(function, name, str(self.path), line)
        return module


def failure_text(item: pytest.Item, error: ExceptionInfo[BaseException]) -> Any:
    """The message of a failed claim without a traceback; None for any other error."""
    expected = (AssertionError, InterpError, pytest.fail.Exception)
    if not isinstance(item.parent, SpecModule) or not isinstance(error.value, expected):
        return None
    line = getattr(getattr(item, "function", None), LINE, 1)
    place = ReprFileLocation(str(item.path), line, str(error.value))
    # not in a chain: a worker of xdist would send the place that the chain keeps
    return ReprExceptionInfo(error.getrepr(style="value", chain=False).reprtraceback, place)


def _marks(spec: Spec) -> list[pytest.MarkDecorator]:
    settings = spec.settings
    own = {"backends": settings.backends, "device": settings.device, "dtype": settings.dtype}
    own["remote"] = settings.remote
    given = {name: value for name, value in own.items() if value}
    marks = [pytest.mark.interp(model=spec.models, **given)]
    marks += [pytest.mark.usefixtures(*settings.fixtures)] if settings.fixtures else []
    for index, name in enumerate(settings.marks):
        place = ("marks", index)
        if reason := _NO_PLAIN_MARKS.get(name):
            message = f"the mark {name!r} cannot be given here: {reason}"
            raise spec.document.error(place, message)
        if not re.match(r"[^\W\d_]", name):  # pytest.mark has attributes of its own, as __class__
            message = f"{name!r} is no name of a mark: it begins with a letter"
            raise spec.document.error(place, message)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                marks.append(getattr(pytest.mark, name))
            for one in caught:  # pytest does not know the mark: its warning points at the spec file
                line = spec.document.line(place)
                warnings.warn_explicit(one.message, one.category, str(spec.path), line)
        except (pytest.fail.Exception, AttributeError, Warning) as error:
            raise spec.document.error(place, f"unknown mark {name!r}: {error}") from None
    return marks


def _tests(spec: Spec, models: Models) -> Iterator[tuple[str, Callable[..., None], int]]:
    """Name, function and line of every test of a spec; no name twice."""

    def run(adapter: ModelAdapter) -> Result:
        from pytest_interp.specs.running import run_experiment

        return run_experiment(spec, adapter)

    def result_of(adapter: ModelAdapter) -> Result:
        return models.once(run, adapter)

    used = {"spec", "baseline", *_OF_A_MODULE}
    for claim in spec.claims:
        wanted = re.sub(r"\W", "_", claim.name)  # pytest -v would show a dot as ::
        numbered = (wanted if n == 1 else f"{wanted}_{n}" for n in count(1))
        name = next(name for name in numbered if name not in used)
        used.add(name)
        yield name, _claim_test(claim.check, result_of), claim.line
    if spec.settings.baseline:

        def test(adapter: ModelAdapter, request: pytest.FixtureRequest, baseline: Any) -> None:
            result = result_of(adapter)
            record_result(request.node, result)
            baseline.check(result)

        yield "baseline", test, spec.document.line(("baseline",))


def _claim_test(
    check: Callable[[Any], None], result_of: Callable[[Any], Any]
) -> Callable[..., None]:
    def test(adapter: ModelAdapter, request: pytest.FixtureRequest) -> None:
        result = result_of(adapter)
        record_result(request.node, result)
        check(result)

    return test


def _refuse(message: str) -> Callable[..., None]:
    def test() -> None:
        # a new error: pytest shows the arguments of all frames that an error has come through
        raise SpecError(message)

    return test


def _as_test(function: Callable[..., None], name: str, path: str, line: int) -> FunctionType:
    """The function as a test of this name, at this line of the spec file."""
    test = cast(FunctionType, function)
    test.__name__ = test.__qualname__ = name
    test.__code__ = test.__code__.replace(co_filename=path, co_firstlineno=line, co_name=name)
    test.__dict__.update({"__test__": True, LINE: line})
    return test
