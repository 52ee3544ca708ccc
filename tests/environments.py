"""Fresh environments with built packages in them, and this one's other packages."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def environment_with(folder: Path, *projects: Path) -> Path:
    """The Python of a fresh environment in this folder, with the wheels of these projects in it."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *wheel, *map(str, projects)], check=True, cwd=folder)
    venv.create(folder / "venv", system_site_packages=True)
    made = folder / "venv" / "bin" / "python"
    install = ["--python", str(made), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, *install, *map(str, folder.glob("*.whl"))], check=True)
    # torch need not be downloaded again. Folders named in a .pth come last on the path, and .pth
    # files in them are not read: the package of this working tree stays out.
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    site.joinpath("others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


def run_python(python: Path, cwd: Path, *arguments: str) -> tuple[int, str]:
    """Run this Python there, with nothing of this run in its environment; status and output."""
    done = subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
