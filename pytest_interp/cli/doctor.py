"""``pytest-interp doctor``: versions, devices, caches, and what is in the plugin's way."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from pytest_interp.adapters.backends import installed_backends
from pytest_interp.cli.table import table
from pytest_interp.errors import CacheError, DeviceError, InterpError
from pytest_interp.plugin.specs import SUFFIX
from pytest_interp.provenance import PACKAGES

FIXTURES = ("interp_target", "model", "adapter", "lens", "trace", "baseline")

_PASSED_OVER = {"build", "dist", "node_modules", "venv"}

HELP = "show versions, devices and caches, and find what is in the way"


def add(parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(given: argparse.Namespace) -> int:
    """Show what is installed here, and look for problems: exit status 1 when there is one."""
    is_on, n_specs = _plugin_is_on(), _n_specs()
    here = [("plugin", f"{'on' if is_on else 'off'} in this folder"), ("spec files", f"{n_specs}")]
    print(table([*_versions(), *_devices(), *_caches(), *here]))
    problems = list(_plugin_problems()) or list(_project_problems())
    problems += _cache_problems()
    if n_specs and not is_on:
        problems.append(
            f"the plugin is off in this folder, so pytest passes over its {n_specs} spec files "
            "without a word: is -p no:interp in the ini file or in PYTEST_ADDOPTS?"
        )
    if not installed_backends():
        problems.insert(0, "no backend is installed. Run: pip install 'pytest-interp[all]'")
    for problem in problems:
        print(f"\nproblem: {problem}")
    print("\nno problem found" if not problems else f"\n{len(problems)} found")
    return int(bool(problems))


def _versions() -> list[tuple[str, str]]:
    names = (*PACKAGES, "pytest", "syrupy", "pytest-regressions", "pytest-xdist", "matplotlib")
    found = [("python", f"{platform.python_version()} at {sys.executable}")]
    for name in names:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _devices() -> list[tuple[str, str]]:
    from pytest_interp.models.devices import DEVICES, resolve_device

    usable = []
    for name in DEVICES:
        with suppress(DeviceError):
            resolve_device(name)
            usable.append(name)
    return [("devices", ", ".join(usable)), ("default device", str(resolve_device()))]


def _caches() -> list[tuple[str, str]]:
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    offline = " (HF_HUB_OFFLINE is set: nothing is downloaded)" if HF_HUB_OFFLINE else ""
    return [
        ("converted models", _converted()),
        ("hub cache", _folder(Path(HF_HUB_CACHE)) + offline),
    ]


def _converted() -> str:
    from pytest_interp.models.converted import cache_root

    try:
        return _folder(cache_root())
    except CacheError:
        return "none, see below"


def _cache_problems() -> Iterator[str]:
    """Why there is no place for converted models."""
    from pytest_interp.models.converted import cache_root

    try:
        cache_root()
    except CacheError as error:
        yield str(error)


def _folder(path: Path) -> str:
    if not path.is_dir():
        return f"{path}, not there yet"
    # the hub's cache links to its blobs: count each file once
    files = [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return f"{path}, {sum(file.stat().st_size for file in files) / 1e9:.2f} GB"


def _n_specs() -> int:
    """Spec files below the working folder, where pytest looks for tests by itself."""
    found = 0
    for _, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name[0] != "." and name not in _PASSED_OVER]
        found += sum(name.endswith(SUFFIX) for name in files)
    return found


def _plugin_is_on() -> bool:
    """Whether pytest has the plugin in the working folder: its ini file may turn it off."""
    return "@pytest.mark.interp(" in _pytest("--markers", folder=".").stdout


def _plugin_problems() -> Iterator[str]:
    """What pytest itself says about the plugin, in an empty folder."""
    points = [p for p in metadata.entry_points(group="pytest11") if p.name == "interp"]
    others = {p.value for p in points} - {"pytest_interp.plugin"}
    if others:
        yield f"another pytest plugin is also named 'interp': {', '.join(sorted(others))}"
    elif not points:
        yield (
            "pytest does not know the plugin: the package is not installed in this environment. "
            "Run: pip install pytest-interp"
        )
    elif os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        yield (
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD is set, so pytest loads no plugin by itself: unset it, "
            "or run pytest with -p pytest_interp.plugin"
        )
    else:
        yield from _pytest_problems()


def _pytest_problems() -> Iterator[str]:
    """Whether pytest starts in an empty folder, and has our fixtures."""
    with tempfile.TemporaryDirectory() as folder:
        done = _pytest("--fixtures", "-q", folder=folder)
    if done.returncode not in (0, 5):
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        yield f"pytest does not start here: {' '.join(last)}"
        return
    lines = re.findall(r"^(\w+)(?: \[[^]]*\])*(?: -- (.*))?$", done.stdout, re.MULTILINE)
    for name in FIXTURES:
        places = [place for found, place in lines if found == name]
        others = [place for place in places if "pytest_interp" not in place]
        if not places:
            yield f"pytest has no fixture {name!r}: is the plugin off (-p no:interp)?"
        elif others:
            yield (
                f"another plugin defines the fixture {name!r} too, at {', '.join(others)}, and the "
                "one that is loaded last wins: turn that plugin off with -p no:NAME"
            )


def _project_problems() -> Iterator[str]:
    """Why the extensions or conftest.py files of the working folder cannot be loaded."""
    from pytest_interp.plugin.extensions import project_of

    try:
        with project_of():
            pass
    except InterpError as error:
        yield str(error)


def _pytest(*arguments: str, folder: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments, "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
