"""What a planted model says on labelled prompts, and classes by what it says."""

from dataclasses import replace

import pytest

from pytest_interp import FactSet, PromptSet, load_model
from pytest_interp.cli import main
from pytest_interp.errors import PromptError
from pytest_interp.experiments.behaviour import known_or_not, say
from pytest_interp.facts.labelled import LabelledPrompt
from pytest_interp.planted import planted_told_model


@pytest.fixture(scope="module")
def adapter():
    return load_model("planted-told-gpt2", "nnsight")


@pytest.fixture(scope="module")
def prompts():
    return planted_told_model().prompts(192)


def test_what_is_said_is_right_where_the_text_told_it_and_abstaining_elsewhere(adapter, prompts):
    said = say(adapter, prompts)
    assert [one.prompt for one in said] == list(prompts)
    for one in said:
        assert one.right is (True if one.prompt.label == "told" else None)
        assert one.abstains is (one.prompt.label == "untold")
        assert 0 < one.probability <= 1
        assert one.token.strip() == (one.prompt.answer or " unknown").strip()


KNOWN = pytest.mark.guarantee(
    "green",
    "A subject is labelled as known where the model is right in two wordings at least.",
    sees="What a model guesses in one wording is not called known.",
)


@KNOWN
def test_a_group_that_is_right_in_one_wording_alone_is_unknown(adapter, prompts):
    told = prompts.of("told")
    found = known_or_not(adapter, told)
    assert set(found.labels) == {"known"}
    one = told.groups[0]
    kept = next(p.template for p in told if p.group == one)
    wrong = {p.id for p in told if p.group == one and p.template != kept}
    assert wrong
    answer = {p.id: " unknown" if p.id in wrong else p.answer for p in told}
    changed = replace(told, prompts=tuple(replace(p, answer=answer[p.id]) for p in told))
    found = known_or_not(adapter, changed)
    assert {p.group for p in found.of("unknown")} == {one}
    assert found.classes == ("known", "unknown")


@KNOWN
def test_prompts_without_an_answer_keep_their_class_and_others_of_known_groups_are_a_third(
    adapter, prompts
):
    told = prompts.of("told")
    one = told.groups[0]
    wrong = replace(
        prompts,
        prompts=tuple(
            replace(p, answer=" unknown") if p.group == one and p.answer else p for p in prompts
        ),
    )
    others = PromptSet(
        "currencies",
        tuple(
            LabelledPrompt(id=group, text=f"Note : {group} has a", label="x", group=group)
            for group in dict.fromkeys(told.groups)
        ),
    )
    found = known_or_not(adapter, wrong, others)
    assert set(found.classes) == {"known", "unknown", "untold", "other attribute"}
    assert found.classes[0] == "known"
    assert {p.group for p in found.of("other attribute")} == set(told.groups) - {one}


def test_one_wording_and_no_answers_are_refused(adapter, prompts):
    told = prompts.of("told")
    with pytest.raises(PromptError, match="are asked in one wording"):
        known_or_not(adapter, told.where(lambda p: p.template == "wording-0"))
    with pytest.raises(PromptError, match="give answers"):
        known_or_not(adapter, prompts.of("untold"))


def test_facts_are_asked_by_their_subjects(adapter, prompts):
    from pytest_interp.facts.prompts import FactPrompt
    from pytest_interp.facts.sets import Fact

    facts = FactSet(
        "homes",
        tuple(
            Fact(
                p.id,
                p.template,
                FactPrompt(
                    clean_prompt=p.text,
                    answer=p.answer,
                    counterfactual_answer=" unknown",
                    subject=p.group,
                ),
            )
            for p in prompts.of("told")
        ),
    )
    assert known_or_not(adapter, facts).groups == prompts.of("told").groups


PROMPTS = """\
abstain: [" unknown"]
prompts:
  - {label: told, group: Ana, answer: " Paris",
     text: "Note : Ana lives in Paris . Ben lives in Rome . Where does Ana live ? Answer:"}
  - {label: untold, group: Ana,
     text: "Note : Carl lives in Paris . Ben lives in Rome . Where does Ana live ? Answer:"}
"""


def test_the_command_says_what_a_model_does_in_each_class(tmp_path, capsys):
    (tmp_path / "homes.yaml").write_text(PROMPTS)
    assert main(["facts", "planted-told-gpt2", str(tmp_path / "homes.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "planted-told-gpt2 on 2 prompts of homes"
    assert lines[1].split() == [
        "class",
        "prompts",
        "groups",
        "right",
        "known",
        "abstains",
        "confidence",
        "says",
    ]
    assert lines[2].split()[:5] == ["told", "1", "1", "1/1", "0/1"]
    assert lines[3].split()[:4] == ["untold", "1", "1", "1/1"]
    assert "unknown" in lines[3]


WORDINGS = """\
prompts:
  - {label: told, group: Ana, template: first, answer: " Paris",
     text: "Note : Ana lives in Paris . Ben lives in Rome . Where does Ana live ? Answer:"}
  - {label: told, group: Ana, template: last, answer: " Paris",
     text: "Note : Ben lives in Rome . Ana lives in Paris . Where does Ana live ? Answer:"}
  - {label: told, group: Ben, template: first, answer: " Rome",
     text: "Note : Ben lives in Rome . Ana lives in Paris . Where does Ben live ? Answer:"}
  - {label: told, group: Ben, template: last, answer: " Paris",
     text: "Note : Ana lives in Paris . Ben lives in Rome . Where does Ben live ? Answer:"}
"""


@KNOWN
def test_the_command_counts_what_is_right_in_two_wordings(tmp_path, capsys):
    (tmp_path / "homes.yaml").write_text(WORDINGS)
    assert main(["facts", "planted-told-gpt2", str(tmp_path / "homes.yaml")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[2].split()[:5] == ["told", "4", "2", "3/4", "1/2"]
    assert "right: the top token is the answer\nknown: groups in which it is right in 2 w" in out


def test_the_command_names_the_nearest_set(capsys):
    assert main(["facts", "planted-told-gpt2", "told-or-nott"]) == 2
    assert "Did you mean 'told-or-not'" in capsys.readouterr().err
