"""A wrong spec gives one line a mistake, with file, line and the nearest valid key."""

import json
import subprocess
import sys

import pytest
import yaml

from pytest_interp.errors import SpecError
from pytest_interp.specs.schema import read_spec

# what is replaced by what; the line that is named; words of the message
MISTAKES = {
    "wrong key": ("claims:", "clams:", 12, "unknown key 'clams': did you mean 'claims'"),
    "wrong key of the inputs": ("site: resid_post\n", "sit: mlp_out\n", 11, "did you mean 'site'"),
    "wrong key of a fact": ("subject:", "subjekt:", 10, "did you mean 'subject'"),
    "wrong key of a claim": ("layer_range", "layers", 13, "did you mean 'layer_range'"),
    "wrong key of a bound": ("at_most", "atmost", 14, "did you mean 'at_most'"),
    "missing key": ("    subject: Acropolis\n    ", "    ", None, None),
    "wrong type": ("model: planted-gpt2", "model: 3", 1, "expected a valid string, got 3"),
    "wrong type of an input": (
        "site: resid_post\n", "layers: 3\n", 11, "inputs.layers: expected a list, got 3"),
    "wrong type of a bound": ("at_most: 3", "at_most: x", 14, "expected a valid number, got 'x'"),
    "unknown model": ("planted-gpt2", "planted-gpt3", 1, "Did you mean 'planted-gpt2'"),
    "model folder that is not there": ("planted-gpt2", "./nowhere", 1, "there is no folder"),
    "unknown backend": ("[transformer_lens,", "[tranformer_lens,", 2, "'transformer_lens'"),
    "unknown experiment": ("causal_trace", "casual_trace", 3, "Did you mean 'causal_trace'"),
    "unknown site": ("site: resid_post\n", "site: resid_pots\n", 11, "Did you mean 'resid_post'"),
    "unknown direction": (
        "site: resid_post\n", "direction: up\n", 11, "expected 'denoise' or 'noise', got 'up'"),
    "unknown claim": ("fact_localized", "fact_localised", 13, "did you mean 'fact_localized'"),
    "unknown attribute": ("peak.layer", "peaks.layer", 14, "did you mean 'peak'"),
    "layer range the wrong way round": ("[0, 3]", "[3, 0]", 13, "layer_range [3, 0] is empty"),
    "layer range of one end": ("[0, 3]", "[0]", 13, "layer_range"),
    "layer range in words": ("[0, 3]", "0-3", 13, "layer_range"),
    "bound that says nothing": ("{at_most: 3}", "{}", 14, "give at_least, at_most or both"),
    "claim without arguments": ("{at_most: 3}", "3", 14, "are a mapping"),
    "two claims in one": ("  - peak", "    peak", 13, "one key with its arguments, got 2"),
    "no fact": ("clean_prompt:", "claen_prompt:", 6, "did you mean 'clean_prompt'"),
}  # fmt: skip
del MISTAKES["missing key"]


@pytest.mark.parametrize(("old", "new", "line", "words"), MISTAKES.values(), ids=MISTAKES)
def test_one_line_for_a_mistake(spec_text, write_spec, monkeypatch, old, new, line, words):
    assert old in spec_text
    file = write_spec(spec_text.replace(old, new, 1))
    monkeypatch.chdir(file.parent)
    with pytest.raises(SpecError) as caught:
        read_spec(file)
    message = str(caught.value)
    assert message.startswith(f"some.interp.yaml:{line}: ")
    assert words in message
    assert "\n" not in message


def test_missing_keys_and_several_mistakes_are_a_line_each(write_spec):
    with pytest.raises(SpecError) as caught:
        read_spec(write_spec("model: 3\nseed: x\nexperiment: causal_trace\n"))
    lines = str(caught.value).splitlines()
    assert [line.rpartition(".yaml:")[2].split(":")[0] for line in lines] == ["1", "1", "2"]
    assert "the key 'inputs' is missing" in str(caught.value)


