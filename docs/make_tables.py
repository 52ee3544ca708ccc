"""Tables of `docs/results.md`, from results: what `make_figures.py` writes beside the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pytest_interp.claims import Verdict
from pytest_interp.results import LensResult, TraceResult, TraceSet
from pytest_interp.results.known import unknown_because


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no minus sign before a zero


def token(text: str | None) -> str:
    return "none leads" if text is None else f"`{text!r}`"


def lens_table(results: Sequence[LensResult]) -> str:
    rows = [
        [
            token(r.prompt),
            token(r.answer),
            str(r.crossover_layer),
            str(r.settled_layer),
            token(r.top_token[-1]),
            f"{r.final_prob:.3f}",
        ]
        for r in results
    ]
    heads = [
        "prompt",
        "answer",
        "first on top",
        "stays from",
        "top token at the end",
        "final prob.",
    ]
    return table(heads, rows)


def lens_curve(result: LensResult, layers: range) -> str:
    rows = [
        [
            str(layer),
            f"{result.answer_prob[layer]:.4f}",
            str(result.answer_rank[layer]),
            f"{result.answer_margin[layer]:+.2f}",
            token(result.top_token[layer]),
        ]
        for layer in layers
    ]
    return table(["layer", "probability", "rank (0 = top)", "margin (logits)", "top token"], rows)


def peak_text(trace: TraceResult) -> str:
    peak = trace.peak
    if peak is None:
        return "none leads"
    return f"layer {peak.layer}, {token(peak.token)}, {peak.effect:.3f}"


def peak_table(traces: Sequence[TraceResult]) -> str:
    rows = [
        [
            f"`{t.site}`",
            t.direction,
            t.corruption,
            t.metric,
            f"{t.clean_metric:.3f}",
            f"{t.corrupt_metric:.3f}",
            peak_text(t),
        ]
        for t in traces
    ]
    heads = ["site", "direction", "corruption", "metric", "clean", "corrupt", "peak effect"]
    return table(heads, rows)


def column_table(traces: Sequence[TraceResult], layers: range) -> str:
    denoised, noised = traces
    subject = denoised.subject_positions[-1]
    where = [(t, p) for t in (denoised, noised) for p in (subject, denoised.n_positions - 1)]
    rows = [[str(n), *(f"{t.effect[t.layers.index(n), p]:.3f}" for t, p in where)] for n in layers]
    heads = [f"{token(t.str_tokens[p])}, {t.direction}" for t, p in where]
    return table(["layer", *heads], rows)


def fact_table(traces: Sequence[TraceResult]) -> str:
    rows = []
    for t in traces:
        subject, last = t.recovery[:, list(t.subject_positions)].max(1), t.recovery[:, -1]
        rows.append(
            [
                f"{t.fact.subject} / {t.corrupt_str_tokens[t.subject_positions[-1]].strip()}",
                f"{t.clean_metric:+.2f}",
                f"{t.corrupt_metric:+.2f}",
                str(t.hand_off()[0]),
                f"{subject[:20].min():.3f}",
                f"{last[:20].max():.3f}",
                f"{last[25:].min():.3f}",
            ]
        )
    heads = [
        "clean / corrupt subject",
        "clean metric",
        "corrupt metric",
        "hand-off at layer",
        "subject, least in layers 0-19",
        "last, most in layers 0-19",
        "last, least in layers 25-29",
    ]
    return table(heads, rows)


def set_table(sets: Mapping[str, TraceSet]) -> str:
    rows = []
    for name, asked in sets.items():
        known = asked.pick(i for i, t in enumerate(asked) if unknown_because(t) is None)
        subject, last = known.effect("subject"), known.effect("last")
        layers = known.traces[0].layers
        handed = np.array(known.hand_off_layers())
        rows.append(
            [
                f"`{name}`",
                f"{len(known)} of {len(asked)}",
                str(len(set(known.templates))),
                f"{np.median(handed):.0f} ({handed.min()} to {handed.max()})",
                *(number(subject[:, layers.index(n)].mean(), 2) for n in (0, 12)),
                *(number(last[:, layers.index(n)].mean(), 2) for n in (12, 25)),
            ]
        )
    heads = [
        "set",
        "known",
        "templates",
        "hand-off at layer: median (range)",
        "subject, layer 0",
        "subject, layer 12",
        "last, layer 12",
        "last, layer 25",
    ]
    return table(heads, rows)


def verdict_table(claimed: Mapping[str, Verdict], refused: Mapping[str, Verdict]) -> str:
    """One claim under each backend, and the same on shuffled weights; then their full texts."""
    controls = [c.name for c in next(iter(claimed.values())).controls]
    rows = [
        ["status", *(str(v.status) for v in claimed.values())],
        ["scope", *(v.scope for v in claimed.values())],
        ["decided by", *(str(v.effect) for v in claimed.values())],
        ["margin", *(f"{v.margin:+.3f}" for v in claimed.values())],
        *(
            [name, *(f"{v.controls[i].value:.3g}" for v in claimed.values())]
            for i, name in enumerate(controls)
        ),
        ["same claim, shuffled weights", *(str(v.status) for v in refused.values())],
        ["its reason", *(v.sentence.split(";")[0] for v in refused.values())],
    ]
    texts = [
        f"Under `{name}`, {what}:\n\n```text\n{verdict}\n```"
        for what, found in (("the claim", claimed), ("the same on shuffled weights", refused))
        for name, verdict in found.items()
    ]
    return "\n\n".join([table(["", *(f"`{name}`" for name in claimed)], rows), *texts])
