"""Places of baselines that cannot be read are named, and never taken for empty ones."""

import os
import subprocess
import sys

import pytest
from baseline_project import LENS, text

UNREADABLE = """
import os, sys
from pathlib import Path
from pytest_interp.baselines.store import Slot

os.setuid(65534)  # root may read everything
Slot(Path(sys.argv[1]), "a--m").exists()
"""


@pytest.mark.guarantee(
    "files",
    "A place of baselines that cannot be read is not taken for one without baselines.",
    sees="An error that names the file and the reason, whatever the update option.",
)
@pytest.mark.parametrize("option", [(), ("--interp-update=all",)])
def test_a_folder_in_place_of_an_entry_is_named(project, option):
    (project.path / f"{LENS}.json").mkdir(parents=True)
    result = project.run("specs/test_a.py::test_lens", *option)
    result.assert_outcomes(failed=1)
    assert f"BaselineError: cannot read {project.path}/{LENS}.json (Is a directory)" in text(result)
    assert "no baseline yet" not in text(result)


@pytest.mark.guarantee(
    "files",
    "A place of baselines that cannot be read is not taken for one without baselines.",
    sees="An error that names the file and the reason, whatever the update option.",
)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_a_folder_without_permission_is_named(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    (folder / "a--m.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, folder], capture_output=True, text=True
    )
    last = done.stderr.splitlines()[-1]
    assert "BaselineError: cannot read" in last
    assert "a--m.json (Permission denied)" in last


@pytest.mark.guarantee(
    "kept",
    "Ctrl-C in a test writes nothing of that test, and leaves what earlier tests wrote.",
    sees="pytest's own report of the interruption.",
)
def test_ctrl_c_in_a_test_writes_nothing_of_it(saved):
    saved.now(crossover=6)
    saved.spec(
        "test_a",
        """
        from made_results import lens

        def test_first(baseline):
            baseline.check(lens())

        def test_lens(baseline):
            baseline.check(lens(crossover=6))
            raise KeyboardInterrupt
        """,
    )
    before = saved.saved()
    with pytest.raises(KeyboardInterrupt):
        saved.run("--interp-update", "--interp-prune")
    after = saved.saved()
    first = {name for name in after if "test_first" in name}
    assert len(first) == 3
    assert {name: data for name, data in after.items() if name not in first} == before


@pytest.mark.guarantee(
    "messages",
    "A baseline that only a run of a folder further up finds is named, with what makes both alike.",
    sees="There is one of this test in ...: run pytest in ..., or put an empty pytest.ini there",
)
def test_a_baseline_of_a_folder_further_up_is_named(saved):
    within = (f"--rootdir={saved.path / 'specs'}", "specs/test_a.py::test_lens")
    said = text(saved.run(*within))
    assert "no baseline yet: specs/baselines/test_a/test_lens--made.json does not exist" in said
    assert f"of this test in {saved.path}/{LENS}.json: run pytest in {saved.path}, or put" in said
    (saved.path / f"{LENS}.json").unlink()
    assert "of this test in" not in text(saved.run(*within))
