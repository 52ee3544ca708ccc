"""Experiments by name, each with a typed config, so that a YAML file can ask for one.

Two forms are taken. A class *is* its config and runs itself::

    @register_experiment("norm_profile")
    @dataclass
    class NormProfile:
        '''The length of the residual stream after every layer.'''

        prompt: str
        position: int = -1

        def run(self, adapter: ModelAdapter) -> NormResult: ...

A function takes its config as the second argument, annotated with a pydantic model or dataclass::

    @register_experiment("norm_profile")
    def norm_profile(adapter: ModelAdapter, config: NormConfig) -> NormResult: ...

Another package adds one by an entry point in the group ``pytest_interp.experiments`` that names
such a class or function. Importing this module imports no torch.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from pytest_interp.errors import InterpError, described
from pytest_interp.registry import Registry
from pytest_interp.results.base import Result

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from pytest_interp.adapters.base import ModelAdapter

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Experiment:
    """What an experiment's name stands for."""

    name: str
    config: type[Any]
    """A pydantic model or a dataclass."""
    function: Callable[[ModelAdapter, Any], Result]

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        documented = self.config if self.function is _run_itself else self.function
        return (inspect.getdoc(documented) or "").partition("\n")[0]

    @property
    def result_type(self) -> type[Any]:
        """What it says it returns; ``object`` when it does not say."""
        function = self.config.run if self.function is _run_itself else self.function
        try:
            found = _annotation(function, inspect.signature(function).return_annotation)
        except NameError:  # imported for type checkers alone
            return object
        return found if inspect.isclass(found) else object

    @cached_property
    def _validator(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        return TypeAdapter(self.config)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the config.

        Raises:
            InterpError: a field has a type that no file can hold.
        """
        from pydantic.errors import PydanticUserError

        try:
            return self._validator.json_schema()
        except (PydanticUserError, NameError) as error:
            raise InterpError(
                f"the config of the experiment {self.name!r} cannot be read from a file: "
                f"{str(error).partition(chr(10))[0]}"
            ) from error

    def configure(self, inputs: dict[str, Any]) -> Any:
        """The config made from plain values.

        Raises:
            pydantic.ValidationError: a value is missing or of the wrong type.
            InterpError: the config refuses its values, in whatever way.
        """
        # as JSON: a list is a tuple, but a text is no number (pydantic reads "0-3" as -3)
        as_json = json.dumps(inputs, default=str)
        try:
            return self._validator.validate_json(as_json, strict=True)
        except (InterpError, ValueError):
            raise
        except Exception as error:  # of code that others wrote
            raise InterpError(
                f"the config of the experiment {self.name!r} cannot be made of these inputs: "
                f"{described(error)}"
            ) from error

    def dump(self, config: Any) -> dict[str, Any]:
        """The config as plain values, defaults included."""
        made: dict[str, Any] = self._validator.dump_python(config, mode="json")
        return made

    def run(self, adapter: ModelAdapter, config: Any) -> Result:
        """Run it on a model."""
        return self.function(adapter, config)


def register_experiment(name: str, *, replace: bool = False) -> Callable[[T], T]:
    """Decorate a class or a function: from now on ``name`` asks for it.

    Raises:
        InterpError: the name is taken, or the object has no typed config.
    """

    def register(target: T) -> T:
        EXPERIMENTS.add(name, _experiment(name, target), replace=replace)
        return target

    return register


def _experiment(name: str, target: Any) -> Experiment:
    if inspect.isclass(target):
        if not _is_config(target) or not callable(getattr(target, "run", None)):
            raise InterpError(
                f"{target.__qualname__} cannot be the experiment {name!r}: it must be a dataclass "
                "or a pydantic model, whose fields are the config, with a method run(adapter)"
            )
        return Experiment(name, target, _run_itself)
    config = _second_annotation(target)
    if not _is_config(config):
        raise InterpError(
            f"{getattr(target, '__qualname__', target)!s} cannot be the experiment {name!r}: write "
            "def experiment(adapter: ModelAdapter, config: Config), where Config is a dataclass or "
            "a pydantic model"
        )
    return Experiment(name, config, target)


def _run_itself(adapter: ModelAdapter, config: Any) -> Result:
    result: Result = config.run(adapter)
    return result


def _second_annotation(function: Callable[..., Any]) -> Any:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 2:
        return None
    return _annotation(function, parameters[1].annotation)


def _annotation(function: Any, annotation: Any) -> Any:
    """One annotation, resolved: others may be imported for type checkers alone."""
    holder = type("_", (), {"__annotations__": {"it": annotation}})
    return get_type_hints(holder, globalns=getattr(function, "__globals__", None))["it"]


def _is_config(kind: Any) -> bool:
    return inspect.isclass(kind) and (is_dataclass(kind) or hasattr(kind, "model_fields"))


def _origin(experiment: Experiment) -> tuple[str, str]:
    function = experiment.function
    target = experiment.config if function is _run_itself else function
    return target.__module__, target.__qualname__


EXPERIMENTS: Registry[Experiment] = Registry(
    "experiment",
    built_in=["pytest_interp.experiments.configs"],
    accept=_experiment,
    origin=_origin,
)
