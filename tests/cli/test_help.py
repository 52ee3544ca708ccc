"""What the command says of itself to somebody who does not know it."""

from __future__ import annotations

import argparse
from importlib import metadata

import pytest

from pytest_interp import cli


@pytest.mark.guarantee(
    "messages",
    "`pytest-interp` by itself shows its commands, with status 2.",
    sees="Each command with a line of what it does.",
)
def test_the_command_by_itself_lists_the_commands(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr().err
    for command in ("run", "models", "facts", "new", "doctor"):
        assert f"\n    {command} " in shown


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"pytest-interp {metadata.version('pytest-interp')}\n"


@pytest.mark.guarantee(
    "messages",
    "Each argument of each command says in `--help` what it means.",
    sees="A line beside each argument.",
)
def test_every_argument_says_what_it_means(monkeypatch):
    made = []
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", lambda self, _: made.append(self))
    with pytest.raises(AttributeError):  # nothing was parsed
        cli.main([])
    silent = [f"{who}: {what}" for who, what, says in arguments(made[0]) if not says]
    assert silent == []
    assert sum(1 for _ in arguments(made[0])) > 40


def arguments(parser):
    """The command, the name and the help of every argument, below every command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from arguments(below)
        else:
            yield parser.prog, action.metavar or action.dest, action.help
