"""Labelled prompts that are drawn from texts with named slots, in code and in a file."""

from collections import Counter

import pytest

from pytest_interp import PromptSet
from pytest_interp.errors import PromptError, SpecError

TEXTS = {
    "told": {
        "lives": [
            "{person} lives in {city}. {person_2} lives in {city_2}. Where does {person} live?",
            "{person_2} lives in {city_2}. {person} lives in {city}. Where does {person} live?",
        ],
        "home": "{person}: {city}. {person_2}: {city_2}. {{Home}} of {person}?",
    },
    "untold": {
        "lives": [
            "{person_3} lives in {city}. {person_2} lives in {city_2}. Where does {person} live?",
            "{person_2} lives in {city_2}. {person_3} lives in {city}. Where does {person} live?",
        ],
        "home": "{person_3}: {city}. {person_2}: {city_2}. {{Home}} of {person}?",
    },
}
SLOTS = {
    "person": ["Ana", "Ben", "Carl", "Dora", "Emil", "Fred", "Gina", "Hugo"],
    "city": ["Paris", "Rome", "Berlin", "Madrid"],
}
ANSWERS = {"told": " {city}", "untold": " unknown"}


def drawn(texts=TEXTS, slots=SLOTS, group="person", n_per_class=32, answers=ANSWERS, **more):
    return PromptSet.from_templates(
        "homes", texts, slots, group=group, n_per_class=n_per_class, answers=answers, **more
    )


BALANCED = pytest.mark.guarantee(
    "green",
    "Prompts that are drawn from templates are balanced by group, wording and place, and differ "
    "between the classes only where the texts do.",
    sees="A probe that learns names, cities or places is at chance.",
)


@BALANCED
def test_groups_wordings_and_places_are_balanced_in_each_class():
    made = drawn()
    for label in ("told", "untold"):
        of = made.of(label)
        assert set(Counter(of.groups).values()) == {4}
        assert set(Counter(zip(of.groups, of.templates, strict=True)).values()) == {2}
        lives = of.where(lambda prompt: prompt.template == "lives")
        first = Counter(
            SLOTS["city"].index(prompt.text.split(" lives in ")[1].split(".")[0])
            for prompt in lives
        )
        assert sum(first.values()) == 16
    # the person is named first in half of the told prompts of this wording
    lives = made.where(lambda prompt: (prompt.label, prompt.template) == ("told", "lives"))
    assert sum(prompt.text.startswith(prompt.group) for prompt in lives) == 8
    assert set(Counter(prompt.answer for prompt in made.of("told")).values()) == {8}


@BALANCED
def test_prompts_of_one_number_differ_only_where_the_texts_do():
    made = drawn()
    for told, untold in zip(made.of("told"), made.of("untold"), strict=True):
        assert (told.group, told.template) == (untold.group, untold.template)
        changed = [a for a, b in zip(told.text.split(), untold.text.split(), strict=True) if a != b]
        assert [word.strip(":") for word in changed] == [told.group]


def test_what_is_drawn_depends_on_the_seed_alone():
    assert drawn(seed=3) == drawn(seed=3)
    assert drawn(seed=3) != drawn(seed=4)


def test_a_brace_of_the_text_is_written_twice():
    assert any("{Home} of" in prompt.text for prompt in drawn())


def test_one_class_makes_a_set_that_no_comparison_takes():
    made = drawn({"told": TEXTS["told"]}, answers={"told": " {city}"})
    assert made.classes == ("told",)
    with pytest.raises(PromptError, match="two are compared"):
        made.pair()


