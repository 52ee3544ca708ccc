"""A claim from outside is a real claim: the example of the documentation, in Python and in YAML."""

import runpy
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml

import pytest_interp.adapters.nnsight
import pytest_interp.figures
import pytest_interp.specs.running
import pytest_interp.stats  # noqa: F401 - a run in this process would load it a second time
from pytest_interp import FactSet
from pytest_interp.claims import Status
from pytest_interp.cli import main
from pytest_interp.errors import ClaimError, ClaimFailed
from pytest_interp.planted import planted_model
from pytest_interp.results import Control
from tests.claims.conftest import join, make_fact, make_set, make_trace

EXAMPLE = Path(__file__).parents[2] / "docs" / "own_claim.py"
SPEC = {
    "model": "planted-gpt2",
    "backends": ["nnsight"],
    "experiment": "causal_traces",
    "claims": [
        {"outdoes": {"position": "subject", "other": "last", "layer_range": [0, 3]}},
        {"outdoes": {"position": "subject", "other": "last", "layer_range": [0, 4]}},
    ],
}


@pytest.fixture
def own():
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    facts = FactSet.of(planted_model("gpt2").facts)
    text = yaml.safe_dump(SPEC | {"inputs": {"facts": asdict(facts)}}, sort_keys=False)
    tmp_path.joinpath("some.interp.yaml").write_text(text)
    return "some.interp.yaml"


def test_it_has_intervals_controls_and_three_outcomes(own, traces):
    check = own["check_outdoes"]
    verdict = check(traces, "subject", "last", (0, 2), at_least=0.8)
    assert verdict.status is Status.PASSED
    assert (verdict.n_prompts, verdict.n_clusters, verdict.confidence) == (20, 5, 0.95)
    assert verdict.effect.low < verdict.effect.value < verdict.effect.high
    assert verdict.effect.where.endswith("subject - last")
    assert [control.name for control in verdict.controls] == ["whole state"]

    failed = check(traces, "subject", "last", (2, 3))
    assert failed.status is Status.FAILED
    assert "layer 3, subject - last: -" in str(failed)
    with pytest.raises(ClaimFailed):
        own["assert_outdoes"](traces, "subject", "last", (2, 3))

    wide = check(make_set(n=6, spread=0.5), "subject", "last", (0, 2), at_least=0.9)
    assert wide.status is Status.INCONCLUSIVE
    assert "interval crosses the limit" in wide.sentence


def test_what_no_claim_rests_on_undoes_this_one_too(own):
    check, said = own["check_outdoes"], []
    unknown = [make_trace(fact=make_fact(i), clean=-1.0, corrupt=-3.0) for i in range(3)]
    undefined = np.full((6, 3), np.nan)
    loud = Control("unrelated pair", 0.9, 0.5)
    for traces, terms in (
        (join(unknown), {}),
        (make_trace(noise=undefined), {}),
        (make_trace(), {"controls": [loud]}),
    ):
        verdict = check(traces, "subject", "last", (0, 2), **terms)
        assert verdict.status is Status.INCONCLUSIVE
        said.append(verdict.sentence)
    assert [words.split()[:2] for words in said] == [
        ["The", "model"],
        ["Undefined", "is"],
        ["All", "3"],
    ]
    with pytest.raises(
        ClaimError, match=r"check_outdoes takes no argument 'sed': did you mean 'seed'"
    ):
        check(make_trace(), "subject", "last", (0, 2), sed=1)
    with pytest.raises(ClaimError, match="name others"):
        check(make_trace(), "subject", "subject_rest", (0, 2))


def test_it_serves_spec_files_under_pytest(own, pytester, spec):
    pytester.makeconftest(EXAMPLE.read_text())
    pytester.path.joinpath(spec).write_text(Path(spec).read_text())
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "failed: * at layer *",
            "some.interp.yaml:*: outdoes: {*layer_range: [[]0, 4]}",
            "False in 1 of 5*",
        ]
    )


def test_it_serves_spec_files_on_the_command_line(own, spec, tmp_path):
    assert main(["run", "causal_traces", "--config", spec, "--tag", "a"]) == 1
    claims = yaml.safe_load((tmp_path / "outputs/causal_traces/a/claims.yaml").read_text())
    assert [claim["status"] for claim in claims] == ["passed", "failed"]
    assert claims[0]["verdict"]["n_prompts"] > 1
    assert claims[0]["verdict"]["controls"]
