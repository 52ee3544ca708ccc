"""Lenses of many facts: as a spec file, and by the fixture."""

import json

import pytest

from pytest_interp.planted import planted_model
from tests.specs.spec_project import run

LENSES = """
model: planted-gpt2
backends: [transformer_lens, nnsight]
experiment: logit_lenses
facts_file: facts.yaml
inputs: {facts: all}
claims:
  - crystallises: {by_layer: 4, not_before: 4}
baseline: true
"""


@pytest.fixture
def lenses(project):
    """A project with a spec about eight facts in two templates."""
    facts = ["templates: {visitors: 'visitors say that {} stands in', everyone: '{}'}", "facts:"]
    facts[0] = facts[0].replace("'{}'}", "'everyone knows that {} stands in'}")
    for template in ("visitors", "everyone"):
        for fact in planted_model("gpt2").facts[:4]:
            other = fact.corrupt_prompt.split()[3]
            entry = {
                "id": f"{template}-{fact.subject}",
                "template": template,
                "subject": fact.subject,
                "answer": fact.answer,
                "other": other,
                "other_answer": fact.counterfactual_answer,
            }
            facts.append(f"  - {json.dumps(entry)}")
    project.path.joinpath("facts.yaml").write_text("\n".join(facts))
    project.path.joinpath("capital.interp.yaml").write_text(LENSES)
    return project


def test_claims_and_baseline_of_a_spec_file_under_both_backends(lenses):
    run(lenses, "--interp-update=missing", "-k", "transformer_lens").assert_outcomes(
        passed=2, deselected=2
    )
    kept = next(lenses.path.joinpath("baselines").rglob("*.json"))
    told = json.loads(kept.read_text())["result"]
    assert told["kind"] == "logit_lenses"
    assert told["settled_layer"] == [4] * 8
    assert len(list(kept.parent.glob("*.png"))) == 2, "its figure is kept, too"
    # what one backend wrote holds under the other
    run(lenses).assert_outcomes(passed=4)


def test_a_claim_that_is_false_fails(lenses):
    lenses.path.joinpath("capital.interp.yaml").write_text(LENSES.replace("4, not", "5, not"))
    run(lenses, "-k", "nnsight and crystallises").assert_outcomes(passed=1, deselected=3)
    early = LENSES.replace("by_layer: 4, not_before: 4", "by_layer: 3")
    lenses.path.joinpath("capital.interp.yaml").write_text(early)
    result = run(lenses, "-k", "nnsight and crystallises")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["capital.interp.yaml:8: crystallises: {by_layer: 3}"])


def test_the_fixture_takes_a_set(lenses):
    lenses.path.joinpath("capital.interp.yaml").unlink()
    lenses.makepyfile(
        """
        import pytest
        from pytest_interp import FactSet, LensSet, assert_crystallises, lens_facts

        pytestmark = pytest.mark.interp(model="planted-gpt2")

        def test_a_set(lens, adapter):
            facts = FactSet.from_yaml("facts.yaml")
            found = lens(facts)
            assert isinstance(found, LensSet)
            assert found.provenance.backend == adapter.backend
            assert found is lens(facts, layers=None)
            assert lens(facts, layers=range(2)).layers == (0, 1)
            assert assert_crystallises(found, by_layer=4).n_clusters == 2
            with pytest.raises(TypeError, match="answer"):
                lens("visitors say that Acropolis stands in")
        """
    )
    run(lenses).assert_outcomes(passed=2)
