"""What is said on while a direction is added, against a loop of whole passes with torch hooks."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from labelled_sets import that_begin_alike, tiny_prompts
from tiny import ARCHITECTURES, adapter_of, tiny_module, tiny_tokenizer
from told_hooks import changed, ids_of

from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.cli.outputs import files_of
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.directions import class_direction
from pytest_interp.experiments.steering import steer
from pytest_interp.options.steering import SteerOptions
from pytest_interp.planted import planted_told_model
from pytest_interp.report.making import result_record
from pytest_interp.results.direction import Direction

DOSES = (-2.0, 3.0)
TOKENS = 5


def by_loop(module, tokens, vector, layers, positions, n):
    """Tokens one by one, each from a whole pass over all before it, without keys and values."""
    start = tokens.shape[1]
    moved = torch.tensor(vector, dtype=torch.float32)

    def add(x):
        x = x.clone()
        x[:, 0 if positions == "all" else start - 1 :] += moved
        return x

    for _ in range(n):
        logits = changed(module, tokens, [("resid_post", layer, add) for layer in layers])
        tokens = torch.cat([tokens, logits.argmax()[None, None]], dim=1)
    return tuple(tokens[0, start:].tolist())


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(
    ("positions", "layers", "alike"),
    [("last", None, False), ("last", (0, 2), True), ("all", None, False)],
)
def test_tokens_are_those_of_a_loop_of_hooked_passes(arch, backend, positions, layers, alike):
    prompts = that_begin_alike(tiny_prompts(12)) if alike else tiny_prompts(12)
    direction = Direction(np.random.default_rng(2).normal(size=32), 1)
    found = steer(
        adapter_of(arch, backend),
        prompts,
        direction,
        doses=DOSES,
        layers=layers,
        positions=positions,
        neutral=("w3",),
        texts=2,
        text_tokens=TOKENS,
    )
    ids = dict(zip((p.id for p in prompts), ids_of(tiny_tokenizer(), prompts), strict=True))
    assert [(one.id, one.label) for one in found.continued] == [
        ("p0", "told"), ("p1", "told"), ("p6", "untold"), ("p7", "untold"),
    ]  # fmt: skip
    told_apart = set()
    for one in found.continued:
        for dose, tokens in zip(found.doses, one.tokens, strict=True):
            expected = by_loop(
                tiny_module(arch), ids[one.id], dose * direction.vector, layers or (1,), positions,
                TOKENS,
            )  # fmt: skip
            assert tokens == expected, (one.id, dose)
        told_apart |= set(one.tokens)
        assert one.texts == tuple(tiny_tokenizer().decode(list(t)) for t in one.tokens)
    assert len(told_apart) > 4, "the doses say something else"


@cache
def planted():
    model = planted_told_model("llama")
    fitted, tried = model.prompts(32, seed=1).split()
    return Weights("planted", model.module, model.tokenizer, "planted"), fitted, tried


@pytest.mark.guarantee(
    "green",
    "What a steered model goes on to say is shown beside the numbers, and no baseline holds it.",
    sees="The texts at each dose in a notebook, in the HTML report, and in `pytest-interp run`.",
)
@pytest.mark.parametrize("backend", backend_names())
def test_a_planted_model_says_that_it_was_not_told(backend):
    weights, fitted, tried = planted()
    adapter = open_adapter(weights, backend)
    direction = class_direction(adapter, fitted, 4)
    asked = {"doses": (-4.0, 4.0), "neutral": ("Note : Ana",)}
    found = steer(adapter, tried, direction, texts=1, text_tokens=2, **asked)
    told, untold = found.continued
    assert [text.split()[0] for text in told.texts][:2] == ["unknown", found_answer(tried, told)]
    assert untold.texts[1].split()[0] == "unknown"
    for one in (told, untold):
        (tokens,) = [
            ids
            for p, ids in zip(tried, ids_of(weights.tokenizer, tried), strict=True)
            if p.id == one.id
        ]
        for dose, said in zip(found.doses, one.tokens, strict=True):
            vector = dose * direction.vector
            assert said == by_loop(weights.module, tokens, vector, (4,), "last", 2)
    plain = steer(adapter, tried, direction, **asked)
    assert plain.continued == ()
    assert plain.texts() == ""
    assert found.to_json() == plain.to_json()
    assert f'  dose -4: "{told.texts[0]}"' in found.texts()
    assert "added at the last and each new token" in found.texts()
    assert "dose -4: &quot;unknown" in found._repr_html_()
    assert files_of(found, {}, [])["texts.txt"].decode() == f"{found.texts()}\n"
    assert "texts.txt" not in files_of(plain, {}, [])
    assert result_record(found, None, Path(), whole=True).texts == found.texts()


def found_answer(prompts, one):
    return next(p.answer for p in prompts if p.id == one.id).strip()


@pytest.mark.parametrize("asked", [{"texts": -1}, {"texts": 1, "text_tokens": 0}])
def test_numbers_of_texts_that_make_no_sense_are_refused(asked):
    with pytest.raises(ExperimentError, match="at least one token"):
        SteerOptions(**asked)
