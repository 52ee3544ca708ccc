"""``--interp-only``: the tests on one model, and no others."""

from __future__ import annotations

import pytest

from pytest_interp.plugin.targets import model_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    text = "run only the tests on this model, named as the specs name it; may be given again"
    group.addoption("--interp-only", action="append", default=[], metavar="MODEL", help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests on other models, and those on none.

    Raises:
        UsageError: no test is on one of the models.
    """
    if not (only := set(config.option.interp_only)):
        return
    models = {model for item in items if (model := model_of(item)) is not None}
    if items and (missing := only - models):
        raise pytest.UsageError(
            f"--interp-only {min(missing)}: no test of this run is on that model. The specs name "
            f"{', '.join(sorted(models)) or 'no model'}"
        )
    kept = [item for item in items if model_of(item) in only]
    if left := [item for item in items if item not in kept]:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
