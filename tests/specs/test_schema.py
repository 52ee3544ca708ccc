"""A wrong spec gives one line a mistake, with file, line and the nearest valid key."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
import yaml

from pytest_interp.errors import SpecError
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.specs.schema import read_spec

# what is replaced by what; the line that is named; words of the message
MISTAKES = {
    "wrong key": ("claims:", "clams:", 12, "unknown key 'clams': did you mean 'claims'"),
    "wrong key of the inputs": ("site: resid_post\n", "sit: mlp_out\n", 11, "did you mean 'site'"),
    "wrong key of a fact": ("subject:", "subjekt:", 10, "did you mean 'subject'"),
    "wrong key of a claim": ("layer_range", "layers", 13, "did you mean 'layer_range'"),
    "wrong key of a bound": ("at_most", "atmost", 14, "did you mean 'at_most'"),
    "input beside inputs": (
        "experiment:", "site: resid_post\nexperiment:", 3, "'site': it belongs below inputs. "),
    "key of a fact beside it": (
        "site: resid_post\n", "subject: x\n", 11, "'subject': it belongs below fact. Valid here"),
    "key of the file below inputs": (
        "site: resid_post\n", "claims: []\n", 11, "'claims': it belongs beside inputs, not below"),
    "claims without dashes": (
        "  - fact_localized: {site: resid_post@subject, layer_range: [0, 3]}\n  -", "   ", 12,
        "a mapping of peak.layer: begin each of its entries with '- '"),
    "missing key": ("    subject: Acropolis\n    ", "    ", None, None),
    "wrong type": ("model: planted-gpt2", "model: 3", 1, "model: expected text, got 3"),
    "wrong model of a list": (
        "planted-gpt2", "[planted-gpt2, planted-gpt3]", 1, "Did you mean 'planted-gpt2'"),
    "wrong kind in a list of models": (
        "model: planted-gpt2", "model:\n- planted-gpt2\n- 7", 3, "model.1: expected text, got 7"),
    "no model": ("planted-gpt2", "[]", 1, "model: expected at least 1 values, got []"),
    "wrong type of an input": (
        "site: resid_post\n", "layers: 3\n", 11, "inputs.layers: expected a list, got 3"),
    "wrong type of a bound": ("at_most: 3", "at_most: x", 14, "expected a number, got 'x'"),
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
    "layer range of one end": ("[0, 3]", "[0]", 13, "layer_range [0] is none: give a layer, or"),
    "layer range of three": ("[0, 3]", "[0, 1, 3]", 13, "layer_range [0, 1, 3] is none"),
    "layer range of halves": ("[0, 3]", "[0.5, 3]", 13, "layer_range [0.5, 3] is none"),
    "layer range of truths": ("[0, 3]", "[true, 3]", 13, "layer_range [True, 3] is none"),
    "layer range in words": ("[0, 3]", "0-3", 13, "layer_range '0-3' is none"),
    "unknown metric": (
        "site: resid_post\n", "metric: prob\n", 11, "unknown metric 'prob'. Did you mean 'answer"),
    "unknown device": ("planted-gpt2", "planted-gpt2\ndevice: tpu", 2, "unknown device 'tpu'"),
    "unknown dtype": (
        "planted-gpt2", "planted-gpt2\ndtype: float7", 2, "Did you mean 'float64'"),
    "seed of a negative number": ("claims:", "seed: -1\nclaims:", 12, "greater than or equal to 0"),
    "second seed": ("site: resid_post\n", "seed: 7\n", 11, "is a key of the file"),
    "bound that no number meets": ("at_most: 3", "at_most: .nan", 14, "expected a finite number"),
    "position of one half": (
        "site: resid_post\n", "layers: [1.5]\n", 11, "layers.0: expected a whole number, got 1.5"),
    "no device": ("claims:", "device: [cpu]\nclaims:", 12, "device: expected text, got ['cpu']"),
    "yes or no": ("claims:", "baseline: 1\nclaims:", 12, "expected true or false, got 1"),
    "nothing": ("model: planted-gpt2", "model:", 1, "model: expected text, got nothing"),
    "bound that says nothing": ("{at_most: 3}", "{}", 14, "give at_least, at_most or both"),
    "claim without arguments": ("{at_most: 3}", "3", 14, "are a mapping"),
    "two claims in one": (
        "  - peak", "    peak", 13, "got 2: ['fact_localized', 'peak.layer']: begin each"),
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


@pytest.mark.parametrize(
    ("pair", "said"), [([1, 2, 3], "expected at most 2 values"), ([1], "expected a longer list")]
)
def test_a_list_of_another_length_is_told_with_what_fits(write_spec, pair, said):
    @register_experiment("paired")
    @dataclass
    class Paired:
        pair: tuple[int, int]

        def run(self, adapter): ...

    file = write_spec(
        f"model: planted-gpt2\nexperiment: paired\ninputs: {{pair: {pair}}}\n"
        "claims:\n  - x: {equal: 1}\n"
    )
    with pytest.raises(SpecError) as caught:
        read_spec(file)
    assert f"some.interp.yaml:3: inputs.pair: {said}, got {pair}" in str(caught.value)


def test_missing_keys_and_several_mistakes_are_a_line_each(write_spec):
    with pytest.raises(SpecError) as caught:
        read_spec(write_spec("model: 3\nseed: x\nexperiment: causal_trace\n"))
    lines = str(caught.value).splitlines()
    assert [line.rpartition(".yaml:")[2].split(":")[0] for line in lines] == ["1", "1", "2"]
    assert "the key 'inputs' is missing" in str(caught.value)


def test_mistakes_of_all_claims_are_told(spec_text, write_spec):
    text = spec_text.replace("[0, 3]", "[3, 0]").replace("at_most", "atmost")
    with pytest.raises(SpecError, match=r"yaml:13: .*is empty.*\n.*yaml:14: .*'at_most'"):
        read_spec(write_spec(text))


def test_inputs_that_are_no_mapping(write_spec):
    with pytest.raises(SpecError, match=r"yaml:3: inputs: expected a mapping, got 3$"):
        read_spec(write_spec("model: planted-gpt2\nexperiment: causal_trace\ninputs: 3\n"))


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
    absent = r"some\.interp\.yaml:1: .*nofacts\.yaml:1: the file cannot be read"
    for unread in (text, f"facts_file: facts.yaml\n{spec_text}"):  # also where no id is looked up
        with pytest.raises(SpecError, match=absent):
            read_spec(write_spec(unread.replace("facts.yaml", "nofacts.yaml")))
    write_spec(FACTS.replace("answer:", "answr:"), "facts.yaml")
    with pytest.raises(SpecError, match=r"some\.interp\.yaml:1: .*facts\.yaml:4: .*'answer'"):
        read_spec(write_spec(text))


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


def test_spec_says_its_seed_once(spec_text, write_spec):
    spec = read_spec(write_spec(spec_text + "seed: 7\n"))
    assert spec.config.seed == spec.resolved()["seed"] == 7
    assert "seed" not in spec.resolved()["inputs"]
    again = read_spec(write_spec(yaml.safe_dump(spec.resolved()), "again.interp.yaml"))
    assert again.config == spec.config


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


@pytest.mark.parametrize(
    ("experiment", "inputs", "valid", "others"),
    [
        ("logit_lens", {"prompt": "a", "answer": "b"}, "crystallises", "handoff"),
        ("induction_scores", {}, "previous_token_head", "crystallises"),
    ],
)
def test_a_claim_that_is_none_is_answered_with_those_about_the_result(
    write_spec, experiment, inputs, valid, others
):
    spec = {"model": "planted-gpt2", "experiment": experiment, "inputs": inputs}
    with pytest.raises(SpecError) as caught:
        read_spec(write_spec(yaml.safe_dump(spec | {"claims": [{"crytsallises": {}}]})))
    names = str(caught.value).partition("Valid here: ")[2].split(", ")
    assert valid in names
    assert others not in names
    assert "provenance" in names
