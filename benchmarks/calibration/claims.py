"""The claims that are asked about one planted model."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from benchmarks.calibration.oracle import Claim, Oracle
from pytest_interp.adapters import ModelAdapter, Weights, open_adapter
from pytest_interp.claims import (
    check_backends_agree,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_necessary,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.experiments import causal_trace, logit_lens, trace_facts
from pytest_interp.facts.sets import Fact, FactSet
from pytest_interp.options import DIRECTIONS
from pytest_interp.planted import PlantedModel, planted_model
from pytest_interp.results import TraceResult
from pytest_interp.results.traces import TraceSet


def claims_of_a_backend(planted: PlantedModel, adapter: ModelAdapter) -> Iterator[Claim]:
    """Claims about one fact, about a set of facts, and about the lens."""
    fact, read = planted.facts[0], planted.parameters.read_layer
    around = (read - 1, read, read + 1)
    for direction in DIRECTIONS:
        oracle = Oracle(planted, "resid_post", direction)
        trace = causal_trace(adapter, fact, site="resid_post", direction=direction, controls=False)
        yield from _map_claims(trace, oracle, f"{direction}, one fact", around)
        for site in ("resid_pre", "mlp_out", "attn_out"):
            found = causal_trace(adapter, fact, site=site, direction=direction, controls=False)
            yield from _cell_claims(found, Oracle(planted, site, direction), "one fact")
        if oracle.sharp:
            trace = causal_trace(
                adapter,
                fact,
                site="resid_post",
                direction=direction,
                metric="answer_prob",
                controls=False,
            )
            yield from _map_claims(trace, oracle, "answer_prob, one fact", around)
    if _noise_asks_the_same(planted):
        trace = causal_trace(adapter, fact, corruption="gaussian", controls=False)
        oracle = Oracle(planted, "resid_post", "denoise")
        yield from _map_claims(trace, oracle, "noise on the subject, one fact", around)
    yield from _set_claims(planted, adapter)
    yield from _lens_claims(planted, adapter)


def _noise_asks_the_same(planted: PlantedModel) -> bool:
    """Whether noise on the subject asks what another subject does."""
    p = planted.parameters
    return (
        p.variant in ("basic", "distractor_mlp") and p.subject_tokens == 1 and p.contrast == "known"
    )


def _set_claims(planted: PlantedModel, adapter: ModelAdapter) -> Iterator[Claim]:
    """All facts, asked for in four templates: too few to be a sample of wordings."""
    facts, read = _fact_set(planted), planted.parameters.read_layer
    for direction in DIRECTIONS:
        traces = trace_facts(adapter, facts, direction=direction)
        oracle = Oracle(planted, "resid_post", direction)
        yield from _map_claims(traces, oracle, f"{direction}, 24 facts", (read, read + 1))
        yield from _cell_claims(traces, oracle, "24 facts", (0, read - 1, read))
        for position in ("subject", "last"):
            yield (
                f"localized at {position} (range found on half the facts)",
                oracle.somewhere(position),
                lambda p=position, t=traces: check_fact_localized(t, f"resid_post@{p}", split=0.5),
            )
        if oracle.sharp:
            traces = trace_facts(
                adapter,
                facts,
                site="resid_post",
                direction=direction,
                metric="answer_prob",
                controls=False,
            )
            yield from _map_claims(traces, oracle, "answer_prob, 24 facts", (read, read + 1))
        store = planted.parameters.store_layer
        for site in ("mlp_out", "attn_out"):
            traces = trace_facts(adapter, facts, site=site, direction=direction, controls=False)
            oracle = Oracle(planted, site, direction)
            yield from _cell_claims(traces, oracle, "24 facts", (store, read))
    if _noise_asks_the_same(planted):
        traces = trace_facts(adapter, facts, corruption="gaussian", controls=False)
        oracle = Oracle(planted, "resid_post", "denoise")
        yield from _map_claims(traces, oracle, "noise on the subject, 24 facts", (read, read + 1))


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
    """Localized and handed over, about these layers: exactly, and with one layer left open."""
    n = oracle.n_layers
    for layer in layers:
        spans = {"subject": (0, layer - 1), "subject_last": (0, layer - 1), "last": (layer, n - 1)}
        if isinstance(trace, TraceResult):
            spans["between"] = (0, layer - 1)
        for (position, span), edge in itertools.product(spans.items(), (0, 1)):
            if 0 <= span[0] <= span[1] < n:
                yield (
                    f"localized at {position} ({what})",
                    oracle.localized(position, span, edge),
                    lambda p=position, s=span, e=edge: check_fact_localized(
                        trace, f"resid_post@{oracle.at(p)}", s, edge=e
                    ),
                )
        for (source, target), within in itertools.product(
            (("subject", "last"), ("last", "subject")), (0, 1)
        ):
            if layer - within > 0 and layer + within < n:
                yield (
                    f"handoff {source} to {target} ({what})",
                    oracle.handoff(source, target, layer, within),
                    lambda a=source, b=target, i=layer, w=within: check_handoff(
                        trace, a, b, i, within=w
                    ),
                )


def _cell_claims(
    trace: TraceResult | TraceSet, oracle: Oracle, what: str, layers: Iterable[int] | None = None
) -> Iterator[Claim]:
    """Sufficient or necessary, and without effect, about single layers."""
    right, wrong = check_sufficient, check_necessary
    if oracle.direction == "noise":
        right, wrong = wrong, right
    positions = (
        ("subject", "between", "last")
        if isinstance(trace, TraceResult)
        else (
            "subject",
            "last",
        )
    )
    for layer, position in itertools.product(
        range(oracle.n_layers) if layers is None else dict.fromkeys(layers), positions
    ):
        at = f"{oracle.site}@{oracle.at(position)}"
        yield (
            f"{right.__name__} {oracle.site} ({what})",
            oracle.effect(position, layer),
            lambda s=at, n=layer: right(trace, s, n),
        )
        yield (
            f"no_effect {oracle.site} ({what})",
            oracle.no_effect(position, layer),
            lambda s=at, n=layer: check_no_effect(trace, s, n),
        )
    yield "other direction", False, lambda: wrong(trace, f"{oracle.site}@subject", 0)
    yield "site not traced", False, lambda: right(trace, "head@subject", 0)


def _lens_claims(planted: PlantedModel, adapter: ModelAdapter) -> Iterator[Claim]:
    known = planted.truth.crossover_layer
    several = [fact for template in range(4) for fact in planted.facts_in(template)]
    lenses = [logit_lens(adapter, fact.clean_prompt, fact.answer) for fact in several]
    templates = [str(i // len(planted.facts)) for i in range(len(several))]
    for layer in range(planted.parameters.n_layers):
        for what, found, clusters in (
            ("one fact", lenses[0], None),
            ("24 facts", lenses, templates),
        ):
            yield (
                f"crystallises by ({what})",
                known is not None and known <= layer,
                lambda n=layer, f=found, c=clusters: check_crystallises(f, by_layer=n, clusters=c),
            )
            yield (
                f"crystallises at ({what})",
                known == layer,
                lambda n=layer, f=found, c=clusters: check_crystallises(
                    f, by_layer=n, not_before=n, clusters=c
                ),
            )


def claims_of_agreement(planted: PlantedModel, a: ModelAdapter, b: ModelAdapter) -> Iterator[Claim]:
    """Both backends say the same, of this model and of no other."""
    fact = planted.facts[0]
    p = planted.parameters
    # of the same words
    other = planted_model(
        p.arch,
        n_layers=p.n_layers,
        subject_tokens=p.subject_tokens,
        contrast=p.contrast,
        n_facts=p.n_facts,
        seed=1000,
    )
    alike = type("Alike", (Weights,), {"fingerprint": a.weights.fingerprint})
    # with the fingerprint of the first: its numbers have to tell it apart
    stranger = open_adapter(alike("other", other.module, other.tokenizer, "planted"), b.backend)
    for name, true, second in (
        ("backends agree", True, b),
        ("another model agrees", False, stranger),
    ):
        yield name, true, lambda s=second: check_backends_agree(a, s, fact.clean_prompt)
        if planted.knows:  # else recovery is a quotient of rounding errors
            yield (
                f"{name} (trace)",
                true,
                lambda s=second: check_backends_agree(
                    *(causal_trace(one, fact, controls=False) for one in (a, s))
                ),
            )
        yield (
            f"{name} (lens)",
            true,
            lambda s=second: check_backends_agree(
                *(logit_lens(x, fact.clean_prompt, fact.answer) for x in (a, s))
            ),
        )
