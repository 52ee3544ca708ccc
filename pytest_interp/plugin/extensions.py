"""What a project adds, loaded in one way for pytest and for the command line.

First come the modules that ``pyproject.toml`` or the ini file names, then the ``conftest.py``
files, which may replace what the modules add.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import metadata
from pathlib import Path

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig

from pytest_interp.errors import InterpError, SpecError, described
from pytest_interp.extensions import KEY, TABLE, declared, load_extensions

INI = "interp_extensions"
_ARGUMENTS = (
    *("-p", "interp"),  # also where plugins are not loaded by themselves
    "--capture=no",
    # this package is imported already when the command line starts pytest
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The twin of ``[tool.pytest_interp] extensions``."""
    parser.addini(INI, "modules that add models, claims ... for the specs", "linelist", default=[])


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Import the modules: before any conftest.py, and before an option names what they add."""
    root, pyproject = early_config.rootpath, early_config.rootpath / "pyproject.toml"
    ini = early_config.inipath or "the command line"
    try:
        for modules, place in (
            (declared(pyproject), f"{pyproject}: {TABLE} {KEY}"),
            (early_config.getini(INI), f"{ini}: {INI}"),
        ):
            pytest.register_assert_rewrite(*(name for name in modules if name not in sys.modules))
            load_extensions(modules, root, place)
    except InterpError as error:
        raise pytest.UsageError(str(error)) from error


@contextmanager
def project_of(spec: Path | None = None, options: Sequence[str] = ()) -> Iterator[pytest.Config]:
    """A block with all that pytest loads for a spec file or a folder, by default the working one.

    pytest itself loads plugins, extensions and conftest.py files, with these options. Nothing is
    collected or run. The block gets pytest's config.

    Raises:
        InterpError: something of it cannot be loaded.
    """
    paths = [] if spec is None else [str(spec.absolute())]
    arguments = [*_ARGUMENTS, *options]
    if metadata.entry_points(group="pytest11", name="pytest_cov"):
        arguments.append("--no-cov")  # else --cov in addopts erases what was measured before
    try:
        with redirect_stdout(sys.stderr):  # the output of the command is its own
            config = _prepareconfig([*arguments, *paths])
    except ConftestImportFailure as error:
        raise SpecError(
            f"{error.path}: it cannot be imported: {described(error.cause)}. Repair it: pytest "
            "cannot use it either"
        ) from error
    except (Exception, SystemExit) as error:
        if isinstance(error.__cause__, InterpError):
            raise error.__cause__ from None
        said = " ".join(str(error).rpartition("error: ")[2].split())
        raise SpecError(
            f"pytest cannot begin here: {said or type(error).__name__}. Run: "
            f"{' '.join(['pytest --collect-only', *paths])}, and repair what it names"
        ) from error
    try:
        yield config
    finally:
        config._ensure_unconfigure()
