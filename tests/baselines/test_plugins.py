"""With workers, without other plugins, and under their options."""

import pytest
from baseline_project import FILES, LENS, TRACE, text, without_trace


@pytest.mark.parametrize("option", ["--snapshot-update", "--force-regen", "--regen-all"])
def test_options_of_syrupy_and_pytest_regressions_are_honoured(saved, option):
    (saved.path / f"{TRACE}.json").unlink()
    saved.now(crossover=6)
    saved.run(option).assert_outcomes(passed=2)
    assert set(saved.saved()) == FILES
    saved.run().assert_outcomes(passed=2)


@pytest.mark.slow
def test_two_workers(project):
    project.worker_run("-n2", "--interp-update").assert_outcomes(passed=2)
    assert set(project.saved()) == FILES
    before = project.saved()
    project.now(crossover=6)
    result = project.worker_run("-n2", "--interp-prune")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*crossover_layer: 8 -> 6, by -2*"])
    assert project.saved() == before
    without_trace(project)
    result = project.worker_run("-n2", "--interp-update", "--interp-prune")
    assert f"updated {LENS}.json" in text(result)
    assert set(project.saved()) == {name for name in FILES if name.startswith(LENS)}


def test_two_workers_notice_filters_of_a_conftest(saved):
    saved.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    del items[1:]\n")
    result = saved.worker_run("-n2", "--interp-prune")
    assert "nothing was pruned: tests were deselected" in text(result)
    assert set(saved.saved()) == FILES


@pytest.mark.parametrize("arguments", [["-n0"], ["-p", "no:xdist"]])
def test_without_workers(saved, arguments):
    saved.worker_run(*arguments).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("plugin", "name"), [("syrupy", "syrupy"), ("regressions", "pytest-regressions")]
)
def test_without_a_plugin_that_it_builds_on_it_refuses_clearly(saved, plugin, name):
    before = saved.saved()
    result = saved.worker_run("-p", f"no:{plugin}")
    result.assert_outcomes(errors=2)
    assert f"keeps its files through {name}" in text(result)
    assert f"take away `-p no:{plugin}`" in text(result)
    assert saved.saved() == before


@pytest.mark.parametrize("option", ["--snapshot-update", "--force-regen"])
def test_their_options_redraw_a_changed_figure(saved, option):
    raster = saved.path / f"{TRACE}.raster.png"
    right = raster.read_bytes()
    saved.redrawn(TRACE, (saved.path / f"{LENS}.raster.png").read_bytes())
    result = saved.run(option)
    result.assert_outcomes(passed=2)
    assert f"redrawn {TRACE}.json: the figure looks different" in text(result)
    assert raster.read_bytes() == right
