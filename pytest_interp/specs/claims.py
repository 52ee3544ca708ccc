"""Claims as spec files write them: a registered claim, or a bound on one number.

    - fact_localized: {site: resid_post@subject, layer_range: [0, 22]}
    - crossover_layer: {at_most: 29}

The first kind calls a registered claim, whose arguments after the result are the keys. The second
kind names an attribute of the result, dots included (``peak.layer``).
"""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, Unpack, get_args, get_origin, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, create_model

from pytest_interp.claims.registry import CLAIMS
from pytest_interp.claims.verdict import Verdict, conclude, hearing
from pytest_interp.documents import Document, Location, shown
from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive, InterpError, described
from pytest_interp.experiments.registry import Experiment
from pytest_interp.results.base import Result
from pytest_interp.specs.bounds import Bound, attributes_of, check_bound
from pytest_interp.validation import nearest, validated


@dataclass(frozen=True)
class Claim:
    """One claim of a spec file, ready to be checked."""

    name: str
    text: str
    """As the file has it."""
    place: str
    """File and line, or what put it there."""
    line: int
    function: Callable[..., Any]
    arguments: Mapping[str, Any]

    def check(self, result: Result) -> None:
        """Raise unless the claim holds of the result.

        Raises:
            ClaimFailed, ClaimInconclusive: it does not hold, or cannot be decided; the message
                begins with what happened; then come file, line and the claim.
            InterpError: the claim does not fit the result; the message begins with file and line.
        """
        here = f"{self.place}: {self.text}"
        try:
            self._call(result)
        except InterpError as error:
            raise type(error)(f"{here}\n{error}") from None
        except AssertionError as error:
            ours = isinstance(error, ClaimFailed | ClaimInconclusive)
            kind = type(error) if ours else ClaimFailed
            said = str(error) if ours else f"failed: {_asserted(error, self.function)}"
            headline, *rest = said.split("\n")
            raise kind("\n".join([headline, here, *rest])) from None

    def _call(self, result: Result) -> None:
        heard: list[Verdict] = []
        with hearing(heard.append):
            said = self.function(result, **self.arguments)
            if isinstance(said, Verdict):
                if all(said is not verdict for verdict in heard):
                    conclude(said)
                return
        if said is not None:
            raise ClaimError(_no_verdict(self.name, said))
        if not heard and not __debug__:
            raise ClaimError(
                f"the claim {self.name!r} returned no verdict, and python -O leaves out plain "
                "asserts: run Python without -O, or return a Verdict"
            )


def make_claim(document: Document, index: int, experiment: Experiment) -> Claim:
    """The claim at this index of the list; a SpecError where it cannot be read."""
    entry = document.data["claims"][index]
    if len(entry) != 1:
        raise document.error(
            ("claims", index),
            f"a claim is one key with its arguments, got {len(entry)}: {list(entry)}: begin each "
            "claim with '- ', and indent its arguments further than its name",
        )
    ((name, arguments),) = entry.items()
    here = ("claims", index, name)
    text = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=1000).strip()[1:-1]
    if not isinstance(arguments, dict):
        said = f"the arguments of {name!r} are a mapping, as in {name}: {{...}}; got {arguments!r}"
        raise document.error(here, said)
    if name in CLAIMS:
        try:
            function = CLAIMS.find(name)
            model = arguments_of(function)
        except InterpError as error:
            raise document.error(here, str(error)) from error
    else:
        _check_attribute(document, here, experiment)
        function, model = check_bound, Bound
    if "layer_range" in model.model_fields:
        _check_layers(document, here, arguments)
    # as JSON: a list is a tuple, but a text is no number (pydantic reads "0-3" as -3)
    as_json, schema = json.dumps(arguments, default=str), model.model_json_schema()
    made = validated(
        document, here, schema, lambda: model.model_validate_json(as_json, strict=True)
    )
    given: dict[str, Any] = {"attribute": name, "bound": made}
    if function is not check_bound:
        given = {key: _read(getattr(made, key)) for key in made.model_fields_set}
    return Claim(name, text, document.place(here), document.line(here), function, given)


