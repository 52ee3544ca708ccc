"""Experiments by name, each with a typed config, so that a YAML file can ask for one.

An experiment is a class whose fields are its config, a dataclass or a pydantic model::

    @register_experiment("norm_profile")
    @dataclass
    class NormProfile:
        '''The length of the residual stream after every layer.'''

        prompt: str
        position: int = -1

        def run(self, adapter: ModelAdapter) -> NormResult: ...

Or it is a function of the adapter and of a config, which is annotated with such a class. Another
package names either by an entry point in the group ``pytest_interp.experiments``. No torch here.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from pytest_interp.errors import InterpError, described
from pytest_interp.registry import Registry
from pytest_interp.results.base import Result

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from pytest_interp.adapters.base import ModelAdapter

T = TypeVar("T", bound=Callable[..., Any])


@dataclass(frozen=True)
class Experiment:
    """An experiment and its config, under a name."""

    name: str
    config: type[Any]
    """A pydantic model or a dataclass."""
    target: Any
    """The class or function that was registered."""

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return (inspect.getdoc(self.target) or "").partition("\n")[0]

    @property
    def result_type(self) -> type[Any]:
        """The annotated type of its result; ``object`` where there is no annotation."""
        function = self.config.run if self.target is self.config else self.target
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
        return cast(dict[str, Any], self._validator.dump_python(config, mode="json"))

    def run(self, adapter: ModelAdapter, config: Any) -> Result:
        """Run it on a model."""
        by_itself = self.target is self.config
        return cast(Result, config.run(adapter) if by_itself else self.target(adapter, config))


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
    config: Any = target
    if inspect.isclass(target):
        usable = callable(getattr(target, "run", None))
        wanted = (
            "it must be a dataclass or a pydantic model, whose fields are the config, with a "
            "method run(adapter)"
        )
    else:
        parameters = list(inspect.signature(target).parameters.values())
        usable = len(parameters) == 2
        config = _annotation(target, parameters[1].annotation) if usable else None
        wanted = (
            "write def experiment(adapter: ModelAdapter, config: Config), where Config is a "
            "dataclass or a pydantic model"
        )
    typed = inspect.isclass(config) and (is_dataclass(config) or hasattr(config, "model_fields"))
    if not usable or not typed:
        called = getattr(target, "__qualname__", target)
        raise InterpError(f"{called!s} cannot be the experiment {name!r}: {wanted}")
    return Experiment(name, config, target)


def _annotation(function: Any, annotation: Any) -> Any:
    """One annotation, resolved: others may be imported for type checkers alone."""
    holder = type("_", (), {"__annotations__": {"it": annotation}})
    return get_type_hints(holder, globalns=getattr(function, "__globals__", None))["it"]


EXPERIMENTS: Registry[Experiment] = Registry(
    "experiment",
    built_in=[
        "pytest_interp.experiments.configs",
        "pytest_interp.experiments.labelled_configs",
        "pytest_interp.experiments.component_configs",
        "pytest_interp.experiments.circuit_configs",
        "pytest_interp.experiments.path_configs",
    ],
    accept=_experiment,
    origin=lambda experiment: (experiment.target.__module__, experiment.target.__qualname__),
)
