"""Each shipped experiment as one call or more on a tiny model, and what it gives as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelled_sets import tiny_prompts

from pytest_interp import (
    Direction,
    FactPrompt,
    FactSet,
    ablate,
    ablate_direction,
    attention_patterns,
    attribution_patching,
    causal_trace,
    causal_traces,
    circuit,
    direct_logit_attribution,
    induction_scores,
    knock_out_attention,
    logit_lens,
    path_patching,
    probe,
    steer,
    trace_heads,
    trace_joint,
    trajectories,
)
from pytest_interp.experiments.lens import lens_facts

FACT = FactPrompt(
    clean_prompt="w3 w10 w7 w9",
    corrupt_prompt="w3 w30 w7 w9",
    answer="w13",
    counterfactual_answer="w18",
    subject="w10",
)
PROMPTS = tiny_prompts(12)
DIRECTION = Direction([1.0, *[0.0] * 31], layer=1)
STEERED = {"doses": (1.0, 2.0), "neutral": ("w3 w4",), "texts": 1, "text_tokens": 2}
CALLS = {
    "ablate": lambda m: ablate(m, FACT, ["head.1.1", "mlp_out.2"], kind="zero"),
    "ablate attn_out": lambda m: ablate(
        m, FACT, ["attn_out.0", "attn_out.1"], kind="mean", reference="corrupt"
    ),
    "ablate_direction": lambda m: ablate_direction(m, PROMPTS, DIRECTION),
    "ablate_direction last": lambda m: ablate_direction(m, PROMPTS, DIRECTION, positions="last"),
    "attention_patterns": lambda m: attention_patterns(m, FACT.clean_prompt),
    "attention_patterns layers": lambda m: attention_patterns(m, FACT.clean_prompt, [1, 3]),
    "attribution_patching": lambda m: attribution_patching(m, FACT),
    "attribution_patching layers": lambda m: attribution_patching(m, FACT, layers=(1, 3), verify=4),
    "causal_trace": lambda m: causal_trace(m, FACT),
    "causal_trace noise": lambda m: causal_trace(m, FACT, corruption="gaussian"),
    "causal_trace resid_mid": lambda m: causal_trace(m, FACT, site="resid_mid"),
    "causal_trace mlp_neurons": lambda m: causal_trace(m, FACT, site="mlp_neurons"),
    "causal_trace window": lambda m: causal_trace(m, FACT, site="attn_out", window=2),
    "causal_trace v": lambda m: causal_trace(m, FACT, site="v", layers=[1]),
    "causal_traces": lambda m: causal_traces(m, [FACT], site="head")[0],
    "circuit": lambda m: circuit(
        m, FACT, ["head.1", "mlp_out.2"], ablation="mean", reference="corrupt"
    ),
    "direct_logit_attribution": lambda m: direct_logit_attribution(m, FACT),
    "induction_scores": lambda m: induction_scores(m, n=1, length=5),
    "knock_out_attention": lambda m: knock_out_attention(m, FACT, "last", "subject", window=2),
    "knock_out_attention layers": lambda m: knock_out_attention(
        m, FACT, "last", "subject", layers=[1, 3]
    ),
    "logit_lens": lambda m: logit_lens(m, FACT.clean_prompt, FACT.answer),
    "logit_lenses": lambda m: lens_facts(m, FactSet.of([FACT])),
    "path_patching": lambda m: path_patching(m, FACT, ["embed", "mlp_out.0", "attn_out.1"]),
    "path_patching output": lambda m: path_patching(m, FACT),
    "path_patching v": lambda m: path_patching(m, FACT, ["mlp_out.0"], ["v.1.1", "mlp_out.2@last"]),
    "path_patching q": lambda m: path_patching(m, FACT, ["head.1.2"], "q.3.1"),
    "probe": lambda m: probe(m, PROMPTS, folds=2, shuffles=19, repeats=2),
    "steer": lambda m: steer(m, PROMPTS, DIRECTION, **STEERED),
    "steer all": lambda m: steer(m, PROMPTS, DIRECTION, positions="all", **STEERED),
    "trace_heads": lambda m: trace_heads(m, FACT, controls=False),
    "trace_heads q": lambda m: trace_heads(m, FACT, site="q", layers=[1, 3], controls=False),
    "trace_joint": lambda m: trace_joint(m, FACT, {"two": ["head.1.1@last", "mlp_out.2@last"]}),
    "trajectories": lambda m: trajectories(m, PROMPTS),
}
"""By the name of an experiment, and a word on what is asked of it where it is called twice."""


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What a result holds as JSON, each with its path; nothing of how it was made."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name != "provenance":
                yield from numbers(one, f"{path}.{name}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from numbers(one, f"{path}[{i}]")
    else:
        yield path, value
