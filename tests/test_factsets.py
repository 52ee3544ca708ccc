"""Fact sets, trace sets and the shipped facts."""

import numpy as np
import pytest

from pytest_interp import FactPrompt, FactSet, load_facts
from pytest_interp.errors import ClaimError, PromptError, SpecError, UnknownNameError
from pytest_interp.facts import fact_sets, shipped
from pytest_interp.factsets import TraceSet, role_effect, role_positions
from pytest_interp.results import TraceResult

FILE = """
name: capitals
templates:
  plain: "The capital of {} is"
facts:
  - {template: plain, subject: France, answer: " Paris", other: Japan, other_answer: " Tokyo"}
  - {id: mine, template: plain, subject: "true", answer: " x", other: Spain, other_answer: " y"}
"""


def made(effect, subject=(1,), n_layers=2, **changes):
    """A trace with this effect [layer, position]."""
    effect = np.asarray(effect, dtype=float)
    settings = {
        "fact": FactPrompt("a b c d", "a x c d", " y", " n"),
        "site": "resid_post",
        "direction": "denoise",
        "metric": "logit_diff",
        "corruption": "interchange",
        "layers": tuple(range(len(effect))),
        "str_tokens": tuple("abcdefgh"[: effect.shape[1]]),
        "corrupt_str_tokens": tuple("axcdefgh"[: effect.shape[1]]),
        "corrupted_positions": subject,
        "subject_positions": subject,
        "clean_metric": 4.0,
        "corrupt_metric": -4.0,
        "patched_metric": 8 * effect - 4,
    }
    return TraceResult(**{**settings, **changes})


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


def test_roles_align_prompts_of_different_shape():
    short = made([[0, 1, 0, 0], [0, 0, 0, 1]], subject=(1,))
    long = made([[0, 0, 1, 0.5, 0], [0, 0.2, 0, 0, 1]], subject=(1, 2))
    both = TraceSet((short, long), ("t", "u"), ("1", "2"))
    np.testing.assert_allclose(both.effect("subject"), [[1, 0], [1, 0.2]], atol=1e-12)
    np.testing.assert_allclose(both.effect("last"), [[0, 1], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(both.effect("between"), [[0, 0], [0.5, 0]], atol=1e-12)
    assert role_positions(long, "subject_rest") == (1,)
    assert np.isnan(role_effect(short, "subject_rest")).all()
    assert role_positions(short, -1) == (3,)
    with pytest.raises(ClaimError, match="outside of the prompt"):
        role_positions(short, 4)


def test_split_is_disjoint_and_seeded():
    traces = TraceSet(
        tuple(made([[0, 1, 0, 0]]) for _ in range(10)), ("t",) * 10, tuple("abcdefghij")
    )
    first, second = traces.split(0.4, seed=1)
    assert (len(first), len(second)) == (4, 6)
    assert sorted(first.ids + second.ids) == sorted(traces.ids)
    assert traces.split(0.4, seed=1)[0].ids == first.ids
    with pytest.raises(ClaimError, match="a part is empty"):
        traces.split(0.01)


def test_traces_made_in_different_ways_do_not_mix():
    with pytest.raises(ClaimError, match="differ in direction"):
        TraceSet((made([[0, 1]]), made([[0, 1]], direction="noise")), ("t", "t"), ("1", "2"))


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
