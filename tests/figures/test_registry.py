"""Figures by the type of the result."""

import subprocess
import sys

import pytest
from made_results import lens, lens_set, trace
from matplotlib.figure import Figure

from pytest_interp import registry
from pytest_interp.errors import InterpError
from pytest_interp.figures import figure_of, register_figure
from pytest_interp.results import LensResult


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    # figures alone are added here
    monkeypatch.setattr(registry, "HOMES", {"figure": registry.HOMES["figure"]})
    with registry.restored():
        yield


class Norms:
    """A result of somebody else."""


class FinerNorms(Norms):
    """One that is made from it."""


def titled(text):
    def draw(result):
        figure = Figure()
        figure.suptitle(f"{text} {type(result).__name__}")
        return figure

    return draw


def title(figure):
    return figure.get_suptitle()


def drawn_elsewhere(result):
    return titled("by text")(result)


def test_a_type_and_those_made_from_it_get_a_figure():
    assert figure_of(Norms()) is None
    register_figure(Norms, titled("of"))
    assert title(figure_of(Norms())) == "of Norms"
    assert title(figure_of(FinerNorms())) == "of FinerNorms"
    register_figure(FinerNorms, titled("finer"))
    assert title(figure_of(FinerNorms())) == "finer FinerNorms"
    assert title(figure_of(Norms())) == "of Norms"


def test_a_function_may_be_named_by_where_it_stands():
    register_figure(Norms, f"{__name__}:drawn_elsewhere")
    assert title(figure_of(Norms())) == "by text Norms"
    register_figure(FinerNorms, "nowhere.to_be:found")
    with pytest.raises(InterpError, match=r"FinerNorms cannot be loaded from 'nowhere.to_be:found"):
        figure_of(FinerNorms())


@pytest.mark.parametrize("taken", [Norms, LensResult])
def test_a_second_figure_of_one_type_is_refused_unless_it_replaces(taken):
    register_figure(Norms, titled("first"))
    with pytest.raises(InterpError, match=rf"the figure name '.*\.{taken.__name__}' is taken by"):
        register_figure(taken, drawn_elsewhere)
    register_figure(taken, drawn_elsewhere, replace=True)
    result = Norms() if taken is Norms else lens()
    assert title(figure_of(result)) == f"by text {taken.__name__}"


def test_what_cannot_draw_is_refused():
    with pytest.raises(InterpError, match=r"3 cannot draw the figure of .*Norms: give a function"):
        register_figure(Norms, 3)


def test_its_own_method_goes_first():
    class Own(Norms):
        def to_figure(self):
            return titled("own")(self)

    register_figure(Norms, titled("registered"))
    assert title(figure_of(Own())) == "own Own"


def test_results_of_this_package_have_theirs():
    for result in (lens(), trace(), lens_set(8, 3)):
        assert isinstance(figure_of(result), Figure)


def test_registering_imports_no_matplotlib():
    code = (
        "import sys; from pytest_interp.figures import register_figure, figure_of\n"
        "register_figure(int, 'some.where:draw'); figure_of('a text')\n"
        "import pytest_interp.figures.built_in\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
