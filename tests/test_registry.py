"""One rule for everything that can be added by name."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from pytest_interp import registry
from pytest_interp.errors import InterpError, UnknownNameError
from pytest_interp.registry import HOMES, Registry, restored


@pytest.fixture
def colours():
    made = Registry("colour")
    yield made
    registry._ALL.pop("colour")


def publish(monkeypatch, found, **values):
    points = {name: EntryPoint(name, value, found.group) for name, value in values.items()}
    monkeypatch.setattr(
        registry, "entry_points", lambda group: points if group == found.group else {}
    )


def test_a_name_is_taken_once(colours):
    colours.add("red", "#f00")
    colours.add("red", "#f00")  # as when a module is imported twice
    with pytest.raises(InterpError, match=r"the colour name 'red' is taken by #f00.*replace=True"):
        colours.add("red", "#d00")
    assert colours.find("red") == "#f00"
    colours.add("red", "#d00", replace=True)
    assert colours.find("red") == "#d00"


def test_what_is_installed_is_read_once(monkeypatch):
    read = []
    find = metadata.entry_points
    monkeypatch.setattr(metadata, "entry_points", lambda: read.append(1) or find())
    with restored():
        for kind in HOMES:
            registry.entry_points(f"pytest_interp.{kind}s")
        assert len(read) == 1
        assert "interp" in registry.entry_points("pytest11")


def test_an_unknown_name_is_met_with_the_nearest(colours):
    colours.add("green", "#0f0")
    with pytest.raises(UnknownNameError, match="unknown colour 'gren'"):
        colours.find("gren")


def test_an_entry_point_is_loaded_when_it_is_asked_for(colours, monkeypatch):
    publish(monkeypatch, colours, pi="math:pi", broken="no_such_module:x")
    assert colours.names() == ["broken", "pi"]
    assert colours.here() == {}
    assert colours.find("pi") == 3.141592653589793
    with pytest.raises(InterpError, match="'broken' cannot be loaded from no_such_module:x: Mod"):
        colours.find("broken")
    with pytest.raises(InterpError, match="'broken' is taken by no_such_module:x"):
        colours.add("broken", 1)


def test_a_module_may_register_what_an_entry_point_of_its_package_names(colours, monkeypatch):
    publish(monkeypatch, colours, shade="paint:DARK", tint="paint:LIGHT")
    paint = ModuleType("paint")
    monkeypatch.setitem(sys.modules, "paint", paint)
    colours.add("shade", "#111")  # while the module is imported
    paint.DARK, paint.LIGHT = "#111", "#eee"
    with pytest.raises(InterpError, match="'tint' is taken by paint:LIGHT"):
        colours.add("tint", "#ddd")
    colours.add("tint", "#eee")
    assert (colours.find("shade"), colours.find("tint")) == ("#111", "#eee")


def test_what_is_added_inside_of_a_block_is_gone_after_it(colours):
    colours.add("blue", "#00f")
    with restored():
        colours.add("black", "#000")
        colours.add("blue", "#008", replace=True)
    assert colours.names() == ["blue"]
    assert colours.find("blue") == "#00f"


@pytest.mark.parametrize("kind", HOMES)
def test_what_is_built_in_is_refused_to_others(kind):
    import_module(HOMES[kind])
    found = registry._ALL[kind]
    name, other = list(found.here())[:2]
    with pytest.raises(InterpError, match=f"the {kind} name .* is taken"):
        found.add(name, found.find(other))
    assert found.group == f"pytest_interp.{kind}s"
