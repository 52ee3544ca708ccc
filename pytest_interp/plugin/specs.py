"""Spec files in pytest: ``*.interp.yaml`` in any collected folder."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

SUFFIX = ".interp.yaml"
"""What the names of spec files end in."""
_MEANT = (SUFFIX, ".interp.yml")
"""In whatever case: a file with such a name was meant as a spec."""
_DIRS = "interp_allowed_dirs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option of folders outside of rootdir."""
    text = "folders outside of rootdir that spec files and facts files may lie in"
    parser.addini(_DIRS, text, type="paths", default=[])


def folders_of(config: pytest.Config) -> list[Path]:
    """The folders that spec files and facts files lie in: rootdir, and what the ini file adds."""
    return [config.rootpath, *config.getini(_DIRS)]


def is_spec_file(path: Path) -> bool:
    """Whether a file was meant as a spec."""
    return path.name.lower().endswith(_MEANT)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect spec files; those whose names end in another way are refused, not passed over."""
    if not is_spec_file(file_path):
        return None
    from pytest_interp.plugin.collect import SpecModule

    return SpecModule.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a failed claim of a spec file by its message, file and line, without a traceback."""
    text, error = None, call.excinfo
    if error is not None and is_spec_file(item.path):
        from pytest_interp.plugin.collect import failure_text

        text = failure_text(item, error)
        if text is not None:
            # pytest would read the spec as the Python source of its frame. Before 3.11.4 a null
            # byte in it is an error that ends the whole run
            error.traceback = error.traceback.filter(lambda entry: entry.path != item.path)
    report = yield
    if report.failed and text is not None:
        report.longrepr = text
    return report
