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
)
"""What was measured, how it is read, and the baseline of each of MODELS."""
FIGURES: Final = {"gemma3-hand-off": 0, "gemma3-lens": 2, "gemma3-heads": 3, "gemma3-circuit": 8}
"""Pictures beside Gemma's baselines, by the row that they belong to."""


def table() -> str:
    lines = [
        ["", *(f"`{name}`" for name in (*MODELS, *FROM_THE_HUB))],
        ["---"] * (1 + len(MODELS) + len(FROM_THE_HUB)),
    ]
    for what, read, *stems in ROWS:
        cells = [read(saved(stem, name)) for stem, name in zip(stems, MODELS, strict=True)]
        lines.append([what, *cells, *[SKIPPED] * len(FROM_THE_HUB)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


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
