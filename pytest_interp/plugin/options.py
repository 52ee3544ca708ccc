"""Options of a run on models, their ini twins, and the header line that shows them."""

from __future__ import annotations

from importlib import metadata

import pytest

from pytest_interp.adapters.backends import backend_names
from pytest_interp.errors import InterpError
from pytest_interp.memory import limit_memory
from pytest_interp.plugin.asked import RunOptions, parse_backends
from pytest_interp.plugin.checkpoints import parse_models
from pytest_interp.plugin.session import Models

MODELS = pytest.StashKey[Models]()
"""The models of the session, in the stash of its config."""
_STRICT = {"strict", "strict_config", "strict_markers"}


def overrides(config: pytest.Config) -> list[str]:
    """The ini values that ``-o`` sets.

    pytest makes overrides of ``--strict-markers`` and the like, too. They change nothing about what
    is run, and many projects have them in their ini file.
    """
    given: list[str] = config.option.override_ini or []
    return [one for one in given if one.partition("=")[0] not in _STRICT]


def mode_of(config: pytest.Config, name: str, modes: tuple[str, ...]) -> str:
    """The value of an option with an ini twin of this name: one of several words.

    Raises:
        UsageError: the ini file has another word. pytest itself refuses one of the command line.
    """
    mode = str(config.getoption(name) or config.getini(name))
    if mode not in modes:
        raise pytest.UsageError(f"{name} = {mode!r} in the ini file: use {', '.join(modes)}")
    return mode


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each with an ini twin that it overrides."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    backends = "backends to run under: one, several with commas, all, or auto"
    models = (
        "NAME: the model of tests that name none; NAME=PATH: run the specs of NAME on the "
        "checkpoint in PATH (ids keep NAME); NAME=PATH:LABEL: keep baselines for it as LABEL"
    )
    device = "device to run on: cuda, mps, cpu (default: the first that is available)"
    dtype = "dtype of the weights (default: bfloat16 on cuda, float32 elsewhere)"
    memory = (
        "memory that the passes of a process may take, as 4GB, without the weights (default: a "
        "quarter of what is free on the device, on the CPU at most 1 GiB)"
    )
    strict = "missing weights fail a test instead of skipping it"
    group.addoption("--interp-backend", metavar="NAMES", help=backends)
    group.addoption(
        "--interp-model", action="append", default=[], metavar="NAME[=PATH[:LABEL]]", help=models
    )
    group.addoption("--interp-device", metavar="DEVICE", help=device)
    group.addoption("--interp-dtype", metavar="DTYPE", help=dtype)
    group.addoption("--interp-memory", metavar="BYTES", help=memory)
    group.addoption("--interp-strict", action="store_true", help=strict)
    parser.addini("interp_backend", backends, default="")
    parser.addini("interp_model", models, type="linelist", default=[])
    parser.addini("interp_device", device, default="")
    parser.addini("interp_dtype", dtype, default="")
    parser.addini("interp_memory", memory, default="")
    parser.addini("interp_strict", strict, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    given = {
        name: config.getoption(f"interp_{name}") or config.getini(f"interp_{name}") or None
        for name in ("backend", "device", "dtype", "memory", "strict")
    }
    ini_folder = config.inipath.parent if config.inipath else config.rootpath
    folder = config.invocation_params.dir
    try:
        ini_names, ini_checkpoints = parse_models(config.getini("interp_model"), ini_folder)
        names, checkpoints = parse_models(config.getoption("interp_model"), folder)
        settings = RunOptions(
            default_models=names or ini_names,
            checkpoints={**ini_checkpoints, **checkpoints},
            backends=parse_backends(given["backend"] or ""),
            device=given["device"],
            dtype=given["dtype"],
            strict=bool(given["strict"]),
        )
        limit_memory(given["memory"])
    except InterpError as error:
        raise pytest.UsageError(str(error)) from error
    config.add_cleanup(lambda: limit_memory(None))
    config.stash[MODELS] = Models(settings)


def pytest_report_header(config: pytest.Config) -> str:
    """Versions of the backends and what the options changed, without importing anything heavy."""
    settings, versions = config.stash[MODELS].settings, []
    for name in backend_names():
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    parts = [", ".join(versions), f"device {settings.device or 'auto'}"]
    parts += [f"dtype {settings.dtype}"] if settings.dtype else []
    parts += [f"backends {', '.join(settings.backends)}"] if settings.backends else []
    parts += [f"{name} from {path}" for name, path in settings.checkpoints.items()]
    return f"interp: {'; '.join(parts)}"
