"""Reading the small JSON files of a model's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_interp.errors import NotAModelError


def read_object(file: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        NotAModelError: no regular file, no valid JSON, or something else than an object.
    """
    if not file.is_file():  # a pipe would be waited for
        raise NotAModelError(f"no {file.name}" if not file.exists() else f"{file.name} is no file")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotAModelError(f"{file.name} is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise NotAModelError(f"{file.name} holds a {type(value).__name__}, expected an object")
    return value
