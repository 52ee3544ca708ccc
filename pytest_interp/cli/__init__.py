"""The command ``pytest-interp``.

Exit status 0: all is well; 1: a claim failed or something differs; 2: the command cannot be done.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata

from pytest_interp.errors import InterpError

_COMMANDS = (
    "run",
    "models",
    "facts",
    "new",
    "diff",
    "compare",
    "review",
    "schema",
    "doctor",
    "cache",
)
"""Each is a module of this package: ``HELP``, ``add(parser)`` and ``run(given)``."""
_OF_A_PROJECT = ("run", "models", "facts", "compare", "review", "schema")
"""These use what the project of the spec file, or of the working folder, adds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="pytest-interp", description="Claims about the insides of language models, as tests."
    )
    shown = f"%(prog)s {metadata.version('pytest-interp')}"
    parser.add_argument("--version", action="version", version=shown, help="show it and exit")
    subparsers = parser.add_subparsers(dest="command_name", metavar="COMMAND")
    for name in _COMMANDS:
        module = importlib.import_module(f"{__name__}.{name}")
        about = module.run.__doc__
        command = subparsers.add_parser(name, help=module.HELP, description=about)
        command.set_defaults(command=module.run)
        module.add(command)
    given = parser.parse_args(arguments)
    if given.command_name is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        with _project(given) as given.project:
            return int(given.command(given))
    except InterpError as error:
        print(f"pytest-interp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pytest-interp: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output has closed it
        sys.stderr.close()
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"pytest-interp: {place}{error.strerror or error}", file=sys.stderr)
        return 2
    except Exception:  # Python would exit with 1, the status of a failed claim
        traceback.print_exc()
        return 2


def _project(given: argparse.Namespace) -> AbstractContextManager[object]:
    """A block with the project's additions; it gets pytest's config for that project."""
    if given.command_name not in _OF_A_PROJECT:
        return nullcontext()
    from pytest_interp.plugin.extensions import project_of

    return project_of(getattr(given, "config", None), getattr(given, "for_pytest", ()))