def _check_layers(document: Document, here: Location, arguments: dict[str, Any]) -> None:
    """Refuse a wrong layer range, in words for layers rather than for lists."""
    given = arguments.get("layer_range", 0)
    ends = given if isinstance(given, list) and len(given) == 2 else [given, given]
    said = ""
    if not all(type(end) is int for end in ends):
        said = "none: give a layer, or the first and the last, both included, as [0, 22]"
    elif ends[0] > ends[1]:
        said = "empty: give the first and the last layer, both included, in this order"
    if said:
        raise document.error((*here, "layer_range"), f"layer_range {given!r} is {said}")


def _check_attribute(document: Document, here: Location, experiment: Experiment) -> None:
    name, attributes = str(here[-1]), sorted(attributes_of(experiment.result_type))
    first = name.partition(".")[0]
    if attributes and first not in attributes:
        claims = [name for name, claim in CLAIMS.all().items() if _reads(claim, experiment)]
        near = nearest(first, [*sorted(claims), *attributes])
        said = f"there is no claim {name!r} about the result of {experiment.name}: {near}"
        raise document.error(here, said)


def _reads(claim: Callable[..., Any], experiment: Experiment) -> bool:
    """Whether a claim may be about the result of an experiment, by the type of what it takes."""
    function = inspect.unwrap(claim)
    try:
        takes = get_type_hints(function).get(next(iter(inspect.signature(function).parameters)))
    except Exception:  # annotations that others wrote, of names that are nowhere
        return True
    kinds = [kind for kind in get_args(takes) or (takes,) if isinstance(kind, type)]
    result = experiment.result_type
    return not (kinds and isinstance(result, type)) or issubclass(result, tuple(kinds))


def _asserted(error: AssertionError, function: Callable[..., Any]) -> str:
    """What an assert in a claim says, or its own line; and its place in the claim's file."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    frame = (own or frames)[-1]
    return f"{str(error).strip() or frame.line}\n  at {shown(Path(frame.filename))}:{frame.lineno}"


def _no_verdict(name: str, said: object) -> str:
    change = "write assert in front of what must hold, or return a Verdict as every check_* does"
    if inspect.iscoroutine(said):
        said.close()  # else Python warns that nobody waited for it
        change = "write def in place of async def"
    elif inspect.isgenerator(said):
        change = "write a function without yield"
    return f"the claim {name!r} returned a {type(said).__name__}, which says nothing: {change}"


def _read(value: Any) -> Any:
    """A value to be used for every result: pydantic makes of an ``Iterable`` what is read once."""
    return tuple(value) if isinstance(value, Iterator) else value


@cache
def arguments_of(function: Callable[..., Any]) -> type[BaseModel]:
    """The arguments of a claim after the result, as a pydantic model."""
    try:
        hints = get_type_hints(function)
    except Exception as error:  # of code that others wrote
        raise ClaimError(
            f"the arguments of {function.__name__} cannot be read: {described(error)}. Import at "
            "run time what its annotations name"
        ) from error
    keys: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        hint = hints.get(parameter.name, Any)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            if get_origin(hint) is Unpack:
                terms = get_type_hints(get_args(hint)[0])
                keys.update({name: (kind, None) for name, kind in terms.items()})
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        keys[parameter.name] = (_plain(hint), default)
    keys.pop("controls", None)  # measured by an experiment, not written in a file
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    made: type[BaseModel] = create_model(function.__name__, __config__=config, **keys)
    made.__doc__ = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return made


def _plain(annotation: Any) -> Any:
    """The annotation without ``range``, which YAML cannot write."""
    if get_origin(annotation) in (Union, UnionType) and range in get_args(annotation):
        return Union[tuple(kind for kind in get_args(annotation) if kind is not range)]  # noqa: UP007
    return annotation