REFUSED = [
    (
        {"texts": {"told": {"x": "{persn} is"}}, "answers": {}},
        r"told\.x: \{persn\} is no slot.*per",
    ),
    ({"texts": {"told": {"x": "{person!r} is"}}, "answers": {}}, "is no slot"),
    ({"texts": {"told": {"x": "{person} {city_5}"}}, "answers": {}}, "5 values of the slot city"),
    ({"texts": {"told": {"x": "{person"}}, "answers": {}}, "braces do not match"),
    ({"texts": {"told": {"x": "in {city}"}}, "answers": {}}, r"put \{person\} in it"),
    ({"texts": {"told": {}}, "answers": {}}, "no wording"),
    ({"texts": {}, "answers": {}}, "there is no class"),
    ({"answers": {"tld": " x"}}, r"answers\.tld: no class has this name: told, untold"),
    ({"answers": {"told": " {town}"}}, r"answers\.told: \{town\} is no slot"),
    ({"group": "town"}, "give one of person, city"),
    ({"slots": {**SLOTS, "city": ["Rome", "Rome"]}}, r"slots\.city: .* each once"),
    ({"slots": {**SLOTS, "city_2": ["Rome"]}}, r"slots\.city_2: .* without a number"),
    ({"n_per_class": 0}, "at least 1"),
    ({"texts": {"a": {"x": "{person}"}}, "answers": {}}, "too few different prompts: 8 of 32"),
    (
        {"texts": {"a": {"x": "{person} {city}"}, "b": {"x": "{person} {city}"}}, "answers": {}},
        "texts of the classes differ",
    ),
]


@pytest.mark.guarantee(
    "messages",
    "Templates that cannot be drawn from are refused: unknown slots, too few values, a text "
    "without its group, too few different prompts.",
    sees="The class, the wording and the change that mends it; in a file, the line.",
)
@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_templates_are_refused_with_what_to_change(change, said):
    with pytest.raises(PromptError, match=said):
        drawn(**change)


FILE = """\
abstain: [" unknown"]
from_templates:
  group: person
  n_per_class: 32
  answers: {told: " {city}", untold: " unknown"}
  slots:
    person: [Ana, Ben, Carl, Dora, Emil, Fred, Gina, Hugo]
    city: [Paris, Rome, Berlin, Madrid]
  texts:
    told:
      lives: "{person} lives in {city}. Where does {person} live?"
    untold:
      lives: ["{person_2} lives in {city}. Where does {person} live?"]
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text):
        (tmp_path / "homes.yaml").write_text(text)
        return PromptSet.from_yaml("homes.yaml")

    return read


def test_a_file_gives_what_the_code_gives(read):
    texts = {
        "told": {"lives": "{person} lives in {city}. Where does {person} live?"},
        "untold": {"lives": "{person_2} lives in {city}. Where does {person} live?"},
    }
    assert read(FILE) == drawn(texts, abstain=[" unknown"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{person} lives", "{*s3cret*} lives", "homes.yaml:11: {(not shown)} is no slot: give one"),
        ("group: person", "group: persn", "homes.yaml:3: the group is no slot: give one of person"),
        ("Rome, Berlin", "Rome, Rome", "homes.yaml:8: a slot needs at least one value"),
        ("n_per_class: 32", "n_per_class: 33", "homes.yaml:4: there are too few different prompts"),
        ("n_per_class: 32", "n_per_class: 0", "homes.yaml:4:"),
        ("  group: person\n", "", "homes.yaml:2:"),
        ("from_templates:", "from_template:", "homes.yaml:2: unknown key 'from_template'"),
        ("abstain:", "prompts: [{text: a, label: b, group: c}]\nabstain:", "give either prompts"),
    ],
)
def test_mistakes_of_a_file_are_told_by_lines_and_never_by_values(read, old, new, said):
    with pytest.raises(SpecError) as told:
        read(FILE.replace(old, new, 1))
    assert said in str(told.value)
    assert "lives in" not in str(told.value)
    assert "s3cr" not in str(told.value)


@pytest.mark.parametrize(("key", "line"), [("text", 3), ("id", 3)])
def test_prompts_given_twice_are_refused_with_their_lines(read, key, line):
    entries = [{"text": "a", "id": "x"}, {"text": "b", "id": "y"}]
    entries[1][key] = entries[0][key]
    listed = [f"  - {{label: l, group: g, text: {e['text']}, id: {e['id']}}}" for e in entries]
    with pytest.raises(SpecError) as told:
        read("\n".join(["prompts:", *listed]))
    assert str(told.value).startswith(f"homes.yaml:{line}: this prompt has the {key} of the one in")
    assert "homes.yaml:2" in str(told.value)
