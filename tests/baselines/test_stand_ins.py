"""Baselines of a checkpoint that stands in for a model: beside the model's own, never over them."""

import re
import shlex
import shutil

import pytest

# runs inside of this process import anew what it does not hold
import pytest_interp.adapters.nnsight
import pytest_interp.adapters.transformer_lens
import pytest_interp.baselines.check
import pytest_interp.experiments
import pytest_interp.figures.render
import pytest_interp.models.loader  # noqa: F401
from pytest_interp.baselines.pending import PendingFolder
from pytest_interp.baselines.review import Review
from pytest_interp.planted import planted_model

FACT = planted_model("gpt2").facts[0]
SPEC = f"""
    import pytest

    @pytest.mark.interp(model="planted-gpt2")
    def test_lens(lens, baseline):
        baseline.check(lens({FACT.clean_prompt!r}, {FACT.answer!r}))
"""
ENTRY = "test_lens--planted-gpt2"
OTHER = "--interp-model=planted-gpt2=planted-llama"
KEPT = pytest.mark.guarantee(
    "kept",
    "The numbers of a checkpoint are never written over the baselines of the model that it stands "
    "in for.",
    sees="Entries of their own, under the label of NAME=PATH:LABEL; without a label, an error.",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the first test leaves its baselines for the others to copy."""
    return tmp_path_factory.mktemp("made") / "baselines"


@pytest.fixture
def run(pytester, made):
    pytester.makepyfile(**{"specs/test_a": SPEC})

    def run(*arguments):
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)

    if not made.is_dir():
        run("--interp-update=missing").assert_outcomes(passed=2)
        shutil.copytree(pytester.path / "baselines", made)
    shutil.copytree(made, pytester.path / "baselines", dirs_exist_ok=True)
    return run


@pytest.fixture
def saved(pytester):
    folder = pytester.path / "baselines" / "specs" / "test_a"
    return lambda: {file.name: file.read_bytes() for file in folder.iterdir()}


def names(*stems):
    return {f"{stem}{suffix}" for stem in stems for suffix in (".json", ".png", ".raster.png")}


def text(result):
    return "\n".join(result.outlines)


@KEPT
def test_a_checkpoint_keeps_entries_of_its_own_under_its_label(run, saved):
    before = saved()
    said = text(run(OTHER))
    assert f"{OTHER.replace('=', ' ', 1)}:LABEL --interp-update" in said
    run(f"{OTHER}:tuned", "--interp-update").assert_outcomes(passed=2)
    assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned")
    assert {name: saved()[name] for name in before} == before
    # now the checkpoint is compared with its own entry, the model with its own
    run(f"{OTHER}:tuned").assert_outcomes(passed=2)
    run(f"{OTHER}:other").assert_outcomes(failed=2)
    run(OTHER).assert_outcomes(passed=2)
    run().assert_outcomes(passed=2)


@pytest.mark.guarantee(
    "red",
    "Numbers of a checkpoint that stands in for a model are no failure because they are not those "
    "of the model: its claims count.",
    sees="One line for each result: how many values moved, and which findings.",
)
def test_numbers_of_a_checkpoint_are_a_line_and_no_failure(run, saved):
    before = saved()
    result = run(OTHER)
    result.assert_outcomes(passed=2)
    lines = [line for line in text(result).splitlines() if "not judged on" in line]
    # both backends say the same
    assert len(lines) == 1
    assert re.fullmatch(
        r"baselines/specs/test_a/test_lens--planted-gpt2\.json: not judged on planted-llama: "
        r"\d+ of \d+ values moved[;,] .*",
        lines[0],
    )
    assert text(result).count("which stands in for planted-gpt2: the claims count") == 1
    assert saved() == before
    (line,) = [line for line in text(result).splitlines() if line.startswith("passed test_lens")]
    assert " not judged " in line
    assert " changed " not in line


def test_a_checkpoint_without_a_baseline_to_compare_with_says_so(pytester, run):
    shutil.rmtree(pytester.path / "baselines")
    result = run(OTHER)
    result.assert_outcomes(passed=2)
    assert "not judged on planted-llama: there is no baseline to compare with" in text(result)


def test_a_claim_that_a_checkpoint_breaks_is_a_failure(pytester, run):
    pytester.makepyfile(
        **{"specs/test_a": SPEC + "        assert lens('Acropolis', ' Rome').crossover_layer == 1"}
    )
    run(OTHER).assert_outcomes(failed=2)


@KEPT
def test_the_hint_of_a_labelled_checkpoint_keeps_an_entry_of_its_own(run, saved, monkeypatch):
    monkeypatch.delenv("CI", raising=False)  # there pytest repeats the message in its summary
    result = run(f"{OTHER}:tuned")
    result.assert_outcomes(failed=2)
    assert text(result).count("(this keeps an entry of planted-llama alone, as tuned") == 2
    (hint, *_) = re.findall(
        r"^E? *(pytest .* --interp-update --interp-model .*)$", text(result), re.M
    )
    run(*shlex.split(hint)[1:]).assert_outcomes(passed=1)
    assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned")


@KEPT
@pytest.mark.parametrize(
    "option", ["--interp-update=missing", "--interp-update-override", "--snapshot-update"]
)
def test_without_a_label_nothing_is_written(run, saved, option):
    before = saved()
    result = run(OTHER, option)
    result.assert_outcomes(errors=2)
    assert "--interp-model planted-gpt2=planted-llama has no label" in text(result)
    assert saved() == before


@KEPT
def test_an_update_of_a_labelled_checkpoint(run, saved):
    before = saved()
    for verb in ("added", "updated"):
        result = run(f"{OTHER}:tuned", "--interp-update=all")
        result.assert_outcomes(passed=2)
        assert f"{verb} baselines/specs/test_a/{ENTRY}@tuned.json" in text(result)
        assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned")
        assert {name: saved()[name] for name in before} == before


def test_a_checkpoint_that_agrees_with_the_model_needs_no_entry(run, saved):
    before = saved()
    same = "--interp-model=planted-gpt2=planted-gpt2:copy"
    run(same, "--interp-update").assert_outcomes(passed=2)
    assert saved() == before


def test_a_redrawn_figure_of_a_checkpoint_is_its_own(pytester, run, saved):
    run(f"{OTHER}:tuned", "--interp-update").assert_outcomes(passed=2)
    folder = pytester.path / "baselines" / "specs" / "test_a"
    for stem in (ENTRY, f"{ENTRY}@tuned"):
        (folder / f"{stem}.png").unlink()
    before = saved()
    run(f"{OTHER}:tuned", "--interp-update").assert_outcomes(passed=2)
    assert saved() == before | {f"{ENTRY}@tuned.png": saved()[f"{ENTRY}@tuned.png"]}
    same = "--interp-model=planted-gpt2=planted-gpt2:copy"
    run(same, "--interp-update").assert_outcomes(passed=2)
    assert saved().keys() == before.keys() | names(f"{ENTRY}@tuned", f"{ENTRY}@copy")


def test_another_backend_of_a_checkpoint_may_differ(run, saved):
    before = saved()
    one = (f"{OTHER}:tuned", "--interp-backend=nnsight")
    result = run(*one)
    result.assert_outcomes(failed=1)
    assert (
        "(this keeps an entry of planted-llama alone, as tuned; that of the model itself"
        in text(result)
    )
    run(*one, "--interp-update-override").assert_outcomes(passed=1)
    assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned@nnsight")
    run(*one).assert_outcomes(passed=1)
    run(f"{OTHER}:tuned", "--interp-backend=transformer_lens").assert_outcomes(failed=1)
    assert {name: saved()[name] for name in before} == before


@pytest.mark.guarantee(
    "kept",
    "A run on the model itself does not prune the entries of its checkpoints.",
    sees="They stay as long as the model's own entry is in use.",
)
def test_entries_of_a_checkpoint_are_not_pruned(pytester, run, saved):
    run(f"{OTHER}:tuned", "--interp-update").assert_outcomes(passed=2)
    result = run("--interp-prune")
    assert "no test asks" not in text(result)
    assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned")
    pytester.makepyfile(**{"specs/test_a": "def test_other(): ..."})
    run("--interp-prune")
    assert not (pytester.path / "baselines" / "specs").exists()


@KEPT
def test_what_a_checkpoint_saw_waits_under_its_label_alone(pytester, run, saved):
    before = saved()
    folder = PendingFolder(pytester.path / ".pytest_interp/pending", pytester.path / "baselines")
    run(OTHER)
    assert folder.entries() == []
    run(f"{OTHER}:tuned").assert_outcomes(failed=2)
    review = Review(folder, pytester.path)
    shared, other = review.changes()
    assert shared.into.name == f"{ENTRY}@tuned.json"
    assert (other.into.name, other.state) == (f"{ENTRY}@tuned@nnsight.json", "other backend")
    review.accept(shared)
    assert saved().keys() == names(ENTRY, f"{ENTRY}@tuned")
    assert {name: saved()[name] for name in before} == before
    run(f"{OTHER}:tuned").assert_outcomes(passed=2)
    assert folder.entries() == []


def test_a_checkpoint_of_the_ini_file_is_named_in_the_note(pytester, run):
    pytester.makeini(
        "[pytest]\ninterp_model =\n    planted-gpt2=planted-llama\n    gpt2=planted-qwen3"
    )
    result = run()
    result.assert_outcomes(passed=2)
    assert "--interp-model planted-gpt2=planted-llama:LABEL --interp-update" in text(result)
