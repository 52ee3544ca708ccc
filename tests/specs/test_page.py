"""What the page about spec files shows is so."""

import re
from pathlib import Path

import pytest
import yaml

from pytest_interp.errors import SpecError
from pytest_interp.specs.schema import read_spec

PAGE = (Path(__file__).parents[2] / "docs" / "yaml.md").read_text(encoding="utf-8")
SPEC, FACTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[:2]
MISTAKES = re.search(r"## Mistakes.*?```text\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
WITH_FACTS = SPEC.replace("inputs:\n", "facts_file: facts.yaml\ninputs:\n")


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()

    def read(spec, facts=FACTS):
        Path("specs/facts.yaml").write_text(facts)
        Path("specs/france.interp.yaml").write_text(spec)
        return read_spec(Path("specs/france.interp.yaml").absolute())

    return read


def test_the_first_example_can_be_copied_as_it_is(read):
    spec = read(SPEC)
    assert len(spec.claims) == 3
    assert not spec.settings.marks  # each would have to be registered first
    assert read(WITH_FACTS).config == spec.config


@pytest.mark.parametrize(
    ("shown", "spec", "facts"),
    [
        (MISTAKES[0], SPEC.replace("smollm2-135m", "smollm2-135"), FACTS),
        (MISTAKES[1], SPEC.replace("layer_range: [0, 22]", "layers: [0, 22]"), FACTS),
        (MISTAKES[2], WITH_FACTS, FACTS.replace("answer:", "answr:", 1)),
    ],
)
def test_mistakes_are_told_as_the_page_shows_them(read, shown, spec, facts):
    with pytest.raises(SpecError) as told:
        read(spec, facts)
    assert str(told.value).startswith(shown.removesuffix("..."))


def test_every_key_that_the_page_names_is_one_and_none_is_left_out():
    from pytest_interp.specs.schema import SpecFile

    table = PAGE.partition("## Keys")[2].partition("## Inputs")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(SpecFile.model_fields)


def test_other_examples_are_yaml():
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        assert yaml.safe_load(block)
