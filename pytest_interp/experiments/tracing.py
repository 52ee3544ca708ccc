"""Causal tracing (activation patching): where in the network does a fact sit?

Meng et al. 2022 (ROME, arXiv 2202.05262); directions, metrics and corruptions as in Zhang and
Nanda 2023 (arXiv 2309.16042).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter, layers_of
from pytest_interp.adapters.sites import Kind, parse_kind, place_of
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.experiments.metrics import logit_diff, metric_of
from pytest_interp.experiments.sweep import FEWEST_ROWS, Pairs, Sweep, sweep
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact, tokenize_fact
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.trace import DIRECTIONS, Direction, TraceResult
from pytest_interp.results.traces import TraceSet

TRACEABLE = (Kind.RESID_PRE, Kind.RESID_POST, Kind.ATTN_OUT, Kind.MLP_OUT)
Corruption = Literal["interchange", "gaussian"]
CORRUPTIONS: tuple[Corruption, ...] = ("interchange", "gaussian")


def causal_trace(
    adapter: ModelAdapter,
    fact: FactPrompt,
    site: str = "resid_post",
    direction: Direction = "denoise",
    metric: str = "logit_diff",
    corruption: Corruption = "interchange",
    layers: Iterable[int] | None = None,
    *,
    noise_scale: float = 3.0,
    samples: int = 8,
    seed: int = 0,
    max_rows: int | None = None,
) -> TraceResult:
    """Patch one site at every layer and position of one fact, one cell at a time.

    Args:
        adapter: the model under a backend.
        fact: the pair of prompts and the two answers.
        site: ``resid_pre``, ``resid_post``, ``attn_out`` or ``mlp_out``.
        direction: ``denoise`` patches clean into corrupt (is the cell sufficient?), ``noise``
            patches corrupt into clean (is it necessary?).
        metric: ``logit_diff`` or ``answer_prob``.
        corruption: ``interchange`` runs the corrupt prompt; ``gaussian`` runs the clean prompt
            with noise on the embeddings of its subject.
        layers: layers to patch; all by default.
        noise_scale: standard deviation of the noise, in standard deviations of the embeddings.
        samples: noise samples to average over.
        seed: of the noise; the same noise on every backend and device.
        max_rows: bound on the rows of one forward pass; by default set by memory.

    Raises:
        PromptError: the prompts cannot be aligned, or an answer is not one token.
        ExperimentError: an argument has no meaning.
        UnknownNameError: an unknown metric or site.
    """
    return causal_traces(
        adapter,
        [fact],
        site,
        direction,
        metric,
        corruption,
        layers,
        noise_scale=noise_scale,
        samples=samples,
        seed=seed,
        max_rows=max_rows,
    )[0]


def causal_traces(
    adapter: ModelAdapter,
    facts: Sequence[FactPrompt],
    site: str = "resid_post",
    direction: Direction = "denoise",
    metric: str = "logit_diff",
    corruption: Corruption = "interchange",
    layers: Iterable[int] | None = None,
    *,
    noise_scale: float = 3.0,
    samples: int = 8,
    seed: int = 0,
    max_rows: int | None = None,
) -> tuple[TraceResult, ...]:
    """Trace many facts; those of one token length share their forward passes.

    Arguments and errors as for :func:`causal_trace`; results in the order of ``facts``.
    """
    kind = _traceable(site)
    _check_arguments(direction, corruption, noise_scale, samples, max_rows)
    chosen = layers_of(adapter, layers)
    metric_of(metric)
    tokenized = [tokenize_fact(fact, adapter.tokenizer) for fact in facts]
    provenance = adapter.provenance(seed=seed if corruption == "gaussian" else None)
    noisy = corruption == "gaussian"
    found: dict[int, TraceResult] = {}
    for length in sorted({len(t) for t in tokenized}):
        members = [i for i, t in enumerate(tokenized) if len(t) == length]
        batch = _Batch(
            adapter,
            [tokenized[i] for i in members],
            samples=samples if noisy else 1,
            noise_scale=noise_scale if noisy else None,
            seed=seed,
        )
        swept = batch.sweep(kind, direction, metric, chosen, max_rows)
        for row, i in enumerate(members):
            clean, corrupt, patched = batch.values(swept, direction, row)
            (clean_metric, clean_diff), (corrupt_metric, corrupt_diff) = clean, corrupt
            found[i] = TraceResult(
                fact=facts[i],
                site=str(kind),
                direction=direction,
                metric=metric,
                corruption=corruption,
                layers=chosen,
                str_tokens=tokenized[i].str_tokens,
                corrupt_str_tokens=tokenized[i].corrupt_str_tokens,
                corrupted_positions=batch.corrupted(row),
                subject_positions=tokenized[i].subject_positions,
                clean_metric=clean_metric,
                corrupt_metric=corrupt_metric,
                patched_metric=patched,
                samples=batch.samples,
                noise_scale=batch.noise_scale,
                n_layers=adapter.n_layers,
                logit_diffs=None if metric == "logit_diff" else (clean_diff, corrupt_diff),
                provenance=provenance,
            )
    return tuple(found[i] for i in range(len(facts)))


def trace_facts(
    adapter: ModelAdapter,
    facts: FactSet,
    site: str = "resid_post",
    direction: Direction = "denoise",
    metric: str = "logit_diff",
    corruption: Corruption = "interchange",
    layers: Iterable[int] | None = None,
    **options: Any,
) -> TraceSet:
    """Trace every fact of a set, for claims about all of them.

    Arguments and errors as for :func:`causal_trace`; ``options`` are its keyword-only arguments.
    """
    traces = causal_traces(
        adapter, facts.prompts, site, direction, metric, corruption, layers, **options
    )
    return TraceSet.of(facts, traces)


class _Batch:
    """Facts of one token length, each repeated once a noise sample."""

    def __init__(
        self,
        adapter: ModelAdapter,
        facts: Sequence[TokenizedFact],
        samples: int,
        noise_scale: float | None,
        seed: int,
    ) -> None:
        self.adapter, self.facts = adapter, facts
        self.samples, self.noise_scale, self.seed = samples, noise_scale, seed

    def corrupted(self, row: int) -> tuple[int, ...]:
        """Positions that the corruption touches in one fact."""
        fact = self.facts[row]
        noisy = self.noise_scale is not None
        return fact.subject_positions if noisy else fact.corrupted_positions

    def sweep(
        self,
        kind: Kind,
        direction: Direction,
        metric: str,
        layers: Sequence[int],
        max_rows: int | None,
    ) -> Sweep:
        first = min(min(self.corrupted(row)) for row in range(len(self.facts)))
        pairs = self._pairs(direction)
        score = metric_of(metric)

        def measure(*run: Tensor) -> Tensor:
            # which answer a run prefers is wanted whatever the metric
            return torch.stack([score(*run), logit_diff(*run)], dim=-1)

        return sweep(self.adapter, pairs, kind, layers, first, measure, max_rows)

    def values(self, swept: Sweep, direction: Direction, row: int) -> tuple[Any, Any, Any]:
        """Means over samples: metric and logit difference, clean and corrupt; patched metric."""
        mine = slice(row * self.samples, (row + 1) * self.samples)
        source, base = (x[mine].double().mean(0).tolist() for x in (swept.source, swept.base))
        patched = swept.patched[:, :, mine, 0].double().mean(-1).cpu().numpy()
        clean, corrupt = (source, base) if direction == "denoise" else (base, source)
        return clean, corrupt, patched

    def _repeated(self, values: Sequence[Any]) -> Tensor:
        made = torch.as_tensor(values, dtype=torch.long, device=self.adapter.device)
        return made.repeat_interleave(self.samples, 0)

    def _pairs(self, direction: Direction) -> Pairs:
        clean = self._repeated([fact.clean_ids for fact in self.facts])
        answers = (
            self._repeated([fact.answer_id for fact in self.facts]),
            self._repeated([fact.counterfactual_id for fact in self.facts]),
        )
        if self.noise_scale is None:
            corrupt = self._repeated([fact.corrupt_ids for fact in self.facts])
            runs = (clean, corrupt) if direction == "denoise" else (corrupt, clean)
            return Pairs(*runs, *answers)
        noise = self._noise(self.noise_scale * self.adapter.embedding_std)
        if direction == "denoise":
            return Pairs(clean, clean, *answers, base_noise=noise)
        return Pairs(clean, clean, *answers, source_noise=noise)

    def _noise(self, std: float) -> Tensor:
        """Noise on the subject's embeddings [pair, pos, d_model].

        Drawn on the CPU for each fact from the same seed, so that neither the backend, the
        device nor the company in which a fact is traced changes what it gets.
        """
        rows = []
        for fact in self.facts:
            generator = torch.Generator().manual_seed(self.seed)
            positions = list(fact.subject_positions)
            drawn = torch.zeros(self.samples, len(fact), self.adapter.d_model)
            shape = (self.samples, len(positions), self.adapter.d_model)
            drawn[:, positions] = std * torch.randn(shape, generator=generator)
            rows.append(drawn)
        return torch.cat(rows).to(self.adapter.device)


def _traceable(site: str) -> Kind:
    kind = parse_kind(site)
    if kind not in TRACEABLE and place_of(kind) is None:
        raise ExperimentError(
            f"causal_trace cannot patch {site!r}: use one of {', '.join(map(str, TRACEABLE))}",
            about="site",
        )
    return kind


def _check_arguments(
    direction: str, corruption: str, noise_scale: float, samples: int, max_rows: int | None
) -> None:
    if direction not in DIRECTIONS:
        raise UnknownNameError.of("direction", direction, DIRECTIONS)
    if corruption not in CORRUPTIONS:
        raise UnknownNameError.of("corruption", corruption, CORRUPTIONS)
    if noise_scale <= 0 or samples < 1:
        raise ExperimentError(
            f"noise_scale={noise_scale!r} and samples={samples!r}: give a positive scale and at "
            "least one sample",
            about="noise_scale" if noise_scale <= 0 else "samples",
        )
    if max_rows is not None and max_rows < FEWEST_ROWS:
        raise ExperimentError(
            f"max_rows={max_rows!r}: a pass needs at least {FEWEST_ROWS} rows, those of the two "
            "runs and of one cell"
        )
