"""Kills at random moments of an update, and two updates at once: is anything lost or mixed?

``python -m benchmarks.torture [--kills 40] [--rounds 8]`` works in a temporary folder and prints
its figures; the exit status is 1 where anything was lost, mixed, or green without a reason.

Runs are whole pytest processes over a spec with many entries. Numbers are all 0 or all 1 in a
generation, so that an entry shows by itself which generation each of its files belongs to.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from pytest_interp.baselines.files import digest
from pytest_interp.baselines.store import Slot, slots_below

ENTRIES = 6
SPEC = f"""
import os, time
import pytest
from matplotlib.figure import Figure
from pytest_interp.results import Result

VALUE = int(os.environ["TORTURE_VALUE"])


class Made(Result):
    provenance = None

    def to_json(self):
        return {{"values": [VALUE] * 500}}

    def tolerances(self):
        return {{}}

    def to_figure(self):
        figure = Figure(figsize=(4, 3))
        figure.subplots().bar(range(10), [1 + VALUE * i for i in range(10)])
        return figure


@pytest.mark.parametrize("i", range({ENTRIES}))
def test_x(baseline, i):
    baseline.check(Made())
"""


class Project:
    """A folder with the spec and its baselines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "test_a.py").write_text(SPEC)
        (path / "pytest.ini").write_text("[pytest]\n")
        # one drawing for each of the two generations
        self.figures: dict[str, int] = {}

    def start(self, value: int, *arguments: str) -> subprocess.Popen[str]:
        """A run in the background, under the code that computes this value."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=self.path,
            env={**os.environ, "TORTURE_VALUE": str(value)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, value: int, *arguments: str) -> tuple[int, str]:
        """Exit status and output of a run."""
        process = self.start(value, *arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def learn(self) -> None:
        """Note what the figures of a finished update look like."""
        for slot in self.slots():
            for file in (slot.picture, slot.raster):
                self.figures[digest(file.read_bytes())] = value_of(slot)

    def wait_for_writing(self, process: subprocess.Popen[str]) -> None:
        """Wait until there is a temporary file that was not there before, or the run has ended."""
        folder = self.path / "baselines" / "test_a"
        before = set(folder.glob(".*.tmp"))
        while process.poll() is None and not set(folder.glob(".*.tmp")) - before:
            time.sleep(0.0005)

    def slots(self) -> list[Slot]:
        return slots_below(self.path / "baselines")

    def generations(self, slot: Slot) -> set[int | None]:
        """Which generations an entry's files belong to; None for what is missing or broken."""
        files = (slot.picture, slot.raster)
        contents = [f.read_bytes() if f.is_file() else b"" for f in files]
        return {value_of(slot), *(self.figures.get(digest(c)) for c in contents)}

    def leftovers(self) -> list[str]:
        """Files that belong to no entry."""
        known = {file for slot in self.slots() for file in slot.files}
        files = (p for p in (self.path / "baselines").rglob("*") if p.is_file())
        return [file.name for file in files if file not in known]


def value_of(slot: Slot) -> int:
    """The generation that an entry's numbers belong to."""
    (value,) = set(json.loads(slot.numbers.read_bytes())["result"]["values"])
    return int(value)


def kills(project: Project, count: int, seconds: float, seed: int) -> Counter[str]:
    """Kill updates at random moments, and look at what is left and at what the next runs say."""
    found: Counter[str] = Counter()
    generator = random.Random(seed)
    for i in range(count):
        value = i % 2
        process = project.start(value, "--interp-update")
        if i % 4 == 0:
            time.sleep(generator.uniform(0, seconds))
        else:  # most of a run is its start: these aim at the milliseconds in which it writes
            for _ in range(generator.randint(1, ENTRIES)):
                project.wait_for_writing(process)
            time.sleep(generator.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        leftovers = project.leftovers()
        mixed = [slot for slot in project.slots() if len(project.generations(slot)) > 1]
        found["kills of a running update"] += process.returncode == -signal.SIGKILL
        found["temporary files left by kills"] += len(leftovers)
        found["entries half written by kills"] += len(mixed)
        found["entries lost by kills"] += ENTRIES - len(project.slots())
        if not mixed and not leftovers:
            continue
        for code in (0, 1) if mixed else ():
            status, output = project.run(code)
            found["runs that were green over a half-written entry"] += status == 0
            agree = [slot for slot in mixed if value_of(slot) == code]
            told = output.count("this entry was half written") >= len(agree)
            found["runs that did not name a half-written entry"] += not told
        found["updates that did not mend"] += project.run(value, "--interp-update")[0] != 0
        wrong = [slot for slot in project.slots() if project.generations(slot) != {value}]
        found["entries mixed or lost after the next update"] += len(wrong)
        found["temporary files after the next update"] += len(project.leftovers())
    return found


def rounds(project: Project, count: int) -> Counter[str]:
    """Two updates with different numbers at once."""
    found: Counter[str] = Counter()
    for _ in range(count):
        processes = [project.start(value, "--interp-update") for value in (0, 1)]
        outputs = [process.communicate()[0] for process in processes]
        green = [value for value, p in enumerate(processes) if p.returncode == 0]
        mixed = [s for s in project.slots() if len(project.generations(s)) != 1]
        found["entries mixed by two writers"] += len(mixed)
        found["entries lost by two writers"] += ENTRIES - len(project.slots())
        found["temporary files left by two writers"] += len(project.leftovers())
        told = ["another run wrote" in output for output in outputs]
        found["writers that were told of the other"] += sum(told)
        found["rounds in which both were green"] += len(green) == 2
        found["writers that failed without a reason"] += sum(
            not told[value] for value in {0, 1} - set(green)
        )
        project.run(0, "--interp-update")
    return found


MUST_BE_ZERO = (
    *("entries lost by kills", "runs that were green over a half-written entry"),
    *("runs that did not name a half-written entry", "updates that did not mend"),
    *("entries mixed or lost after the next update", "temporary files after the next update"),
    *("entries mixed by two writers", "entries lost by two writers"),
    *("temporary files left by two writers", "writers that failed without a reason"),
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        for value in (0, 1):
            start = time.perf_counter()
            status, output = project.run(value, "--interp-update")
            seconds = time.perf_counter() - start
            if status:
                sys.exit(output)
            project.learn()
        found = kills(project, given.kills, seconds, given.seed)
        found.update(rounds(project, given.rounds))
    print(f"{given.kills} kills and {given.rounds} rounds of two writers, {ENTRIES} entries each:")
    for name in dict.fromkeys([*MUST_BE_ZERO, *found]):
        print(f"  {found[name]:4}  {name}")
    bad = [name for name in MUST_BE_ZERO if found[name]]
    print(f"broken: {', '.join(bad)}" if bad else "nothing mixed, nothing lost, nothing green")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
