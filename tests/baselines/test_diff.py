import shutil
import subprocess

import pytest
from made_results import lens, trace

from pytest_interp.baselines import diff_baselines
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import write_together
from pytest_interp.cli import main
from pytest_interp.errors import BaselineError
from pytest_interp.git import git as run_git


def save(root, name, result):
    write_together({root / f"{name}.json": Entry.of(result).dumps().encode()})


@pytest.fixture
def old(tmp_path):
    root = tmp_path / "old"
    save(root, "specs/test_a/test_lens--m", lens())
    save(root, "specs/test_a/test_trace--m--noising", trace())
    return root


@pytest.fixture
def new(old, tmp_path):
    root = tmp_path / "new"
    shutil.copytree(old, root)
    return root


def test_nothing_changed(old, new):
    report = diff_baselines(old, new)
    assert not report.changed
    assert str(report) == f"{old} -> {new}: 2 same"


def test_a_change_is_told_per_claim_in_words_and_numbers(old, new):
    save(new, "specs/test_a/test_trace--m--noising", trace(hand_off=8, fingerprint="4567"))
    report = diff_baselines(old, new)
    assert report.changed
    text = str(report)
    assert "1 changed, 1 same" in text
    assert "changed: specs/test_a: test_trace (m, noising)" in text
    assert "recovery at layer 7, token ' France' (3): 0 -> 1" in text
    assert "fingerprint: 0123 -> 4567" in text
    assert "test_lens" not in text


def test_within_tolerance_is_told_and_no_change(old, new):
    save(new, "specs/test_a/test_lens--m", lens(shift=5e-4))
    report = diff_baselines(old, new)
    assert not report.changed
    assert "within tolerance: specs/test_a: test_lens (m)" in str(report)


def test_added_and_missing_claims_are_changes(old, new):
    (new / "specs/test_a/test_lens--m.json").unlink()
    save(new, "specs/test_b/test_lens--m", lens())
    text = str(diff_baselines(old, new))
    assert "1 missing, 1 added, 1 same" in text
    assert "missing: specs/test_a: test_lens (m)\n  only the first has it: its test is gone" in text
    assert "added: specs/test_b: test_lens (m)" in text
    assert diff_baselines(old, new).changed


