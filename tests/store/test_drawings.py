"""Drawings that are kept: the raster of the very same result, and of nothing else."""

import matplotlib as mpl
import pytest
from made_results import lens, trace
from matplotlib.figure import Figure

from pytest_interp.figures import draw, register_figure
from pytest_interp.registry import restored
from pytest_interp.results import TraceResult
from pytest_interp.store import drawings
from pytest_interp.store.drawings import Drawings, KeptDrawing, drawing_key
from pytest_interp.store.files import Store

SAME = pytest.mark.guarantee(
    "green",
    "A figure is read back in place of drawing it only where its numbers, the code and the "
    "settings that draw it are the same.",
    sees="it is drawn, and compared as ever",
)


@SAME
def test_the_same_result_is_drawn_once(tmp_path):
    kept, result = Drawings(Store(tmp_path)), trace()
    first, second = kept.draw(result), kept.draw(trace())
    assert (type(first).__name__, type(second)) == ("Drawing", KeptDrawing)
    assert second.raster == first.raster == draw(result).raster
    assert second.picture == first.picture
    assert second.drawn_with == first.drawn_with
    assert type(Drawings(Store(tmp_path, reads=False)).draw(result)).__name__ == "Drawing"


@SAME
def test_a_damaged_drawing_is_drawn_again(tmp_path):
    kept = Drawings(Store(tmp_path))
    raster = kept.draw(trace()).raster
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    assert kept.draw(trace()).raster == raster
    assert isinstance(kept.draw(trace()), KeptDrawing)


@SAME
def test_anything_that_differs_gives_another_key(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = [drawing_key(trace()), drawing_key(trace(shift=1e-9)), drawing_key(lens())]
    for change in ("code_version", "figures_version", "_versions"):
        with monkeypatch.context() as patch:
            patch.setattr(drawings, change, lambda: "0")
            found.append(drawing_key(trace()))
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "own"))
    for width, place in enumerate(("own/matplotlibrc", "matplotlibrc")):
        (tmp_path / place).write_text(f"lines.linewidth: {width}")
        found.append(drawing_key(trace()))
    for number, (variable, place) in enumerate(
        (
            ("MATPLOTLIBRC", "."),  # the file itself
            ("MATPLOTLIBRC", "matplotlibrc"),
            ("XDG_CONFIG_HOME", "matplotlib/matplotlibrc"),
            ("HOME", ".config/matplotlib/matplotlibrc"),
            ("HOME", ".matplotlib/matplotlibrc"),
        )
    ):
        folder = tmp_path / str(number)
        file = folder / place / "rc" if place == "." else folder / place
        file.parent.mkdir(parents=True)
        file.write_text(f"lines.linewidth: {5 + number}")
        with monkeypatch.context() as patch:
            patch.setenv(variable, str(file if place == "." else folder))
            found.append(drawing_key(trace()))
    assert None not in found
    assert len(set(found)) == len(found)


@SAME
def test_what_this_package_does_not_draw_alone_is_drawn_each_time(monkeypatch):
    class Own(TraceResult):
        pass

    assert drawing_key(trace()) is not None
    assert drawing_key(object.__new__(Own)) is None
    assert drawing_key(3) is None
    with mpl.rc_context({"lines.linewidth": 9}):
        assert drawing_key(trace()) is None
    with monkeypatch.context() as patch:
        patch.setattr("pytest_interp.figures.trace.trace_figure", lambda result: Figure())
        assert drawing_key(trace()) is None
    with monkeypatch.context() as patch:
        patch.setattr(TraceResult, "to_figure", lambda self: Figure(), raising=False)
        assert drawing_key(trace()) is None
    with restored():
        register_figure(TraceResult, lambda result: Figure(), replace=True)
        assert drawing_key(trace()) is None
    assert drawing_key(trace()) is not None
