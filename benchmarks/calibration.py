"""Calibration: every assertion on models whose mechanism is known.

Each planted model is traced under both backends, and each assertion is asked claims that its
truth table makes true and claims that it makes false: another layer, position, site or direction,
a fact that the model does not know, shuffled weights. A true claim must pass; a false one must
fail, be inconclusive, or be refused.

    python -m benchmarks.calibration
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pytest_interp.adapters import BACKENDS, ModelAdapter, Weights, open_adapter
from pytest_interp.claims import (
    Verdict,
    check_backends_agree,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_necessary,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.errors import ClaimError
from pytest_interp.experiments import causal_trace, logit_lens, trace_facts
from pytest_interp.factsets import Fact, FactSet
from pytest_interp.planted import PlantedModel, planted_model
from pytest_interp.results import TraceResult
from pytest_interp.tracesets import TraceSet

INSIDE, OUTSIDE, NOTHING = 0.8, 0.3, 0.1
"""The defaults of the assertions, restated: the oracle shares no code with them."""
ARCHITECTURES = ("gpt2", "qwen3", "llama")
N_LAYERS = 6
PLACES = ((0, 2), (1, 4), (2, 4))
"""Store layer and read layer."""
VARIANTS: tuple[dict[str, object], ...] = (
    {"variant": "basic"},
    {"variant": "basic", "subject_tokens": 2},
    {"variant": "basic", "contrast": "unknown"},
    {"variant": "stored_twice", "contrast": "unknown"},
    {"variant": "stored_twice"},
    {"variant": "split"},
    {"variant": "backup_head"},
    {"variant": "distractor_mlp"},
    {"variant": "unknown_fact"},
    {"variant": "shuffled_weights"},
)


@dataclass(frozen=True)
class Case:
    """One claim on one model under one backend."""

    backend: str
    arch: str
    variant: str
    claim: str
    true: bool
    outcome: str
    """``passed``, ``failed``, ``inconclusive`` or ``refused``."""

    @property
    def false_pass(self) -> bool:
        return not self.true and self.outcome == "passed"

    @property
    def false_fail(self) -> bool:
        return self.true and self.outcome != "passed"


Claim = tuple[str, bool, Callable[[], Verdict]]
"""Its words, whether it is true, and the check."""


@dataclass(frozen=True)
class Oracle:
    """What the truth table says of a claim."""

    planted: PlantedModel
    site: str
    direction: str

    @cached_property
    def effect_map(self) -> np.ndarray:
        """True effects [layer, token]."""
        return self.planted.truth.effect(self.site, self.direction)

    def column(self, position: str) -> np.ndarray:
        """True effect of the best token of a position [layer]."""
        return self.effect_map[:, list(self.planted.truth.positions[position])].max(axis=1)

    def others(self, position: str) -> np.ndarray:
        """True effects of all other tokens [layer, token]."""
        rest = set(range(self.effect_map.shape[1])) - set(self.planted.truth.positions[position])
        return self.effect_map[:, sorted(rest)]

    def localized(self, position: str, span: tuple[int, int]) -> bool:
        inside = list(range(span[0], span[1] + 1))
        outside = [layer for layer in range(N_LAYERS) if layer not in inside]
        own = self.column(position)
        return bool(
            self.planted.knows
            and (own[inside] >= INSIDE).all()
            and (own[outside] <= OUTSIDE).all()
            and (self.others(position)[inside] <= OUTSIDE).all()
        )

    def handoff(self, source: str, target: str, layer: int) -> bool:
        gives, takes = self.column(source), self.column(target)
        return bool(
            self.planted.knows
            and (gives[:layer] >= INSIDE).all()
            and (takes[:layer] <= OUTSIDE).all()
            and (gives[layer:] <= OUTSIDE).all()
            and (takes[layer:] >= INSIDE).all()
        )

    def effect(self, position: str, layer: int) -> bool:
        return bool(self.planted.knows and self.column(position)[layer] >= INSIDE)

    def no_effect(self, position: str, layer: int) -> bool:
        tokens = self.effect_map[layer, list(self.planted.truth.positions[position])]
        return bool(self.planted.knows and (np.abs(tokens) <= NOTHING).all())


def calibrate(
    backends: Iterable[str] = BACKENDS,
    architectures: Iterable[str] = ARCHITECTURES,
    places: Iterable[tuple[int, int]] = PLACES,
    share: int = 1,
) -> list[Case]:
    """Run the grid, or every ``share``-th model of it."""
    cases: list[Case] = []
    backends = tuple(backends)
    grid = itertools.product(VARIANTS, architectures, places)
    for number, (settings, arch, (store, read)) in enumerate(grid):
        # of three places every fourth model is another one in each architecture and variant
        if number % share:
            continue
        planted = planted_model(
            arch, store_layer=store, read_layer=read, n_layers=N_LAYERS, **settings
        )
        weights = Weights(f"planted-{arch}", planted.module, planted.tokenizer, "planted")
        name = " ".join(str(value) for value in settings.values())
        adapters = {backend: open_adapter(weights, backend) for backend in backends}
        for backend, adapter in adapters.items():
            for text, true, check in _claims(planted, adapter):
                cases.append(Case(backend, arch, name, text, true, _outcome(check)))
        if len(adapters) == 2:
            for text, true, check in _agreement(planted, *adapters.values()):
                cases.append(Case("both", arch, name, text, true, _outcome(check)))
    return cases


def _outcome(check: Callable[[], Verdict]) -> str:
    try:
        return str(check().status)
    except ClaimError:
        return "refused"


def _claims(planted: PlantedModel, adapter: ModelAdapter) -> Iterator[Claim]:
    fact, read = planted.facts[0], planted.parameters.read_layer
    for direction in ("denoise", "noise"):
        trace = causal_trace(adapter, fact, "resid_post", direction)
        oracle = Oracle(planted, "resid_post", direction)
        yield from _map_claims(trace, oracle, f"{direction}, one fact", (read - 1, read, read + 1))
        for site in ("resid_pre", "mlp_out", "attn_out"):
            found = causal_trace(adapter, fact, site, direction)
            yield from _cell_claims(found, Oracle(planted, site, direction))
    # several facts, asked for in all templates
    traces = trace_facts(adapter, _fact_set(planted))
    oracle = Oracle(planted, "resid_post", "denoise")
    yield from _map_claims(traces, oracle, "denoise, 16 facts", (read, read + 1))
    yield from _found_range(traces, planted)
    yield from _lens_claims(planted, adapter)


def _fact_set(planted: PlantedModel) -> FactSet:
    facts = (
        Fact(f"{template}-{i}", str(template), prompt)
        for template in range(4)
        for i, prompt in enumerate(planted.facts_in(template))
    )
    return FactSet("planted", tuple(facts))


def _map_claims(
    trace: TraceResult | TraceSet, oracle: Oracle, what: str, layers: Iterable[int]
) -> Iterator[Claim]:
    for layer in layers:
        spans = {"subject": (0, layer - 1), "subject_last": (0, layer - 1)}
        spans["last"] = (layer, N_LAYERS - 1)
        if isinstance(trace, TraceResult):
            spans["between"] = (0, layer - 1)
        for position, span in spans.items():
            at = _at(oracle, position)
            if 0 <= span[0] <= span[1] < N_LAYERS:
                yield (
                    f"localized at {position} ({what})",
                    oracle.localized(position, span),
                    lambda s=span, site=f"resid_post@{at}": check_fact_localized(trace, site, s),
                )
        for source, target in (("subject", "last"), ("last", "subject")):
            if 0 < layer < N_LAYERS:
                yield (
                    f"handoff {source} to {target} ({what})",
                    oracle.handoff(source, target, layer),
                    lambda a=source, b=target, n=layer: check_handoff(trace, a, b, n),
                )


def _at(oracle: Oracle, position: str) -> str | int:
    """A position as claims write it: what lies between has no name there, but an index."""
    return oracle.planted.truth.positions["between"][0] if position == "between" else position


def _cell_claims(trace: TraceResult, oracle: Oracle) -> Iterator[Claim]:
    right, wrong = (
        (check_sufficient, check_necessary)
        if oracle.direction == "denoise"
        else (check_necessary, check_sufficient)
    )
    for layer, position in itertools.product(range(N_LAYERS), ("subject", "between", "last")):
        site = f"{oracle.site}@{_at(oracle, position)}"
        yield (
            f"{right.__name__} {oracle.site}",
            oracle.effect(position, layer),
            lambda s=site, n=layer: right(trace, s, n),
        )
        yield (
            f"no_effect {oracle.site}",
            oracle.no_effect(position, layer),
            lambda s=site, n=layer: check_no_effect(trace, s, n),
        )
    yield "other direction", False, lambda: wrong(trace, f"{oracle.site}@subject", 0)
    yield "other site", False, lambda: right(trace, "head@subject", 0)


def _found_range(traces: TraceSet, planted: PlantedModel) -> Iterator[Claim]:
    oracle = Oracle(planted, "resid_post", "denoise")
    for position in ("subject", "last"):
        true = any(
            oracle.localized(position, (first, last))
            for first in range(N_LAYERS)
            for last in range(first, N_LAYERS)
        )
        yield (
            f"localized at {position} (range found on half the facts)",
            true,
            lambda p=position: check_fact_localized(traces, f"resid_post@{p}", split=0.5),
        )


def _lens_claims(planted: PlantedModel, adapter: ModelAdapter) -> Iterator[Claim]:
    known = planted.truth.crossover_layer
    fact = planted.facts[0]
    one = logit_lens(adapter, fact.clean_prompt, fact.answer)
    for layer in range(N_LAYERS):
        yield (
            "crystallises by",
            known is not None and known <= layer,
            lambda n=layer: check_crystallises(one, by_layer=n),
        )
        yield (
            "crystallises at",
            known == layer,
            lambda n=layer: check_crystallises(one, by_layer=n, not_before=n),
        )


def _agreement(planted: PlantedModel, a: ModelAdapter, b: ModelAdapter) -> Iterator[Claim]:
    prompt = planted.facts[0].clean_prompt
    other = planted_model(planted.parameters.arch, n_layers=N_LAYERS, seed=7)
    stranger = open_adapter(Weights("other", other.module, other.tokenizer, "planted"), b.backend)
    yield "backends agree", True, lambda: check_backends_agree(a, b, prompt)
    yield "another model agrees", False, lambda: check_backends_agree(a, stranger, prompt)


def table(cases: list[Case]) -> str:
    """Counts per backend and variant."""
    head = f"{'backend':<17}{'variant':<22}{'claims':>7}{'true':>7}{'false passes':>14}"
    lines = [head + f"{'false fails':>13}"]
    keys = [(c.backend, c.variant) for c in cases]
    for backend, variant in dict.fromkeys(sorted(keys)):
        lines.append(
            _row(
                backend, variant, [c for c in cases if (c.backend, c.variant) == (backend, variant)]
            )
        )
    for backend in dict.fromkeys(sorted(c.backend for c in cases)):
        lines.append(_row(backend, "all", [c for c in cases if c.backend == backend]))
    lines.append(_row("all", "all", cases))
    return "\n".join(lines)


def _row(backend: str, variant: str, cases: list[Case]) -> str:
    wrong = Counter(passes=sum(c.false_pass for c in cases), fails=sum(c.false_fail for c in cases))
    return (
        f"{backend:<17}{variant:<22}{len(cases):>7}{sum(c.true for c in cases):>7}"
        f"{wrong['passes']:>14}{wrong['fails']:>13}"
    )


def main() -> None:
    start = time.perf_counter()
    cases = calibrate()
    print(table(cases))
    models = len(VARIANTS) * len(ARCHITECTURES) * len(PLACES)
    print(f"{models} models, {time.perf_counter() - start:.0f} s")
    for case in cases:
        if case.false_pass or case.false_fail:
            print(case)


if __name__ == "__main__":
    main()
