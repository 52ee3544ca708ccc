"""Make the table of all models in `docs/results.md`, from the saved baselines.

    python docs/make_results.py

Writes `models.md` and the figures of Gemma to `docs/assets/results/`. It reads files and runs no
model, so it takes a second.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT: Final = Path(__file__).parents[1]
BASELINES: Final = ROOT / "baselines"
OUT: Final = ROOT / "docs" / "assets" / "results"
TABLE: Final = OUT / "models.md"
MODELS: Final = ("smollm2-135m", "gemma3-270m")
FROM_THE_HUB: Final = ("gpt2", "qwen3-0.6b")
SKIPPED: Final = "weights not here: skipped"
WRITES: Final = {30: (23, 4), 18: (12, 2)}
"""The head that writes most, as (layer, head), of a model with so many layers."""
Read = Callable[[Mapping[str, Any]], str]


def hand_off(result: Mapping[str, Any]) -> str:
    layers = [layer for layer in result["hand_off"] if layer is not None]
    at = int(np.median(layers))
    return f"layer {at} for {layers.count(at)} of {len(layers)}"


def lens(result: Mapping[str, Any]) -> str:
    """Of the first prompt, France, where there are several."""
    first, stays = result["crossover_layer"], result["settled_layer"]
    if isinstance(first, list):
        first, stays = first[0], stays[0]
    return f"layer {first}, {'does not stay' if stays is None else f'stays from {stays}'}"


def head_alone(result: Mapping[str, Any]) -> str:
    return f"`{result['strongest']}`: {np.max(result['mean_effect']):.2f}"


def written(result: Mapping[str, Any]) -> str:
    most = np.max(result["by_head"])
    return f"`{result['largest']}`: {most:.2f} of {np.mean(result['total']):.2f} logits"


def looks(result: Mapping[str, Any]) -> str:
    layer, head = WRITES[len(result["layers"])]
    return f"`head.{layer}.{head}`: {result['last_to_subject'][layer][head]:.2f}"


def lost(result: Mapping[str, Any]) -> str:
    what = result["most_needed"]
    left = result["mean_ablated_metric"][result["what"].index(what)]
    return f"{what}: {1 - left / np.mean(result['clean_metric']):.2f}"


def kept(result: Mapping[str, Any]) -> str:
    return f"{result['faithfulness']:.2f} by {len(result['circuit'])} of {result['n_nodes']}"


def looks_back(result: Mapping[str, Any]) -> str:
    best = []
    for kind in ("induction", "previous_token", "duplicate_token"):
        scores = np.array(result[kind])
        layer, head = np.unravel_index(scores.argmax(), scores.shape)
        best.append(f"{kind.replace('_', ' ')} `head.{layer}.{head}`: {scores.max():.2f}")
    return ", ".join(best)


def lead(result: Mapping[str, Any], auroc: float) -> str:
    others = result["baseline_auroc"]
    best = max(others, key=others.__getitem__)
    return f"AUROC {auroc:.2f}, over {best} {auroc - others[best]:.2f}"


def read_best(result: Mapping[str, Any]) -> str:
    return lead(result, result["selected_auroc"])


def read_at_once(result: Mapping[str, Any]) -> str:
    return lead(result, result["auroc"][0])


def steered(result: Mapping[str, Any]) -> str:
    """From the lowest to the highest dose, over both classes: they have as many prompts."""
    odds = np.mean([*result["log_odds"].values()], axis=0)
    drawn = np.array(result["random_shift"])
    most = np.abs(drawn[:, -1] - drawn[:, 0]).max()
    return f"layer {result['layers'][0]}: {odds[-1] - odds[0]:+.2f}, random up to {most:.2f}"


def settles(result: Mapping[str, Any]) -> str:
    settled = np.array(result["settled"])
    last = (settled == result["layers"][-1]).sum()
    return f"layer {np.median(settled):.0f} (median), {last} of {len(settled)} in the last"


def path(result: Mapping[str, Any]) -> str:
    return f"`{result['strongest_sender'][0]}`: {np.max(result['effect']):.2f}"


def gradient(result: Mapping[str, Any]) -> str:
    heads = np.array(result["estimates"]["head"])
    layer, head = np.unravel_index(heads.argmax(), heads.shape)
    error = result["largest_error"]["head"]
    return f"`head.{layer}.{head}`: {heads.max():.2f}, off by up to {error:.2f}"


ROWS: Final[tuple[tuple[str, Read, str, str], ...]] = (
    (
        "hand-off, capitals in three wordings",
        hand_off,
        "specs/test_capitals/test_every_capital_is_handed_over_at_layer_23",
        "specs/test_gemma3/test_every_capital_is_handed_over_at_layer_12",
    ),
    (
        "hand-off, all 37 capitals in five wordings",
        hand_off,
        "specs/test_capitals_set/test_capitals_move_to_the_last_token_at_layer_23",
        "configs/capitals_gemma3.interp/baseline",
    ),
    (
        "lens: Paris first on top",
        lens,
        "specs/test_capitals_lens/test_a_capital_crystallises_in_the_last_layer-France",
        "specs/test_gemma3/test_the_capital_is_read_as_it_arrives_and_is_not_what_the_model_says",
    ),
    (
        "head that restores most alone",
        head_alone,
        "specs/test_heads/test_the_same_head_hands_every_capital_over",
        "configs/head_map_gemma3.interp/baseline",
    ),
    (
        "head that writes most",
        written,
        "specs/test_attribution/test_the_head_that_looks_at_the_country_writes_the_capital",
        "specs/test_attribution/test_the_head_that_looks_at_the_country_writes_the_capital",
    ),
    (
        "its attention to the country",
        looks,
        "specs/attention.interp/baseline",
        "configs/attention_gemma3.interp/baseline",
    ),
    (
        "lost without heads (mean ablation)",
        lost,
        "specs/ablation.interp/baseline",
        "configs/ablation_gemma3.interp/baseline",
    ),
    (
        "lost when cut from the country",
        lost,
        "specs/knockout.interp/baseline",
        "specs/knockout_gemma3.interp/baseline",
    ),
    (
        "kept by the heads of that layer and all MLPs",
        kept,
        "specs/circuit.interp/baseline",
        "specs/test_gemma3/test_the_heads_of_the_layer_and_all_mlps_are_most_of_the_circuit",
    ),
    (
        "strongest sender to its values",
        path,
        "specs/paths.interp/baseline",
        "configs/paths_gemma3.interp/baseline",
    ),
    (
        "largest estimate of one gradient",
        gradient,
        "specs/estimates.interp/baseline",
        "configs/estimates_gemma3.interp/baseline",
    ),
    (
        "heads that look back, on random tokens",
        looks_back,
        "specs/test_attention/test_its_induction_heads_come_after_its_previous_token_heads",
        "specs/test_attention/test_its_induction_heads_come_after_its_previous_token_heads",
    ),
    (
        "indirect objects: lost without heads",
        lost,
        "specs/test_ioi/test_without_the_name_movers_others_make_up_for_them",
        "specs/test_ioi_gemma3/test_heads_that_look_at_the_repeated_name_are_needed",
    ),
    (
        "indirect objects: lost when cut from the repeated name",
        lost,
        "specs/test_ioi/test_the_last_token_reads_the_repeated_name_in_layers_19_to_23",
        "specs/test_ioi_gemma3/test_the_last_token_reads_the_repeated_name_in_layers_11_to_13",
    ),
    (
        "indirect objects: kept by the known heads and all MLPs",
        kept,
        "specs/test_ioi/test_these_heads_and_all_mlps_are_a_part_of_the_circuit_and_not_all_of_it",
        "specs/test_ioi_gemma3/"
        "test_these_heads_and_all_mlps_keep_most_and_five_prompts_do_not_decide",
    ),
    (
        "told or not: read from 40 prompts",
        read_best,
        "specs/test_told_or_not/test_whether_it_was_told_can_be_read",
        "specs/test_told_or_not/test_gemma_too_holds_whether_it_was_told",
    ),
    (
        "told or not: log-odds of abstaining, steered where it is read best",
        steered,
        "specs/test_told_or_not/test_where_it_is_read_best_it_is_not_used",
        "specs/test_told_or_not/test_gemma_is_moved_more_by_random_directions-10",
    ),
    (
        "the same, two thirds up",
        steered,
        "specs/test_told_or_not/"
        "test_at_layer_20_the_answer_follows_the_dose_and_right_answers_are_lost",
        "specs/test_told_or_not/test_gemma_is_moved_more_by_random_directions-12",
    ),
    (
        "told or not: settles on what it says",
        settles,
        "specs/test_told_or_not/test_what_it_says_comes_in_the_last_layers_and_at_once",
        "specs/test_told_or_not/test_what_gemma_says_comes_at_once_and_perhaps_no_later",
    ),
    (
        "known countries read at layer 0",
        read_at_once,
        "specs/test_told_or_not/test_known_countries_differ_from_invented_ones_at_the_surface",
        "specs/test_told_or_not/test_known_countries_differ_from_invented_ones_at_the_surface",
    ),
)
"""What was measured, how it is read, and the baseline of each of MODELS."""
INCONCLUSIVE: Final = {
    "lens: Paris first on top": ("gemma3-270m",),
    "kept by the heads of that layer and all MLPs": ("gemma3-270m",),
    "indirect objects: kept by the known heads and all MLPs": ("gemma3-270m",),
    "told or not: read from 40 prompts": ("gemma3-270m",),
    "told or not: log-odds of abstaining, steered where it is read best": MODELS,
    "the same, two thirds up": ("gemma3-270m",),
}
FALSE: Final = {
    "indirect objects: kept by the known heads and all MLPs": ("smollm2-135m",),
    "known countries read at layer 0": MODELS,
}
"""The models of which the spec of that baseline asserts that the claim is not passed, and how."""
FIGURES: Final = {"gemma3-hand-off": 0, "gemma3-lens": 2, "gemma3-heads": 3, "gemma3-circuit": 8}
"""Pictures beside Gemma's baselines, by the row that they belong to."""


def table() -> str:
    lines = [
        ["", *(f"`{name}`" for name in (*MODELS, *FROM_THE_HUB))],
        ["---"] * (1 + len(MODELS) + len(FROM_THE_HUB)),
    ]
    for what, read, *stems in ROWS:
        cells = [
            verdict(what, name) + read(saved(stem, name))
            for stem, name in zip(stems, MODELS, strict=True)
        ]
        lines.append([what, *cells, *[SKIPPED] * len(FROM_THE_HUB)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def verdict(what: str, model: str) -> str:
    if model in INCONCLUSIVE.get(what, ()):
        return "inconclusive: "
    return "does not hold: " if model in FALSE.get(what, ()) else ""


def saved(stem: str, model: str) -> Mapping[str, Any]:
    result: Mapping[str, Any] = json.loads(file(stem, model, "json").read_text("utf-8"))["result"]
    return result


def file(stem: str, model: str, suffix: str) -> Path:
    return BASELINES / f"{stem}--{model}.{suffix}"


def main() -> None:
    TABLE.write_text(table(), encoding="utf-8")
    for name, row in FIGURES.items():
        shutil.copyfile(file(ROWS[row][3], MODELS[1], "png"), OUT / f"{name}.png")


if __name__ == "__main__":
    main()
