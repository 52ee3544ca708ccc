"""What a test's report says of what it measured: properties, which JUnit files show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_interp.errors import SpecError
from pytest_interp.plugin.gathering import note_result
from pytest_interp.plugin.targets import target_of

if TYPE_CHECKING:
    from pytest_interp.results.base import Result


def as_json(value: object) -> str:
    """A value as JSON; numbers that JSON lacks, as NaN, are null."""
    plain = json.loads(json.dumps(value), parse_constant=lambda _: None)
    return json.dumps(plain, ensure_ascii=False)


def record_result(item: pytest.Item, result: Result) -> None:
    """Keep the main findings of a result, of a set those of each, with a test.

    Not by ``record_property``, which warns wherever JUnit files are written.

    Raises:
        SpecError: the result is of another model or backend than the test's id names.
    """
    target, made = target_of(item), getattr(result, "provenance", None)
    if target is not None and made is not None:
        found = (made.model, made.backend if target.backend else None)
        if found != (target.model, target.backend):
            raise SpecError(
                f"the test runs on {target}, but its result is of {made.model} under "
                f"{made.backend}: the fixture `adapter` or `model` in use gives another one. Let "
                "it follow interp_target, or take the mark interp away, so that the id names none"
            )
    note_result(item, result)
    item.user_properties.extend(_properties(result))


def _properties(result: Any) -> Iterator[tuple[str, str]]:
    from pytest_interp.results.sets import ResultSet

    for one in result if isinstance(result, ResultSet) else [result]:
        if one.provenance is not None:
            yield "interp_fingerprint", one.provenance.fingerprint
        plain = {k: v for k, v in one.to_json().items() if not isinstance(v, list)}
        plain["summary"] = one.summary()
        yield "interp_result", as_json(plain)
