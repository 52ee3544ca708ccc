"""Every architecture on every backend: the contract in short, and the tables in the docs."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from architectures import BUILD, VOCABULARY
from contract import TOKENS, measured, reason, within
from tiny import adapter_of, tiny_weights

from pytest_interp.adapters import Site
from pytest_interp.adapters.layouts import ARCHITECTURES, layout_of

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"
AGAIN = "python docs/make_architectures.py"


def written(name: str) -> list[list[str]]:
    """The rows of a table of the page, a list of cells each."""
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert found, name
    rows = [line.strip("| ").split(" | ") for line in found[1].splitlines() if line[:1] == "|"]
    return [rows[0], *rows[2:]]


def reasons_written() -> dict[int, str]:
    """By the number that cells hold, why something is refused."""
    found = re.search(
        r"\nRefused, because:\n\n(.*?)\n<!-- end -->", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found
    lines = (re.fullmatch(r"(\d+)\. (.*): (.*?)", line) for line in found[1].splitlines())
    return {int(line[1]): line[2] for line in lines if line}


@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("model", BUILD)
@pytest.mark.guarantee(
    "green",
    "On every architecture each site is what plain torch hooks read and write, or is refused by "
    "name with the reason, as the table of the backend notes says.",
    sees="the activations and the logits of plain torch hooks, or UnsupportedSiteError",
)
def test_what_the_table_of_architectures_says_holds(model, backend):
    if (model, backend) == ("qwen3_5", "transformer_lens") and find_spec("torchvision"):
        pytest.skip("the table is of an environment without torchvision")
    found = measured(model, backend)
    off = {name: value for name, value in found.items() if not isinstance(value, str)}
    assert all(value <= within(model) for value in off.values()), off
    head, *rows = written("what was measured")
    (row,) = (cells[2:] for cells in rows if cells[:2] == [model, backend])
    assert [*found] == head[2:]
    reasons, some_lack = reasons_written(), layout_of(tiny_weights(model).module.config).some_lack
    for cell, (name, value) in zip(row, found.items(), strict=True):
        said, _, number = cell.removesuffix(")").partition(" (")
        why = reason(value) if isinstance(value, str) else some_lack.get(name, "")
        assert (reasons[int(number)] if number else "") == why, AGAIN
        if isinstance(value, str):
            assert said == "refused", AGAIN
            assert why, "a refusal says why"
        else:
            assert float(said) <= within(model), AGAIN


@pytest.mark.parametrize("model", ["llama", "gemma", "granite", "gemma4_text"])
def test_the_unit_of_noise_is_that_of_what_enters_the_first_block(model):
    """Also where the model multiplies its embeddings, in their module or outside of it."""
    adapter = adapter_of(model, "nnsight")
    every_token = adapter.embed(torch.arange(VOCABULARY)[None])
    assert adapter.embedding_std == pytest.approx(float(every_token.std(correction=0)), rel=1e-5)


@pytest.mark.parametrize("backend", ["transformer_lens", "nnsight"])
@pytest.mark.parametrize("kind", ["q", "k", "v"])
def test_what_a_model_clips_in_place_is_captured_as_it_was(backend, kind):
    """With a graph the captured tensor is no copy, and OLMo writes into what it is handed."""
    adapter, site = adapter_of("olmo", backend), Site(kind, 1)
    tokens = torch.tensor(TOKENS)
    with_graph = adapter.run(tokens, capture=[site], grad=True)
    assert torch.equal(with_graph[site].detach(), adapter.run(tokens, capture=[site])[site])
    (gradient,) = torch.autograd.grad(with_graph.logits[0, -1, 7], with_graph[site])
    clipped = with_graph[site].abs() > adapter.weights.module.config.clip_qkv
    assert clipped.any()
    assert not gradient[clipped].any()


def test_the_docs_have_each_row_of_the_architectures():
    rows = [[f"`{name}`", one.special] for name, one in ARCHITECTURES.all().items() if one.special]
    assert written("what is special")[1:] == rows, AGAIN
