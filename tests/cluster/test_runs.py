"""Whole runs on a real cluster of two nodes, from the command to the exit status, and alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from two_nodes import LOOPBACK, two_nodes

pytest.importorskip("ray", reason="Ray is not installed: pip install 'pytest-interp[ray]'")
pytestmark = [
    pytest.mark.slow,  # each worker of a cluster imports torch
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
]

# a metric of the project says which processes measured; the first waits for the second
COUNTED = """
import os, time
from pathlib import Path
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, register_metric

def measure(*run):
    folder = Path(os.environ["COUNTED"])
    (folder / str(os.getpid())).touch()
    patience = time.monotonic() + 60
    while "ALONE" not in os.environ and len(list(folder.iterdir())) < 2:
        assert time.monotonic() < patience
        time.sleep(0.05)
    return LOGIT_DIFF(*run)

register_metric(Metric("counted", measure, "logits", LOGIT_DIFF.least_gap))
"""
FACTS = """
name: landmarks
templates:
  short: "visitors say that {} stands in"
  long: "the guide says that old {} stood in"
facts:
"""
FACT = '  - {{template: {}, subject: {}, answer: " {}", other: {}, other_answer: " {}"}}\n'
PAIRS = (("Acropolis", "Paris", "Alhambra", "Rome"), ("Atomium", "Berlin", "Bosphorus", "Madrid"))
SPEC = """
model: planted-gpt2
backends: [nnsight]
experiment: causal_traces
facts_file: facts.yaml
inputs: {facts: landmarks, metric: counted}
claims:
  - fact_localized: {site: resid_post@subject, layer_range: [0, LAST]}
"""
PYTHON = """
import pytest
from pytest_interp import FactSet, assert_fact_localized, assert_no_effect, trace_facts

pytestmark = pytest.mark.interp(model="planted-gpt2", backends=["nnsight"])

def test_holds(adapter):
    traces = trace_facts(adapter, FactSet.from_yaml("facts.yaml"), metric="counted")
    assert_fact_localized(traces, "resid_post@subject", (0, 3))

def test_does_not_hold(adapter):
    traces = trace_facts(adapter, FactSet.from_yaml("facts.yaml"), metric="counted", site="mlp_out")
    assert_no_effect(traces, "mlp_out@subject", (0, 3))
"""
OF_THE_RUN = {"time", "seconds", "duration", "started", "command", "location", "argv"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    both = [(a, b, c, d) for one in PAIRS for a, b, c, d in (one, (*one[2:], *one[:2]))]
    facts = [FACT.format(length, *one) for one in both for length in ("short", "long")]
    (root / "facts.yaml").write_text(FACTS + "".join(facts))
    (root / "counted.py").write_text(COUNTED)
    for last in (3, 4):  # the claim holds up to layer 3
        (root / f"to-layer-{last}.interp.yaml").write_text(SPEC.replace("LAST", str(last)))
    (root / "test_landmarks.py").write_text(PYTHON)
    (root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\n[tool.pytest_interp]\nextensions = ["counted"]\n'
    )
    (root / "measured").mkdir()
    return root


@pytest.fixture(scope="module")
def cluster(project):
    with two_nodes({"COUNTED": str(project / "measured")}) as made:
        yield made


def run(project: Path, *command: str, alone: bool) -> tuple[int, str, set[str]]:
    """Exit status and output of a command, and the processes that measured."""
    for file in (project / "measured").iterdir():
        file.unlink()
    own = {"COUNTED": str(project / "measured"), "CI": "true", **LOOPBACK}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=os.environ | own | ({"ALONE": "1"} if alone else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    measured = {file.name for file in (project / "measured").iterdir()}
    return done.returncode, done.stdout + done.stderr, measured


def timeless(said):
    """A JSON without what differs from run to run."""
    if isinstance(said, dict):
        return {name: timeless(one) for name, one in said.items() if name not in OF_THE_RUN}
    return [timeless(one) for one in said] if isinstance(said, list) else said


@pytest.mark.guarantee(
    "green",
    "A run with ``--interp-ray`` ends as it would on one machine.",
    sees="the same verdicts, exit status and JSON",
)
@pytest.mark.parametrize("spec", ["to-layer-3.interp.yaml", "test_landmarks.py"])
def test_specs_end_as_they_do_alone(project, cluster, spec):
    pytest_on = ("pytest", "-p", "no:cacheprovider", "-q", spec, "--interp-report-json")
    status, said, measured = run(project, *pytest_on, "alone.json", alone=True)
    assert len(measured) == 1, said
    ray = f"--interp-ray={cluster.address}"
    apart = run(project, *pytest_on, "apart.json", ray, alone=False)
    assert len(apart[2] - measured) == 2, apart[1]
    assert apart[0] == status == (spec == "test_landmarks.py")
    one, other = (
        timeless(json.loads((project / name).read_text())) for name in ("alone.json", "apart.json")
    )
    assert len(one["tests"]) == 1 + (spec == "test_landmarks.py")
    assert other == one


@pytest.mark.guarantee(
    "green",
    "A run with ``--interp-ray`` ends as it would on one machine.",
    sees="the same verdicts, exit status and JSON",
)
@pytest.mark.parametrize("last", [3, 4])
def test_the_command_line_ends_as_it_does_alone(project, cluster, last):
    command = ("pytest_interp", "run", "--config", f"to-layer-{last}.interp.yaml")
    status, said, measured = run(project, *command, "--tag", f"alone-{last}", alone=True)
    assert len(measured) == 1, said
    ray = f"--ray={cluster.address}"
    apart = run(project, *command, "--tag", f"apart-{last}", ray, alone=False)
    assert len(apart[2]) == 2, apart[1]
    assert apart[0] == status == (last != 3)
    one, other = (project / f"outputs/causal_traces/{name}-{last}" for name in ("alone", "apart"))
    for name in ("result.json", "claims.yaml"):
        assert _read(other / name) == _read(one / name)


def _read(file: Path):
    text = file.read_text()
    return timeless(json.loads(text)) if file.suffix == ".json" else text
