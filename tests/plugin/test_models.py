"""Fixtures of models in real runs of pytest, on planted models.

The runs stand in this process, where the backends are imported once: that takes ten times as long
as all else. Two runs have a process of their own: one with both backends, one with workers.
"""

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

LENS = """
def test_lens(lens):
    assert lens(FACT.clean_prompt, FACT.answer).crossover_layer == 4

def test_trace(trace):
    assert trace(FACT).peak.token.strip() == "Acropolis"
"""


pytestmark = pytest.mark.usefixtures("everything_is_imported")
ARGUMENTS = ("-p", "no:cacheprovider", "-W", "error")


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*ARGUMENTS, "-p", "no:xdist", *args)


def properties(path: Path) -> dict[str, list[tuple[str, str]]]:
    """For each test of a junit report, the properties that it recorded."""
    return {
        case.attrib["name"]: [
            (found.attrib["name"], found.attrib["value"]) for found in case.iter("property")
        ]
        for case in ElementTree.parse(path).iter("testcase")
    }


def test_both_backends_run_and_report_what_they_measured(pytester, spec):
    spec(LENS)
    junit = pytester.path / "junit.xml"
    result = pytester.runpytest_subprocess(
        *ARGUMENTS, f"--junitxml={junit}", "-o", "junit_family=xunit1"
    )
    result.assert_outcomes(passed=4)
    recorded = properties(junit)
    assert set(recorded) == {
        f"test_{name}[planted-gpt2-{backend}]"
        for name in ("lens", "trace")
        for backend in ("transformer_lens", "nnsight")
    }
    of_lens = dict(recorded["test_lens[planted-gpt2-nnsight]"])
    assert of_lens["interp_model"] == "planted-gpt2"
    assert of_lens["interp_backend"] == "nnsight"
    assert len(of_lens["interp_fingerprint"]) == 16
    assert json.loads(of_lens["interp_result"])["crossover_layer"] == 4
    of_trace = json.loads(dict(recorded["test_trace[planted-gpt2-nnsight]"])["interp_result"])
    assert of_trace["peak"]["layer"] == 3
    assert "token 'Acropolis'" in of_trace["summary"]


def test_model_is_loaded_once_results_computed_once_and_both_released(pytester, spec):
    # under a name of its own: what other tests of this process hold is not shared with it
    pytester.makeconftest(
        "from pytest_interp.models import PlantedSource, register_model\n"
        "register_model('released', PlantedSource('gpt2'))"
    )
    spec(
        """
import weakref
from pytest_interp import FactSet

pytestmark = pytest.mark.interp(model="released")
modules, results = [], {}

def same(key, result):
    return results.setdefault(key, weakref.ref(result))() is result

def test_first(adapter, lens, trace):
    modules.append(weakref.ref(adapter.weights.module))
    results.clear()
    for asked in (lens(FACT.clean_prompt, " Paris"), lens(FACT.clean_prompt, " Paris", -1)):
        assert same("lens", asked)
    assert not same("lens", lens(FACT.clean_prompt, " Rome"))
    assert same("trace", trace(FACT, layers=[1, 2]))

def test_second(adapter, lens, trace):
    assert adapter.weights.module is modules[0]()
    assert same("lens", lens(FACT.clean_prompt, " Paris", layers=None))
    assert same("trace", trace(FACT, site="resid_post", layers=range(1, 3)))
    assert not same("trace", trace(FACT, layers=[1, 2], direction="noise"))
    facts = FactSet.of([FACT])
    assert trace(facts).traces[0] is trace(facts).traces[0]
    assert lens.adapter.backend == lens(FACT.clean_prompt, " Paris").provenance.backend

def test_weights_are_those_of_the_adapters(model):
    assert model.module is modules[0]()

def test_nothing_is_left():
    assert len(modules) == 2
    assert [module() for module in modules] == [None, None]
    assert [result() for result in results.values()] == [None, None]
"""
    )
    run(pytester).assert_outcomes(passed=6)
    again = run(pytester)  # with results of the first run, and models that wait
    again.assert_outcomes(passed=6)
    is_off = os.environ.get("INTERP_TESTS_RESULTS") == "off"
    assert ("came from earlier runs" in again.stdout.str()) is not is_off


