"""Options of a run on models, their ini twins, and the header line that shows them."""

from __future__ import annotations

from importlib import metadata

import pytest

from pytest_interp.adapters.backends import backend_names
from pytest_interp.errors import InterpError
from pytest_interp.plugin.session import Models, RunOptions, parse_backends, parse_models

MODELS = pytest.StashKey[Models]()
"""The models of the session, in the stash of its config."""


_STRICT = {"strict", "strict_config", "strict_markers"}


def overrides(config: pytest.Config) -> list[str]:
    """The ini values that ``-o`` sets.

    pytest turns `--strict-markers` and the like, which stand in the ini file of many projects, into
    overrides too: they say nothing of what is run.
    """
    given: list[str] = config.option.override_ini or []
    return [one for one in given if one.partition("=")[0] not in _STRICT]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each with an ini twin that it overrides."""
    group = parser.getgroup("interp", "interpretability claims on language models")
    backends = "backends to run under: one, a comma list of them, all, or auto"
    models = (
        "NAME: the model of tests that name none; NAME=PATH: run the specs of NAME on the "
        "checkpoint in PATH (ids and baselines keep NAME)"
    )
    device = "device to run on: cuda, mps, cpu (default: the first of them there is)"
    dtype = "dtype of the weights (default: bfloat16 on cuda, float32 elsewhere)"
    strict = "missing weights fail a test instead of skipping it"
    group.addoption("--interp-backend", metavar="NAMES", help=backends)
    group.addoption(
        "--interp-model", action="append", default=[], metavar="NAME[=PATH]", help=models
    )
    group.addoption("--interp-device", metavar="DEVICE", help=device)
    group.addoption("--interp-dtype", metavar="DTYPE", help=dtype)
    group.addoption("--interp-strict", action="store_true", help=strict)
    parser.addini("interp_backend", backends, default="")
    parser.addini("interp_model", models, type="linelist", default=[])
    parser.addini("interp_device", device, default="")
    parser.addini("interp_dtype", dtype, default="")
    parser.addini("interp_strict", strict, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    try:
        config.stash[MODELS] = Models(_read_settings(config))
    except InterpError as error:
        raise pytest.UsageError(str(error)) from error


def _read_settings(config: pytest.Config) -> RunOptions:
    ini_folder = config.inipath.parent if config.inipath else config.rootpath
    ini_names, ini_checkpoints = parse_models(config.getini("interp_model"), ini_folder)
    names, checkpoints = parse_models(
        config.getoption("interp_model"), config.invocation_params.dir
    )
    return RunOptions(
        default_models=names or ini_names,
        checkpoints={**ini_checkpoints, **checkpoints},
        backends=parse_backends(_text(config, "interp_backend") or ""),
        device=_text(config, "interp_device"),
        dtype=_text(config, "interp_dtype"),
        strict=config.getoption("interp_strict") or config.getini("interp_strict"),
    )


def _text(config: pytest.Config, name: str) -> str | None:
    return config.getoption(name) or config.getini(name) or None


def pytest_report_header(config: pytest.Config) -> str:
    """Versions of the backends and what the options changed, without importing anything heavy."""
    settings = config.stash[MODELS].settings
    parts = [_versions(), f"device {settings.device or 'auto'}"]
    if settings.dtype:
        parts.append(f"dtype {settings.dtype}")
    if settings.backends:
        parts.append(f"backends {', '.join(settings.backends)}")
    parts += [f"{name} from {path}" for name, path in settings.checkpoints.items()]
    return f"interp: {'; '.join(parts)}"


def _versions() -> str:
    found = []
    for name in backend_names():
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)
