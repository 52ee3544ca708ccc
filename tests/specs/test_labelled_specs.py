"""Specs about labelled prompts: under pytest, and by ``pytest-interp run``."""

import json

import pytest

from pytest_interp.cli import main
from pytest_interp.errors import SpecError
from pytest_interp.facts.shipped_prompts import load_prompts, prompt_sets
from pytest_interp.specs.schema import read_spec
from tests.specs.spec_project import run

PROMPTS = """\
abstain: [" unknown"]
from_templates:
  group: person
  n_per_class: 32
  answers: {told: " {city}", untold: " unknown"}
  slots:
    person: [Ana, Ben, Carl, Dora, Emil, Fred, Gina, Hugo, Iris, Jack, Kate, Leo, Mona, Nils]
    city: [CITIES]
  texts:
    told:
      lives:
        - "Note : {person} lives in {city} . {person_2} lives in {city_2} . ASKED"
        - "Note : {person_2} lives in {city_2} . {person} lives in {city} . ASKED"
    untold:
      lives:
        - "Note : {person_3} lives in {city} . {person_2} lives in {city_2} . ASKED"
        - "Note : {person_2} lives in {city_2} . {person_3} lives in {city} . ASKED"
"""
SPEC = """\
model: planted-told-gpt2
backends: [nnsight]
experiment: EXPERIMENT
prompts_file: PROMPTS
inputs: {prompts: NAME, MORE}
claims:
"""
CLAIMS = {
    # the model shows by its own preference to abstain what the probe reads: there is no lead
    "probe": {"decodable: {auroc_at_least: 0.8, above: 0.1}": "inconclusive"},
    "trajectories": {
        "commits_later: {label: untold, than: told, by_layers: 1, min_matched: 0.1}": "passed",
        "sharpens_gradually: {label: told, jump_at_most: 1}": "passed",
    },
    "steer": {
        "dose_response: {at_least: 0.5, rising: false}": "passed",
        "separates: {auroc_at_least: 0.7}": "passed",
        # it stops answering the neutral text
        "side_effects_below: {kl: 5, right_lost: 1}": "failed",
    },
    # all stop abstaining, and the seven persons that the direction is tried on are too few for 0.8
    "ablate_direction": {"ablation_removes: {label: untold}": "inconclusive"},
}
MORE = {
    "probe": "shuffles: 19, repeats: 1",
    "trajectories": "of_answers: false",
    "steer": 'layer: 5, neutral: ["Note : Ana lives in"]',
    "ablate_direction": 'layer: 5, neutral: ["Note : Ana lives in"]',
}


@pytest.fixture
def place(pytester, monkeypatch):
    """A project below a folder with other files, and a spec in it that names a prompts file."""
    from pytest_interp.planted import planted_told_model

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cities = planted_told_model().parameters.asking.cities
    root = pytester.path / "project"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    asked = PROMPTS.replace("ASKED", "Where does {person} live ? Answer:")
    (root / "homes.yaml").write_text(asked.replace("CITIES", ", ".join(cities)))
    (pytester.path / "secrets.yaml").write_text("root:$6$hunter:19000:::\npassword: hunter\n")
    monkeypatch.chdir(root)

    def place(experiment, name="all", prompts="homes.yaml", more=None):
        text = SPEC.replace("EXPERIMENT", experiment).replace("PROMPTS", prompts)
        text = text.replace("NAME", name).replace("MORE", more or MORE[experiment])
        file = root / "told.interp.yaml"
        file.write_text(text + "".join(f"  - {claim}\n" for claim in CLAIMS[experiment]))
        return file

    return place


@pytest.mark.parametrize("experiment", CLAIMS)
def test_a_spec_runs_on_a_planted_model(place, capsys, experiment):
    place(experiment)
    main(["run", "--config", "told.interp.yaml"])
    said = capsys.readouterr().out
    for claim, status in CLAIMS[experiment].items():
        assert f"  {status}: {claim}\n" in said


def test_pytest_checks_the_same_claims(pytester, place):
    place("steer")
    run(pytester, "told.interp.yaml").assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize("name", prompt_sets())
def test_a_shipped_set_is_found_by_its_name(place, name):
    spec = read_spec(place("probe", name))
    assert spec.config.prompts == load_prompts(name)
    assert json.dumps(spec.resolved())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("told-or-nott", r"told\.interp\.yaml:5: unknown prompt set .*told-or-not"),
        ("[told-or-not]", r"told\.interp\.yaml:5: "),
    ],
)
def test_a_name_of_no_set_is_refused_with_its_line(place, name, said):
    with pytest.raises(SpecError, match=said):
        read_spec(place("probe", name))


@pytest.mark.guarantee(
    "files",
    "A prompts file lies below rootdir or in a folder of interp_allowed_dirs; others are not read.",
    sees="The spec fails: the file lies outside; nothing of it is shown.",
)
@pytest.mark.parametrize("name", ["../secrets.yaml", "link"])
def test_a_prompts_file_outside_of_rootdir_is_not_read(pytester, place, capsys, name):
    if name == "link":
        (pytester.path / "project" / name).symlink_to(pytester.path / "secrets.yaml")
    place("probe", prompts=name)
    result = run(pytester, "told.interp.yaml")
    result.assert_outcomes(failed=1)
    assert main(["run", "--config", "told.interp.yaml"]) == 2
    for said in (result.stdout.str(), capsys.readouterr().err):
        assert "told.interp.yaml:4: " in said
        assert "lies outside of" in said
        assert "hunter" not in said


def test_mistakes_of_a_prompts_file_show_no_values(pytester, place):
    (pytester.path / "project" / "homes.yaml").write_text("password: hunter\nprompts: hunter\n")
    with pytest.raises(SpecError) as told:
        read_spec(place("probe"))
    assert "told.interp.yaml:4: homes.yaml:1: unknown key" in str(told.value)
    assert "hunter" not in str(told.value)


def test_one_class_is_refused_by_what_compares_two(pytester, place, capsys):
    file = pytester.path / "project" / "homes.yaml"
    file.write_text("prompts: [{text: 'Note : Ana lives in', label: told, group: Ana}]\n")
    place("probe")
    assert main(["run", "--config", "told.interp.yaml"]) == 2
    assert "told.interp.yaml:5: the prompt set 'homes' has the classes told" in (
        capsys.readouterr().err
    )
