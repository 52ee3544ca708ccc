"""Sets of facts, and the shipped ones."""

import pytest

from pytest_interp import FactPrompt, FactSet, load_facts
from pytest_interp.errors import PromptError, SpecError, UnknownNameError
from pytest_interp.facts.named import facts_or_prompts
from pytest_interp.facts.shipped import fact_sets, shipped_facts


def test_bare_prompts_cluster_by_wording():
    facts = FactSet.of(
        FactPrompt(
            clean_prompt=text.format(a),
            corrupt_prompt=text.format(b),
            answer=" x",
            counterfactual_answer=" y",
            subject=a,
        )
        for text in ("The {} is", "A {} was")
        for a, b in (("cat", "dog"), ("cow", "hen"))
    )
    assert facts.templates == ("The {} is", "A {} was")
    assert len(facts.take(3)) == 3
    assert len(facts.where(lambda fact: fact.template == "The {} is")) == 2


def test_empty_and_repeated_ids_are_refused():
    with pytest.raises(PromptError, match="empty"):
        FactSet("none", ())
    fact = load_facts("capitals").facts[0]
    with pytest.raises(PromptError, match="several facts"):
        FactSet("twice", (fact, fact))


def test_the_same_prompts_under_two_ids_are_refused():
    prompt = load_facts("capitals").facts[0].prompt
    with pytest.raises(
        PromptError, match=f"same prompts twice, at 0 and 1: '{prompt.clean_prompt}"
    ):
        FactSet.of([prompt, prompt])


def test_a_fact_by_its_id():
    facts = load_facts("capitals")
    assert facts.find(facts.facts[3].id) is facts.facts[3]
    with pytest.raises(UnknownNameError, match=r"among the 37 of .*nearest: capitals-plain-france"):
        facts.find("capitals-plain-frnce")


def test_shipped_facts_read_and_are_many():
    names = fact_sets()
    assert {"capitals", "landmarks", "languages"} <= set(names)
    assert len(shipped_facts()) == sum(len(load_facts(name)) for name in names) >= 60
    assert len(load_facts("capitals")) >= 30
    assert len(load_facts("capitals").templates) == 5
    # YAML would read a bare word like this as a truth value
    assert any(fact.prompt.subject == "true" for fact in load_facts("opposites"))


def test_unknown_fact_set_names_the_nearest():
    with pytest.raises(UnknownNameError, match="'capitals'"):
        load_facts("capital")


def test_a_name_is_a_shipped_set_or_a_file(tmp_path):
    assert facts_or_prompts("capitals") == load_facts("capitals")
    with pytest.raises(SpecError, match=r"capitals\.yaml.*No such file"):
        facts_or_prompts(str(tmp_path / "capitals.yaml"))
