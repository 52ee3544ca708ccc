"""``--interp-ray``: experiments on sets of facts, computed by a Ray cluster."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_interp.errors import InterpError
from pytest_interp.extensions import declared
from pytest_interp.plugin.extensions import INI

AUTO = "auto"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and its ini twin."""
    text = (
        "compute experiments on sets of facts on the Ray cluster at ADDRESS (HOST:PORT, "
        "ray://HOST:PORT); without one, on the cluster of this machine, or on one that is started"
    )
    group = parser.getgroup("interp")
    group.addoption("--interp-ray", nargs="?", const=AUTO, metavar="ADDRESS", help=text)
    parser.addini("interp_ray", text + ". Write auto for that", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Send the experiments of this run there."""
    address = str(config.getoption("interp_ray") or config.getini("interp_ray") or "")
    if not address or config.option.collectonly or hasattr(config, "workerinput"):
        return
    if Path(address.partition("::")[0]).exists():
        raise pytest.UsageError(
            f"--interp-ray {address}: that is a file or a folder. Write --interp-ray=auto, or put "
            "the option after the paths"
        )
    if config.getoption("numprocesses", None):
        raise pytest.UsageError(
            "--interp-ray and -n both spread the work: give one of them. Every process of -n would "
            "ask the cluster for workers of its own"
        )
    from pytest_interp.cluster.using import on_cluster

    stack = ExitStack()
    try:
        stack.enter_context(on_cluster(address, extensions_of(config)))
    except InterpError as error:
        raise pytest.UsageError(str(error)) from error
    config.add_cleanup(stack.close)


def extensions_of(config: pytest.Config) -> list[str]:
    """The modules that the project adds."""
    return [*declared(config.rootpath / "pyproject.toml"), *config.getini(INI)]
