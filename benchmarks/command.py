"""From the command to the verdict of one spec file: computed, and answered from the store.

``python -m benchmarks.command [SPECS ...] [--rounds 3]`` prints a table for each spec and backend.
Every run is a process of its own, on one thread. Seconds are those of the processor, the least of
the rounds. A bare run is pytest with an empty test and without this plugin.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.phases import PHASES
from pytest_interp.adapters import installed_backends

SPECS = ("specs/test_capitals.py", "specs/head_map.interp.yaml")
EMPTY = "def test_nothing(): pass\n"
QUIET = ("-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Ran:
    """One run of pytest."""

    seconds: float
    """Of the processor, all of the process."""
    phases: dict[str, float]
    """Seconds of the processor by phase."""


def ran(args: Sequence[str], store: Path) -> Ran:
    """Run pytest in a process of its own; it has to pass."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTEST_INTERP_RESULTS": str(store)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled once
    out = store.with_name("phases.json")
    command = [sys.executable, "-m", "benchmarks.phases", str(out), *QUIET, *args]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(seconds, json.loads(out.read_text()))


def quickest(runs: Sequence[Ran]) -> Ran:
    """The run that other programs disturbed least."""
    return min(runs, key=lambda run: run.seconds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", default=SPECS, help="spec files")
    parser.add_argument("--rounds", type=int, default=3, help="times that the quick runs are timed")
    parser.add_argument("--backends", nargs="+", default=installed_backends())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, store = Path(folder, "test_empty.py"), Path(folder, "store")
        empty.write_text(EMPTY)
        bare = ("-p", "no:interp", f"--rootdir={folder}", str(empty))
        loaded = (f"--rootdir={folder}", str(empty))
        heading = "".join(f"{name:>11}" for name in PHASES)
        for spec in options.specs:
            for backend in options.backends:
                asked = (spec, f"--interp-backend={backend}")
                runs: dict[str, list[Ran]] = {}
                ran((*asked, "--interp-cache=on"), store)  # compiles what was not compiled yet
                runs["computed"] = [ran((*asked, "--interp-cache=refresh"), store)]
                for _ in range(options.rounds):  # each in its turn
                    for name, args in (
                        ("bare pytest, an empty test", bare),
                        ("with the plugin, an empty test", loaded),
                        ("from the store", (*asked, "--interp-cache=on")),
                    ):
                        runs.setdefault(name, []).append(ran(args, store))
                base = quickest(runs["bare pytest, an empty test"])
                print(f"\n{spec} under {backend}")
                print(f"{'':32}{'seconds':>9}{'beyond':>9}{heading}")
                for name, found in runs.items():
                    best = quickest(found)
                    parts = "".join(f"{best.phases[phase]:11.2f}" for phase in PHASES)
                    beyond = best.seconds - base.seconds
                    print(f"  {name:30}{best.seconds:9.2f}{beyond:9.2f}{parts}")


if __name__ == "__main__":
    main()
