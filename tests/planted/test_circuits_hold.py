"""The truth of planted circuits against the networks under plain hooks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from circuit_runs import Runs, replacing
from torch import Tensor

from pytest_interp.adapters.components import Component
from pytest_interp.planted import (
    planted_induction_model,
    planted_ioi_model,
    planted_two_step_model,
)
from pytest_interp.planted.circuits import CircuitModel

ARCHS = ("gpt2", "qwen3", "llama")
MODELS: dict[str, Callable[..., CircuitModel]] = {
    "induction": planted_induction_model,
    "duplicate": lambda arch: planted_induction_model(arch, duplicate=True),
    "ioi": planted_ioi_model,
    "query": lambda arch: planted_two_step_model(arch, through="query"),
    "key": lambda arch: planted_two_step_model(arch, through="key"),
    "value": lambda arch: planted_two_step_model(arch, through="value"),
    "mlp": lambda arch: planted_two_step_model(arch, through="mlp"),
}
QUICK = {("gpt2", "ioi"), ("qwen3", "induction"), ("llama", "query"), ("qwen3", "key"),
         ("gpt2", "value"), ("llama", "mlp")}  # fmt: skip
every_model = pytest.mark.parametrize(
    ("arch", "name"),
    [
        pytest.param(*pair, marks=[] if pair in QUICK else pytest.mark.slow)
        for pair in itertools.product(ARCHS, MODELS)
    ],
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def build(name: str, arch: str) -> CircuitModel:
    return MODELS[name](arch)


def known(model: CircuitModel, fact: int = 0) -> tuple[Any, Runs]:
    return model.truth(fact), Runs(model, fact)


def edits_of(components: Sequence[Component], values: Callable[[str, int], Tensor]) -> list[Any]:
    return [(c.kind, c.layer, replacing(values(c.kind, c.layer), c.index)) for c in components]


def ablated(
    runs: Runs, components: Sequence[Component], kind: str, reference: Sequence[str]
) -> float:
    """The metric without some parts at every position, from one pass with hooks."""
    source = runs.read(torch.cat([runs.ids(text) for text in reference]))
    means = {site: x.mean(0, keepdim=True) * (kind != "zero") for site, x in source.items()}
    found = edits_of(components, lambda kind, layer: means[kind, layer])
    return runs.metric(runs.run(runs.clean, found))


@every_model
@pytest.mark.guarantee(
    "green",
    "In planted circuits every attention, ablation, patch, direct effect and path is as stated.",
    sees="A number that differs from the stated one.",
)
def test_it_answers_and_looks_as_stated(arch: str, name: str) -> None:
    model = build(name, arch)
    for fact in range(0, len(model.facts), 5):
        truth, runs = known(model, fact)
        for ids, value in ((runs.clean, truth.value), (runs.corrupt, truth.corrupt_value)):
            logits = runs.run(ids)
            assert runs.metric(logits) == pytest.approx(value, abs=truth.tolerance)
        assert runs.run(runs.clean)[0, -1].argmax() == runs.answer
        assert min(truth.value, -truth.corrupt_value) > 10
        patterns = runs.patterns(" ".join(truth.clean))
        for component in model.roles.values():
            if component.kind == "head":
                stated = truth.pattern(component)
                rows = ~np.isnan(stated).any(axis=1)
                found = patterns[component.layer][component.index].numpy()
                np.testing.assert_allclose(found[rows], stated[rows], rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", ["zero", "mean", pytest.param("resample", marks=pytest.mark.slow)])
@every_model
def test_without_any_of_its_parts(arch: str, name: str, kind: Any) -> None:
    model = build(name, arch)
    truth, runs = known(model, 1)
    parts = list(model.roles.values())
    distractors = [c for c in model.machine.components if c not in parts]
    sets = [[part] for part in parts] + [list(pair) for pair in itertools.combinations(parts, 2)]
    sets += [distractors, [c for c in model.machine.components if c != parts[0]]]
    prompt = model.facts.prompts[1]
    reference = [prompt.corrupt_prompt] if kind == "resample" else model.reference
    for components in sets:
        stated = truth.ablated(components, kind, reference)
        found = ablated(runs, components, kind, reference)
        assert found == pytest.approx(stated, abs=truth.tolerance), [*map(str, components)]
    whole = truth.faithfulness(parts, kind, reference)
    assert whole == pytest.approx(1, abs=1e-9)


@every_model
def test_patching_a_head_or_its_inputs(arch: str, name: str) -> None:
    model = build(name, arch)
    truth, runs = known(model, 2)
    ends = {"noise": (runs.clean, runs.corrupt), "denoise": (runs.corrupt, runs.clean)}
    heads = [c for c in model.roles.values() if c.kind == "head"]
    heads.append(next(c for c in model.machine.components if c not in model.roles.values()))
    width = truth.value - truth.corrupt_value
    for direction, (into, source) in ends.items():
        seen = runs.read(source)
        start = runs.metric(runs.run(into))
        for head, site in itertools.product(heads, ("head", "q", "k", "v")):
            index = head.index
            if site in ("k", "v"):
                index = index * model.machine.shape.n_kv_heads // runs.n_heads
            for position in (None, -1, 4):
                at = None if position is None else [position % into.shape[1]]
                edit = (site, head.layer, replacing(seen[site, head.layer], index, at))
                moved = runs.metric(runs.run(into, [edit])) - start
                share = moved / width * (1 if direction == "denoise" else -1)
                stated = truth.head_effect(head.layer, index, site, position, direction)
                if np.isnan(stated):  # what a word that is not there matches is not decided
                    assert (name, site) in (("duplicate", "q"), ("duplicate", "k"))
                    continue
                assert share == pytest.approx(stated, abs=truth.tolerance / 20), (
                    head,
                    site,
                    position,
                )


@every_model
def test_what_each_part_adds_by_itself(arch: str, name: str) -> None:
    model = build(name, arch)
    truth, runs = known(model, 3)
    seen = runs.read(runs.clean)
    final = seen["resid_post", len(runs.blocks) - 1][0, -1].double()
    centre = final.mean() if runs.gpt2 else 0.0
    gain = runs.norm.weight.double()
    scale = gain / (((final - centre) ** 2).mean() ** 0.5)
    unembedding = runs.module.lm_head.weight.double()
    reads = scale * (unembedding[runs.answer] - unembedding[runs.other])
    added = {
        component: float(
            (lambda x: (x - x.mean() * runs.gpt2) @ reads)(
                runs.written(component, seen)[0, -1].double()
            )
        )
        for component in model.machine.components
    }
    for component, found in added.items():
        stated = truth.direct_effect(component)
        assert found == pytest.approx(stated, abs=truth.tolerance), component
        if component not in model.roles.values():
            assert stated == 0
    assert sum(added.values()) == pytest.approx(truth.value, abs=truth.tolerance)
    parts = [truth.direct_effect(c) for c in ("embed", *model.machine.components)]
    assert sum(parts) == pytest.approx(truth.value, abs=1e-9)


@every_model
def test_every_path_between_its_parts(arch: str, name: str) -> None:
    model = build(name, arch)
    truth, runs = known(model, 1)
    clean, corrupt = runs.read(runs.clean), runs.read(runs.corrupt)
    width, start = truth.value - truth.corrupt_value, runs.metric(runs.run(runs.clean))
    n = len(runs.blocks)
    for sender, receiver in itertools.product(model.roles.values(), model.roles.values()):
        delta = runs.written(sender, corrupt) - runs.written(sender, clean)
        if sender is receiver:
            last = clean["resid_post", n - 1] + delta
            with torch.no_grad():
                found = runs.metric(runs.module.lm_head(runs.norm(last)))
            stated = truth.path_effect(sender, "output")
            assert (start - found) / width == pytest.approx(stated, abs=truth.tolerance / 20)
            continue
        after_mlp = sender.kind == "mlp_out" and receiver.layer <= sender.layer
        if after_mlp or sender.layer > receiver.layer:
            continue
        if receiver.kind == "mlp_out":
            stream = clean["mlp_in", receiver.layer] + delta
            new = {"mlp_out": runs.mlp(receiver.layer, stream)}
        elif receiver.layer > sender.layer:
            new = runs.inputs(receiver.layer, clean["resid_pre", receiver.layer] + delta)
        else:
            continue
        for site, values in new.items():
            index = receiver.index
            if site in ("k", "v"):
                index = index * model.machine.shape.n_kv_heads // runs.n_heads
            edit = (site, receiver.layer, replacing(values, index))
            found = (start - runs.metric(runs.run(runs.clean, [edit]))) / width
            to = str(Component(site, receiver.layer, index))
            stated = truth.path_effect(sender, to)
            assert found == pytest.approx(stated, abs=truth.tolerance / 20), (str(sender), to)
