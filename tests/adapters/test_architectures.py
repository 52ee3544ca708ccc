"""Every architecture on every backend: the contract in short, and the tables in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from architectures import BUILD
from contract import measured
from tiny import adapter_of

from pytest_interp.adapters.layouts import ARCHITECTURES

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
WITHIN = 1e-5
"""As for the contract at length: see test_contract.py."""


def written(name: str) -> list[list[str]]:
    """The rows of a table of the page, a list of cells each."""
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert found, name
    rows = [line.strip("| ").split(" | ") for line in found[1].splitlines() if line[:1] == "|"]
    return [rows[0], *rows[2:]]


@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("model", BUILD)
@pytest.mark.guarantee(
    "green",
    "On every architecture each site is what plain torch hooks read and write, or is refused by "
    "name with the reason, as the table of the backend notes says.",
    sees="the activations and the logits of plain torch hooks, or UnsupportedSiteError",
)
def test_what_the_table_of_architectures_says_holds(model, backend):
    found = measured(adapter_of(model, backend))
    off = {name: value for name, value in found.items() if not isinstance(value, str)}
    assert all(value <= WITHIN for value in off.values()), off
    head, *rows = written("what was measured")
    (row,) = (cells[2:] for cells in rows if cells[:2] == [model, backend])
    assert [*found] == head[2:]
    refused = {name for name, cell in zip(head[2:], row, strict=True) if cell == "refused"}
    assert refused == found.keys() - off.keys(), "python docs/make_architectures.py"
    assert all(" because " in value for value in found.values() if isinstance(value, str))


def test_the_docs_have_each_row_of_the_architectures():
    rows = [[f"`{name}`", one.special] for name, one in ARCHITECTURES.all().items() if one.special]
    assert written("what is special")[1:] == rows, "python docs/make_architectures.py"
