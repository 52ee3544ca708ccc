import io

import pytest
from made_results import lens, trace
from PIL import Image

from pytest_interp.baselines.entry import FigureRecord
from pytest_interp.baselines.files import digest
from pytest_interp.baselines.images import THRESHOLD, compare_rasters, inspect_figure, threshold_of
from pytest_interp.baselines.policy import Update
from pytest_interp.baselines.store import Slot
from pytest_interp.errors import BaselineError
from pytest_interp.figures import draw


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "baselines" / "a--m.raster.png"
    path.parent.mkdir()
    path.write_bytes(draw(trace()).raster)
    return path


@pytest.fixture
def against(saved, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return lambda png: compare_rasters(png, saved, scratch)


def converted(png, change):
    buffer = io.BytesIO()
    change(Image.open(io.BytesIO(png))).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_same_raster_passes(against):
    assert against(draw(trace()).raster) is None
    assert against(draw(trace(shift=5e-4)).raster) is None


def test_a_moved_mechanism_is_told_with_its_distance(against):
    told = against(draw(trace(hand_off=8)).raster)
    assert "looks different" in told
    assert "allowed 0.05 %" in told


# pytest-regressions alone passes images of different sizes and converts modes
def test_another_size_is_refused_before_pixels_are_compared(against):
    smaller = converted(draw(trace()).raster, lambda i: i.crop((0, 0, 400, 200)))
    assert against(smaller) == "the size of the figure's raster changed: (400, 300) -> (400, 200)"


def test_another_mode_is_refused_before_pixels_are_compared(against):
    grey = converted(draw(trace()).raster, lambda i: i.convert("L"))
    assert against(grey) == "the mode of the figure's raster changed: RGB -> L"


def test_the_picture_is_not_drawn_where_nothing_is_wrong(saved, tmp_path):
    slot, drawing = Slot(saved.parent, "a--m"), draw(trace())
    slot.picture.write_bytes(b"")
    record = FigureRecord(digest(b""), digest(saved.read_bytes()), drawing.drawn_with)
    assert inspect_figure(drawing, slot, record, lambda: tmp_path) is None
    assert "raster" in vars(drawing)
    assert "picture" not in vars(drawing)


@pytest.mark.parametrize("gone", ["raster", "picture"])
def test_a_missing_file_of_a_figure_is_told_and_not_written(saved, tmp_path, gone):
    drawing, slot = draw(trace()), Slot(saved.parent, "a--m")
    slot.picture.write_bytes(drawing.picture)
    assert inspect_figure(drawing, slot, None, lambda: tmp_path) is None
    path = getattr(slot, gone)
    path.unlink()
    problem = inspect_figure(drawing, slot, None, lambda: tmp_path)
    assert problem.text == f"of its figure {path.name} is missing"
    assert problem.needs is Update.MISSING
    assert not path.exists()


@pytest.mark.parametrize(
    "damage",
    [lambda png: b"no image", lambda png: png[: len(png) // 2], lambda png: png[:60]],
    ids=["other", "half", "little"],
)
def test_a_damaged_raster_is_refused(against, saved, damage):
    whole = saved.read_bytes()
    saved.write_bytes(damage(whole))
    with pytest.raises(BaselineError, match=r"is no image.*--interp-update=all"):
        against(draw(trace()).raster)


@pytest.mark.parametrize("option", ["regen_all", "force_regen"])
def test_options_of_pytest_regressions_neither_write_nor_hide_a_difference(
    against, saved, request, monkeypatch, option
):
    before = saved.read_bytes()
    monkeypatch.setattr(request.config.option, option, True)
    assert "looks different" in against(draw(lens()).raster)
    assert saved.read_bytes() == before


def test_the_threshold_grows_with_the_noise_of_half_precision():
    assert threshold_of([1e-3]) == THRESHOLD
    assert threshold_of([1e-3, 0.1]) == pytest.approx(2.0)
    # of ranks, which no raster shows
    assert threshold_of([1e-3, 1.0]) == THRESHOLD
