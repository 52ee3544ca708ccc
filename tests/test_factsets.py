"""Fact sets and the shipped facts."""

import pytest

from pytest_interp import FactPrompt, FactSet, load_facts
from pytest_interp.errors import PromptError, SpecError, UnknownNameError
from pytest_interp.facts.shipped import fact_sets, shipped

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
        clean_prompt="The capital of France is",
        corrupt_prompt="The capital of Japan is",
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject="France",
    )
    assert (first.id, second.id) == ("plain-france-japan", "mine")
    assert (len(facts), facts.templates, facts.name) == (2, ("plain",), "capitals")


FIRST = "{template: plain, subject: France"


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("subject: France", "subjet: France"), 6, "unknown key 'subjet'. Did you mean 'subject'"),
        (("subject: France, ", ""), 6, "the fact lacks 'subject'"),
        ((FIRST, "{template: plan, subject: France"), 6, "'plan'. Did you mean 'plain'"),
        ((FIRST, "{template: plain, subject: no"), 6, "subject: expected text, got False: put"),
        (("id: mine, template: plain", "template: 1"), 7, "template: expected text, got 1"),
        (("id: mine", "id: plain-france-japan"), 7, "is that of the fact in facts.yaml:6 too"),
        (("{id: mine", "{id: 3"), 7, "id: expected text, got 3"),
        (('"The capital of {} is"', '"The capital is"'), 4, "needs exactly one {}"),
        (("name: capitals", "name: [a]"), 2, "name: expected text"),
        (("facts:", "fact:"), 5, "unknown key 'fact'. Did you mean 'facts'"),
        ((FIRST, "{template: [}"), 6, "expected the node content"),
        (("name: capitals", "name: &a [*a]"), 2, "contains itself"),
    ],
)
def test_wrong_files_are_refused_with_the_line(tmp_path, monkeypatch, change, line, says):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "facts.yaml"
    assert change[0] in FILE
    path.write_text(FILE.replace(*change))
    with pytest.raises(SpecError) as refused:
        FactSet.from_yaml(path)
    message = str(refused.value)
    assert message.startswith(f"facts.yaml:{line}: ")
    assert says in message
    assert "\n" not in message


def test_each_mistake_is_a_line(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text(FILE.replace("template: plain", "template: plan").replace("answer", "answr"))
    with pytest.raises(SpecError) as refused:
        FactSet.from_yaml(path)
    assert len(str(refused.value).splitlines()) == 6


def test_template_may_have_other_braces(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text(FILE.replace("of {} is", "of {} is {x}"))
    assert FactSet.from_yaml(path).prompts[0].clean_prompt == "The capital of France is {x}"


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