@pytest.fixture
def git(tmp_path):
    folder = tmp_path / "repository" / "below"
    folder.mkdir(parents=True)

    def run(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    return run


@pytest.fixture
def repository(tmp_path, monkeypatch, git):
    folder = tmp_path / "repository" / "below"
    git("init", "-q", "..")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    save(folder / "baselines", "test_a/test_lens--m", lens())
    git("add", ".")
    git("commit", "-q", "-m", "one")
    save(folder / "baselines", "test_a/test_lens--m", lens(crossover=6))
    git("commit", "-q", "-a", "-m", "two")
    monkeypatch.chdir(folder)
    return folder


# from a folder below the top of the repository: names in git count from there
@pytest.mark.parametrize("new", ["HEAD", "baselines"])
def test_revisions_compare_with_revisions_and_folders(repository, new):
    report = diff_baselines("HEAD~1", new)
    assert "crossover_layer: 8 -> 6, by -2" in str(report)
    assert report.changed
    assert not diff_baselines("HEAD", "baselines").changed


def test_a_revision_without_baselines_is_empty(repository):
    assert "1 added" in str(diff_baselines("HEAD~2", "HEAD"))


@pytest.mark.parametrize("side", ["no-such-thing", "--output=x"])
def test_what_is_neither_folder_nor_revision_is_refused(repository, side):
    with pytest.raises(BaselineError, match="neither a folder nor a git revision"):
        diff_baselines(side, "HEAD")


def test_a_broken_file_is_named(old, new):
    (new / "specs/test_a/test_lens--m.json").write_text("{")
    with pytest.raises(BaselineError, match=r"specs/test_a/test_lens--m\.json cannot be read"):
        diff_baselines(old, new)


def test_files_of_people_are_no_claims(old, new):
    for name in ("notes.json", "runs--2024.json"):
        (new / name).write_text('[{"x": 1}]')
    assert not diff_baselines(old, new).changed


@pytest.mark.parametrize("below", [".", "specs", "specs/deep"])
def test_revisions_are_compared_from_every_folder_of_the_project(repository, monkeypatch, below):
    (repository / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(repository / below)
    assert "crossover_layer: 8 -> 6" in str(diff_baselines("HEAD~1", "HEAD"))


@pytest.mark.parametrize(
    ("below", "folder"), [("below", "{}/below/baselines"), ("specs", "../below/baselines")]
)
def test_the_folder_may_be_absolute_or_above(repository, monkeypatch, below, folder):
    top = repository.parent
    (top / below).mkdir(exist_ok=True)
    monkeypatch.chdir(top / below)
    assert diff_baselines("HEAD~1", "HEAD", folder.format(top)).changed


def test_without_git_two_folders_can_be_compared(old, new, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not diff_baselines(old, new).changed
    with pytest.raises(BaselineError, match="git is not installed: give two folders"):
        diff_baselines("HEAD", new)


def test_a_git_command_that_fails_answers_nothing(repository, tmp_path, monkeypatch):
    assert run_git("show", "HEAD~1:below/no-such-file") is None
    assert run_git("rev-parse", "--show-prefix", folder=repository) == b"below/\n"
    assert run_git("rev-parse", "HEAD", folder=tmp_path / "absent") is None
    assert run_git("hash-object", "--stdin", given=b"x") is not None
    assert run_git("status", seconds=0) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_git("status") is None


def test_attributes_of_the_repository_do_not_hide_baselines(repository, git):
    (repository / ".gitattributes").write_text("baselines export-ignore\n")
    git("add", ".")
    git("commit", "-q", "-m", "three")
    assert diff_baselines("HEAD~2", "HEAD").changed


def test_nothing_to_compare_is_no_agreement(repository, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for sides in (("HEAD~1", "HEAD", "baseline"), ("HEAD~2", "HEAD~2"), (empty, empty)):
        with pytest.raises(BaselineError, match="has an entry of baselines"):
            diff_baselines(*sides)
    with pytest.raises(BaselineError, match="outside of the repository"):
        diff_baselines("HEAD~1", "HEAD", str(tmp_path / "elsewhere"))


def test_the_command_exits_with_2_where_it_cannot_tell(repository, capsys):
    assert main(["diff", "HEAD", "HEAD"]) == 0
    assert main(["diff", "HEAD~1", "HEAD"]) == 1
    for arguments in (
        ["HEAD~1", "HEAD", "--folder", "baseline"],
        ["HEAD~1", "HEAD", "--folder", "../../elsewhere"],
        ["HEAD", "no-such-thing"],
    ):
        assert main(["diff", *arguments]) == 2
    entry = repository / "baselines/test_a/test_lens--m.json"
    entry.write_text(entry.read_text().replace('"atol"', '"a"', 1))
    capsys.readouterr()
    assert main(["diff", "HEAD", "baselines"]) == 2
    assert "test_lens--m.json is no baseline: the tolerance of" in capsys.readouterr().err


@pytest.mark.guarantee(
    "messages",
    "`pytest-interp diff` does not call a baseline removed whose test failed.",
    sees="`missing`, and what may be the reason.",
)
def test_an_entry_whose_test_failed_is_missing_and_not_removed(project):
    project.spec(
        "test_a",
        """
        from made_results import lens, trace

        def test_lens(baseline, pytestconfig):
            assert pytestconfig.getini("interp_baseline_dir") != "new"
            baseline.check(lens())

        def test_trace(baseline):
            baseline.check(trace())
        """,
    )
    project.run("--interp-update").assert_outcomes(passed=2)
    new = ("-o", "interp_baseline_dir=new")
    project.run("--interp-update", *new).assert_outcomes(passed=1, failed=1)
    told = str(diff_baselines(project.path / "baselines", project.path / "new"))
    assert "1 missing, 1 same" in told
    assert "missing: specs/test_a: test_lens" in told
    assert "its test is gone, was not run, or failed before it was saved" in told
    assert "removed:" not in told
