import shutil
import subprocess

import pytest
from made_results import lens, trace

from pytest_interp.baselines import diff_baselines
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.store import write
from pytest_interp.errors import BaselineError


def save(root, name, result):
    write(root / f"{name}.json", Entry.of(result).dumps().encode())


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
    assert report.exit_status == 0
    assert str(report) == f"{old} -> {new}: 2 same"


def test_a_change_is_told_per_claim_in_words_and_numbers(old, new):
    save(new, "specs/test_a/test_trace--m--noising", trace(hand_off=8, fingerprint="4567"))
    report = diff_baselines(old, new)
    assert report.exit_status == 1
    text = str(report)
    assert "1 changed, 1 same" in text
    assert "changed: specs/test_a: test_trace (m, noising)" in text
    assert "recovery at layer 7, token ' France' (3): 0 -> 1" in text
    assert "fingerprint: 0123 -> 4567" in text
    assert "test_lens" not in text


def test_within_tolerance_is_told_and_no_change(old, new):
    save(new, "specs/test_a/test_lens--m", lens(shift=5e-4))
    report = diff_baselines(old, new)
    assert report.exit_status == 0
    assert "within tolerance: specs/test_a: test_lens (m)" in str(report)


def test_added_and_removed_claims_are_changes(old, new):
    (new / "specs/test_a/test_lens--m.json").unlink()
    save(new, "specs/test_b/test_lens--m", lens())
    text = str(diff_baselines(old, new))
    assert "removed: specs/test_a: test_lens (m)" in text
    assert "added: specs/test_b: test_lens (m)" in text
    assert diff_baselines(old, new).exit_status == 1


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = tmp_path / "repository" / "below"
    folder.mkdir(parents=True)

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

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
    assert report.exit_status == 1
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
