"""The figures of a run as files for a paper: ``--interp-figures=svg``."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_interp.baselines.names import marked, stem_of
from pytest_interp.documents import shown
from pytest_interp.errors import BaselineError, ReportError
from pytest_interp.plugin import gathering
from pytest_interp.plugin.options import mode_of
from pytest_interp.plugin.owners import name_of
from pytest_interp.plugin.report import COLLECTED
from pytest_interp.plugin.targets import target_of

FORMS = ("svg", "pdf", "png")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The form, the folder and the size of the files; each with an ini twin that it overrides."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    form = "save the figure of each result of the run as a file of this form"
    folder = "folder of the files of --interp-figures (default: figures)"
    size = "their size in inches, as 6.5x4, or 6.5 to keep the ratio of the sides"
    group.addoption("--interp-figures", choices=FORMS, help=form)
    group.addoption("--interp-figures-dir", metavar="DIR", help=folder)
    group.addoption("--interp-figures-size", metavar="WIDTH[xHEIGHT]", help=size)
    parser.addini("interp_figures", form, default="")
    parser.addini("interp_figures_dir", folder, default="")
    parser.addini("interp_figures_size", size, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a size or a folder that cannot be, before the run costs anything."""
    if _form(config) is None:
        return
    try:
        _inches(config)
    except ReportError as error:
        raise pytest.UsageError(str(error)) from error
    folder = _folder(config)
    if any(part.exists() and not part.is_dir() for part in (folder, *folder.parents)):
        raise pytest.UsageError(
            f"figures cannot be saved below {shown(folder)}: it is no folder. Give another "
            "--interp-figures-dir"
        )


def _form(config: pytest.Config) -> Any:
    """One of the forms; None where no figures are asked for.

    Raises:
        UsageError: the ini file has another word. pytest itself refuses one of the command line.
    """
    asked = config.getoption("interp_figures") or config.getini("interp_figures")
    return mode_of(config, "interp_figures", FORMS) if asked else None


def _inches(config: pytest.Config) -> tuple[float, float | None] | None:
    from pytest_interp.figures.sizes import parse_size

    given = config.getoption("interp_figures_size") or config.getini("interp_figures_size")
    return parse_size(given) if given else None


def _folder(config: pytest.Config) -> Path:
    if given := config.getini("interp_figures_dir"):
        ini_folder = config.inipath.parent if config.inipath else config.rootpath
        given = ini_folder / Path(given).expanduser()
    asked = config.getoption("interp_figures_dir") or given or "figures"
    # not the invocation folder of a worker, which is that of its controller anyway
    return config.invocation_params.dir / Path(asked).expanduser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Save what the test measured, whatever became of it.

    Raises:
        ReportError: a file cannot be written.
    """
    done = yield
    if _form(item.config) is not None:
        _save(item)
    return done


def _save(item: pytest.Item) -> None:
    from pytest_interp.baselines.files import write_together
    from pytest_interp.figures import figure_of
    from pytest_interp.figures.export import exported

    form, inches = _form(item.config), _inches(item.config)
    for stem, result in _named(item):
        figure = figure_of(result)
        if figure is None:
            continue
        file = stem.with_name(f"{stem.name}.{form}")
        try:
            write_together({file: exported(figure, form, inches)})
        except BaselineError as error:
            raise ReportError(
                f"the figure {shown(file)} could not be written ({error.__cause__}). Give another "
                "--interp-figures-dir, or make this one writable"
            ) from error


def _named(item: pytest.Item) -> Iterator[tuple[Path, Any]]:
    """Each result once, and where its figure goes: as its baseline, and the backend with it."""
    target, seen = target_of(item), set()
    spec = Path(item.nodeid.partition("::")[0])
    folder = _folder(item.config) / spec.with_suffix("").with_suffix("")
    for result, checked in gathering.results_of(item):
        model = target.model if target else getattr(result.provenance, "model", None)
        given = checked.name if checked is not None else None
        names = [given] if given else [None, *map(str, range(2, 1000))]
        backend = target.backend if target else None
        stems = (stem_of(name_of(item), model, name) for name in names)
        whole = (marked(stem, backend) if backend else stem for stem in stems)
        stem = next(stem for stem in whole if stem not in seen or given)
        seen.add(stem)
        yield folder / stem, result


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say where the figures are."""
    if _form(config) is not None and config.stash[COLLECTED].tests:
        terminalreporter.write_line(f"interp: figures below {shown(_folder(config))}")
