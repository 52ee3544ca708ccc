"""What the shipped sets of labelled prompts promise."""

from collections import Counter

import pytest

from pytest_interp import load_model, load_prompts
from pytest_interp.errors import UnknownNameError
from pytest_interp.facts import invented, told
from pytest_interp.facts.prompts import encode, single_token
from pytest_interp.facts.shipped_prompts import prompt_sets

NAMES = ("known-or-invented", "told-or-not")


@pytest.fixture(scope="module")
def tokenizer():
    return load_model("smollm2-135m", "transformer_lens").tokenizer


def test_the_names():
    assert prompt_sets() == NAMES
    with pytest.raises(UnknownNameError, match=r"told-or-not.*PromptSet\.from_yaml"):
        load_prompts("told-or-nott")


@pytest.mark.guarantee(
    "green",
    "Answers and abstaining words of the shipped prompt sets are single tokens for SmolLM2.",
    sees="An answer is scored whole, never by its first letters.",
)
@pytest.mark.parametrize("name", NAMES)
def test_answers_and_abstaining_words_are_single_tokens(tokenizer, name):
    prompts = load_prompts(name)
    assert prompts.abstain
    for text in {*prompts.abstain, *(p.answer for p in prompts if p.answer is not None)}:
        single_token(tokenizer, text)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_there_twice_for_the_tokenizer(tokenizer, name):
    ids = [encode(tokenizer, prompt.text) for prompt in load_prompts(name)]
    assert len(set(ids)) == len(ids)


@pytest.mark.guarantee(
    "green",
    "No group of labelled prompts is on both sides of a split.",
    sees="A direction is tried on people and countries that it was not fitted on.",
)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NAMES)
def test_no_group_is_on_both_sides_of_a_split(name, seed):
    prompts = load_prompts(name)
    one, other = prompts.split(seed=seed)
    assert not set(one.groups) & set(other.groups)
    assert len(one) + len(other) == len(prompts)
    assert set(one.classes) == set(other.classes) == set(prompts.classes)


@pytest.mark.parametrize("seed", [0, 1])
def test_told_or_not_is_balanced_by_person_wording_and_place(seed):
    prompts = told.told_or_not(seed=seed)
    cells = Counter(zip(prompts.groups, prompts.labels, prompts.templates, strict=True))
    assert set(cells.values()) == {1}
    assert len(cells) == len(told.PEOPLE) * 2 * 2
    answers = Counter(prompt.answer for prompt in prompts.of("told"))
    assert len(answers) == len(told.CITIES)
    assert max(answers.values()) - min(answers.values()) <= 1
    for wording in told.WORDINGS:
        places = Counter()
        for prompt in prompts.of("told"):
            if prompt.template == wording:
                scene = prompt.text.split("\n")[-1].split(". ")[: told.IN_A_SCENE]
                (place,) = [i for i, said in enumerate(scene) if prompt.group in said]
                places[place] += 1
        assert len(places) == told.IN_A_SCENE
        assert max(places.values()) - min(places.values()) <= 1


def test_the_person_is_named_in_told_scenes_alone():
    for prompt in told.told_or_not():
        scene, _, question = prompt.text.split("\n")[-1].rpartition(". ")
        assert prompt.group in question
        assert (prompt.group in scene) == (prompt.label == "told")


@pytest.mark.parametrize("n", [80, 160])
def test_told_and_untold_prompts_differ_in_one_name_of_the_scene(n):
    prompts = told.told_or_not(n)
    assert len(prompts) == n
    for one, other in zip(prompts.of("told"), prompts.of("untold"), strict=True):
        assert (one.group, one.template) == (other.group, other.template)
        words = zip(one.text.split(), other.text.split(), strict=True)
        ((was, now),) = [pair for pair in words if pair[0] != pair[1]]
        assert was == one.group
        assert now in told.PEOPLE


def test_an_invented_country_is_matched_with_a_real_one(tokenizer):
    def n_tokens(name):
        return len(encode(tokenizer, f'"{name}"'))

    names = {name for _, name in invented.COUNTRIES.values()}
    assert len(names) == len(invented.COUNTRIES)
    assert not names & {*invented.COUNTRIES, *invented.EXAMPLES}
    assert not set(invented.EXAMPLES) & set(invented.COUNTRIES)
    for real, (_, name) in invented.COUNTRIES.items():
        assert len(name) == len(real)
        assert name[-2:] == real[-2:] or name[-1:] == real[-1:]
        assert n_tokens(name) == n_tokens(real)


def test_real_and_invented_countries_follow_the_same_lists(tokenizer):
    prompts = load_prompts("known-or-invented")
    assert set(Counter(zip(prompts.groups, prompts.templates, strict=True)).values()) == {2}
    for real, made in zip(prompts.of("known"), prompts.of("invented"), strict=True):
        assert made.group == real.group  # they are not independent
        assert made.text == real.text.replace(real.group, invented.COUNTRIES[real.group][1])
        assert len(encode(tokenizer, made.text)) == len(encode(tokenizer, real.text))
        assert real.answer is not None
        assert made.answer is None