def test_spec_that_checks_nothing_is_refused(spec_text, write_spec):
    text = spec_text.partition("claims:")[0]
    with pytest.raises(SpecError, match="checks nothing"):
        read_spec(write_spec(text))
    assert read_spec(write_spec(text + "baseline: true\n")).claims == ()


def test_right_spec_has_its_config_and_claims(spec_text, write_spec):
    spec = read_spec(write_spec(spec_text + "seed: 7\n"))
    assert spec.config.fact.subject == "Acropolis"
    assert spec.config.seed == 7
    assert [claim.name for claim in spec.claims] == ["fact_localized", "peak.layer"]
    assert [claim.line for claim in spec.claims] == [13, 14]
    assert spec.claims[0].text == (
        "fact_localized: {site: resid_post@subject, layer_range: [0, 3]}"
    )


FACTS = """\
name: monuments
templates: {say: "visitors say that {} stands in"}
facts:
  - {id: acropolis, template: say, subject: Acropolis, answer: " Paris",
     other: Alhambra, other_answer: " Rome"}
"""


def test_fact_by_its_id(spec_text, write_spec):
    write_spec(FACTS, "facts.yaml")
    before, _, after = spec_text.partition("  fact:\n")
    rest = after[after.index("  site:") :]
    text = f"facts_file: facts.yaml\n{before}  fact: acropolis\n{rest}"
    assert read_spec(write_spec(text)).config.fact == read_spec(write_spec(spec_text)).config.fact

    with pytest.raises(SpecError, match=r"yaml:6: there is no fact 'akropolis'.*: acropolis"):
        read_spec(write_spec(text.replace("acropolis", "akropolis")))
    with pytest.raises(SpecError, match=r"nofacts\.yaml:1: the file cannot be read"):
        read_spec(write_spec(text.replace("facts.yaml", "nofacts.yaml")))


SET = """
    model: smollm2-135m
    experiment: causal_traces
    inputs: {facts: %s}
    claims: [{sufficient: {site: resid_post@subject, layer_range: [0, 3]}}]
"""


def test_set_of_facts(write_spec):
    write_spec(FACTS, "facts.yaml")
    mine = "\n    facts_file: facts.yaml" + SET
    for text, name, count in [
        (SET % "capitals", "capitals", 37),
        (SET % "[capitals-plain-france, capitals-plain-china]", "shipped", 2),
        (mine % "all", "monuments", 1),
        (mine % "[acropolis]", "monuments", 1),
    ]:
        spec = read_spec(write_spec(text))
        assert (spec.config.facts.name, len(spec.config.facts)) == (name, count)
        # what a run writes down can be run again, without the facts file
        again = write_spec(yaml.safe_dump(spec.resolved()), "again.interp.yaml")
        assert read_spec(again).config == spec.config


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("capitols", "Did you mean 'capitals'"),
        ("[capitals-plain-frence]", "The nearest: capitals-plain-france"),
        ("[]", "is empty"),
        ("3", "inputs.facts: expected"),
    ],
)
def test_set_of_facts_that_is_none(write_spec, given, words):
    with pytest.raises(SpecError, match=r"some\.interp\.yaml:4: .*" + words):
        read_spec(write_spec(SET % given))


def test_fact_of_the_shipped_ones(write_spec):
    text = """
        model: smollm2-135m
        experiment: logit_lens
        inputs: {fact: capitals-plain-france}
        claims: [{crossover_layer: {at_most: 29}}]
    """
    assert read_spec(write_spec(text)).config.fact.answer == " Paris"
    with pytest.raises(SpecError, match="The nearest: capitals-plain-france"):
        read_spec(write_spec(text.replace("plain-france", "plane-france")))


def test_reading_a_spec_imports_no_torch(spec_text, write_spec):
    code = (
        "import json, sys, pathlib\n"
        "from pytest_interp.specs.schema import read_spec\n"
        f"read_spec(pathlib.Path({str(write_spec(spec_text))!r}))\n"
        "print(json.dumps(sorted({'torch', 'transformers', 'scipy'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