def test_other_checkpoint_keeps_the_name(pytester, spec):
    spec(
        """
def test_x(adapter, lens):
    provenance = lens(FACT.clean_prompt, " Paris").provenance
    assert provenance.model == adapter.name == "planted-gpt2"
    assert provenance.source == "planted llama"

@pytest.mark.interp(model="mine")
def test_unregistered(model):
    assert model.name == "mine"
    assert model.source == "planted qwen3"
"""
    )
    result = run(
        pytester,
        "-v",
        "--interp-backend=nnsight",
        "--interp-model=planted-gpt2=planted-llama",
        "--interp-model=mine=planted-qwen3",
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_x[[]planted-gpt2-nnsight[]] PASSED*"])


def test_checkpoint_folder_is_relative_to_where_it_is_named(pytester, spec):
    spec('def test_x(model):\n    assert model.source.startswith("folder ")')
    (pytester.path / "sub").mkdir()
    (pytester.path / "sub" / "checkpoint").mkdir()
    pytester.makeini("[pytest]\ninterp_model = planted-gpt2=sub/checkpoint\n")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    # found, and refused for what it is: an error, not a skip
    result.stdout.fnmatch_lines([f"*NotAModelError*{pytester.path}/sub/checkpoint*"])


def test_every_other_error_fails(pytester, spec):
    spec("def test_x(model): ...\n")
    result = run(pytester, "--interp-device=tpu")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*DeviceError: unknown device 'tpu'*"])


def test_fixtures_may_be_overridden(pytester, spec):
    pytester.makeconftest(
        """
import dataclasses
import pytest
from pytest_interp import load_model
from pytest_interp.models import load_weights

@pytest.fixture(scope="session")
def model(model):
    return dataclasses.replace(model, source="overridden")
"""
    )
    spec("def test_x(lens):\n    assert lens.adapter.weights.source == 'overridden'\n")
    pytester.mkpydir("other").joinpath("test_own.py").write_text(
        """
import pytest
from pytest_interp import load_model

@pytest.fixture(scope="module")
def adapter():
    return load_model("planted-llama", "nnsight")

def test_own(lens, trace):
    result = lens("visitors say that Acropolis stands in", " Paris")
    assert result.provenance.model == "planted-llama"
"""
    )
    result = run(pytester, "-v", "--interp-backend=nnsight")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_own PASSED*"])


@pytest.mark.slow
def test_workers_of_xdist(pytester, spec):
    pytest.importorskip("xdist")
    spec(
        LENS
        + """
import weakref
seen = {}

@pytest.mark.interp(model=["planted-gpt2", "planted-llama"], backends=["nnsight"])
@pytest.mark.parametrize("n", range(4))
def test_one_model_at_a_time(model, n):
    for name, module in seen.items():
        assert name == model.name or module() is None
    seen[model.name] = weakref.ref(model.module)
"""
    )
    junit = pytester.path / "junit.xml"
    result = pytester.runpytest_subprocess(
        *ARGUMENTS,
        "-n2",
        "--interp-backend=nnsight",
        f"--junitxml={junit}",
        "-o",
        "junit_family=xunit1",
    )
    result.assert_outcomes(passed=10)
    assert dict(properties(junit)["test_lens[planted-gpt2-nnsight]"])["interp_fingerprint"]


def test_without_the_plugin_or_xdist(pytester):
    pytester.makepyfile(
        "def test_x(request): assert not request.config.pluginmanager.hasplugin('interp')"
    )
    run(pytester, "-p", "no:interp").assert_outcomes(passed=1)
