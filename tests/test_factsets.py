"""Fact sets and the shipped facts."""

import pytest

from pytest_interp import FactPrompt, FactSet, load_facts
from pytest_interp.errors import PromptError, SpecError, UnknownNameError
from pytest_interp.facts import fact_sets, shipped

FILE = """
name: capitals
templates:
  plain: "The capital of {} is"
facts:
  - {template: plain, subject: France, answer: " Paris", other: Japan, other_answer: " Tokyo"}
  - {id: mine, template: plain, subject: "true", answer: " x", other: Spain, other_answer: " y"}
"""


def test_yaml_file(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text(FILE)
    facts = FactSet.from_yaml(path)
    first, second = facts
    assert first.prompt == FactPrompt(
        "The capital of France is", "The capital of Japan is", " Paris", " Tokyo", "France"
    )
    assert (first.id, second.id) == ("plain-france-japan", "mine")
    assert (len(facts), facts.templates, facts.name) == (2, ("plain",), "capitals")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("subject: France", "topic: France"), r"fact 0 lacks \['subject'\].*take \['topic'\]"),
        (("template: plain, subject: France", "template: odd, subject: France"), "'odd'; known"),
        (('"The capital of {} is"', '"The capital is"'), "needs exactly one {}"),
        (("facts:", "fact:"), "mapping with 'templates' and 'facts'"),
        (("{template: plain, subject: France", "{template: [}"), "cannot read the fact file"),
    ],
)
def test_wrong_files_are_refused(tmp_path, change, says):
    path = tmp_path / "facts.yaml"
    path.write_text(FILE.replace(*change))
    with pytest.raises(SpecError, match=says):
        FactSet.from_yaml(path)


def test_bare_prompts_cluster_by_wording():
    facts = FactSet.of(
        FactPrompt(text.format(a), text.format(b), " x", " y", a)
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


def test_shipped_facts_read_and_are_many():
    names = fact_sets()
    assert {"capitals", "landmarks", "languages"} <= set(names)
    assert len(shipped()) == sum(len(load_facts(name)) for name in names) >= 60
    assert len(load_facts("capitals")) >= 30
    assert len(load_facts("capitals").templates) == 5
    # YAML would read a bare word like this as a truth value
    assert any(fact.prompt.subject == "true" for fact in load_facts("opposites"))


def test_unknown_fact_set_names_the_nearest():
    with pytest.raises(UnknownNameError, match="'capitals'"):
        load_facts("capital")
