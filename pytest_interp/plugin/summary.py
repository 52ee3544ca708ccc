"""The section at the end of a run with one line for each claim."""

from __future__ import annotations

import pytest

from pytest_interp.plugin.options import mode_of
from pytest_interp.plugin.report import COLLECTED, run_record

MODES = ("all", "failed", "none")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin, which it overrides."""
    text = "claims that the end of a run lists: all (default), failed and undecided ones, or none"
    group = parser.getgroup("interp", "interpretability claims on language models")
    group.addoption("--interp-summary", choices=MODES, help=text)
    parser.addini("interp_summary", text, default="all")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an unknown mode of the ini file."""
    mode_of(config, "interp_summary", MODES)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Show the claims of the run, failures first; nothing where no spec ran."""
    collected, mode = config.stash[COLLECTED], mode_of(config, "interp_summary", MODES)
    if mode == "none" or not collected.has_specs or terminalreporter.verbosity < -1:
        return
    from pytest_interp.report.lines import BAD, lines_of
    from pytest_interp.report.terminal import render_terminal, title

    run = run_record(config, collected, int(exitstatus))
    lines = lines_of(run)
    shown = [line for line in lines if mode == "all" or line.word in BAD]
    writer = terminalreporter._tw
    if table := render_terminal(shown, writer.fullwidth, colours=writer.hasmarkup):
        terminalreporter.section(f"interp summary: {title(lines)}")
        if run.broke_off:
            terminalreporter.write_line(run.broke_off)
        for text in table:
            terminalreporter.write_line(text)
