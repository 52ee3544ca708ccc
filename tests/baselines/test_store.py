import pytest
from made_results import lens

from pytest_interp.baselines import store
from pytest_interp.baselines.entry import Entry
from pytest_interp.baselines.files import read, write_together
from pytest_interp.baselines.names import stem_of
from pytest_interp.errors import BaselineError


def test_the_folder_mirrors_the_spec(tmp_path):
    root = tmp_path / "baselines"
    at = store.spec_folder(root, tmp_path / "specs" / "geo" / "test_x.py", tmp_path)
    assert at == root / "specs" / "geo" / "test_x"
    at = store.spec_folder(root, tmp_path / "specs" / "x.interp.yaml", tmp_path)
    assert at == root / "specs" / "x.interp"


def test_a_spec_outside_of_rootdir_is_refused(tmp_path):
    with pytest.raises(BaselineError, match="outside of pytest's rootdir"):
        store.spec_folder(tmp_path, tmp_path.parent / "test_x.py", tmp_path)


def test_names_that_are_safe_stay_as_they_are():
    assert stem_of("test_a", "smollm2-135m") == "test_a--smollm2-135m"
    assert stem_of("TestX.test_a", "m", "noising") == "TestX.test_a--m--noising"


def test_plain_parameters_stay_readable():
    assert stem_of("test_a[denoise]", "m") == "test_a-denoise--m"
    assert stem_of("TestX.test_a[1.5-b]", "m") == "TestX.test_a-1.5-b--m"
    odd = [f"test_a[{p}]" for p in ("a b", "a-", "a--b", "-a", "a/b", "", "a][b", "x[y]")]
    stems = {stem_of(test, "m") for test in [*odd, "test_a", "test_a[a-b]"]}
    assert len(stems) == len(odd) + 2


def test_names_that_differ_never_share_a_file():
    names = ["a b", "a/b", "a[b", "a-b", "a--b", "a", "../a", "", "é", "-a", "a" * 200, "a" * 201]
    stems = {stem_of("test", name) for name in names}
    assert len(stems) == len(names)
    assert all("/" not in stem and len(stem) < 150 for stem in stems)
    # a separator inside a part cannot be taken for one between parts
    assert stem_of("a--b", "m") != stem_of("a", "b", "m")


def test_the_files_of_an_entry(tmp_path):
    slot = store.Slot(tmp_path, "test_a--m")
    assert [slot.numbers.name, slot.picture.name, slot.raster.name] == [
        "test_a--m.json",
        "test_a--m.png",
        "test_a--m.raster.png",
    ]
    assert slot.override("nnsight").numbers.name == "test_a--m@nnsight.json"


def test_removing_takes_empty_folders_along_and_nothing_else(tmp_path):
    root = tmp_path / "baselines"
    gone, stays = root / "specs" / "gone" / "a--m.json", root / "specs" / "b--m.json"
    for path in (gone, stays):
        write_together({path: b"{}"})
    store.remove([gone], root)
    assert sorted(p.name for p in (root / "specs").iterdir()) == ["b--m.json"]
    store.remove([stays], root)
    assert root.is_dir()


def test_files_that_are_no_baselines_are_not_listed(tmp_path):
    entry = Entry.of(lens()).dumps().encode()
    for name in ("a--m.json", "a--m@b.json", "x.json"):
        write_together({tmp_path / name: entry})
    for name in ("a--m.png", "a--m.raster.png", "README.md", "loss--2024.png", "runs--2024.json"):
        write_together({tmp_path / name: b'{"schema": 1}'})
    (tmp_path / "link--m.json").symlink_to(tmp_path / "a--m.json")
    shared, override = store.slots_below(tmp_path)
    assert [p.name for p in shared.files] == ["a--m.json", "a--m.png", "a--m.raster.png"]
    assert [p.name for p in override.files] == ["a--m@b.json"]
    assert override.shared == shared == shared.shared
    assert store.slots_below(tmp_path / "absent") == []


def test_a_raster_is_never_taken_for_a_picture(tmp_path):
    slots = [store.Slot(tmp_path, stem_of("t", "m", name)) for name in ("a", "a.raster")]
    assert len({path for slot in slots for path in (slot.picture, slot.raster)}) == 4


def test_a_place_that_cannot_be_written_or_deleted_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        BaselineError, match=r"cannot write .*file/a--m\.json \(.*File exists: .*file'"
    ):
        write_together({tmp_path / "file" / "a--m.json": b""})
    with pytest.raises(BaselineError, match=r"cannot delete .*file/a--m\.json \(.*Not a directory"):
        store.remove([tmp_path / "file" / "a--m.json"], tmp_path)
    with pytest.raises(BaselineError, match=r"cannot read .* \(.*Is a directory"):
        read(tmp_path)
