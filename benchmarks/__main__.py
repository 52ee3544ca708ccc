"""Whole [layer x position] maps on SmolLM2: swept in blocks, against the rest.

``python -m benchmarks [--tokens 5 10 33 64] [--sites ...] [--facts 40] [--cells 60] [--rounds 2]``
prints tables and writes ``outputs/benchmark.json``, from which ``python -m benchmarks.curves``
draws the figures. All times come from one process, and every way takes its turn in every round. On
one thread, the default, they are seconds of the processor, so that other programs on the machine
count little; with more ``--threads``, seconds by the clock. Compare the ratios. The others run
passes of one kind, whatever the cell: they run a sample of the cells, and their time is scaled.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.floor import matmul_rate, operations
from benchmarks.measuring import Timed, timed
from benchmarks.prompts import TEMPLATES, fact_of, facts_of
from benchmarks.rivals import RIVALS, Cell
from pytest_interp import causal_trace, causal_traces, load_model
from pytest_interp.adapters import ModelAdapter, backend_names
from pytest_interp.facts.prompts import TokenizedFact
from pytest_interp.results import TraceResult

SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out")
SAVED = Path("outputs/benchmark.json")


@dataclass
class Row:
    """What came of one way to compute a map, or those of a set."""

    backend: str
    seconds: float = float("inf")
    """The shortest of all rounds."""
    peak: float = 0.0
    """MB."""
    difference: float = 0.0
    """The largest difference from the first map, in recovery."""

    def add(self, took: float, peak: float, difference: float) -> None:
        self.seconds = min(self.seconds, took)
        self.peak = max(self.peak, peak)
        self.difference = max(self.difference, difference)


@dataclass
class Table:
    """Rows by the name of a way."""

    title: str
    floor: float
    rows: dict[str, Row] = field(default_factory=dict)

    def row(self, name: str, backend: str) -> Row:
        return self.rows.setdefault(name, Row(backend))

    def print(self) -> None:
        print(f"\n{self.title}")
        heads = f"{'seconds':>9}{'of floor':>10}{'times ours':>12}{'peak MB':>9}{'max |diff|':>12}"
        print(f"  {'':<34}{heads}")
        print(f"  {'floor':<34}{self.floor:>9.2f}{1:>10.1f}")
        ours = {}
        for name, row in self.rows.items():
            best = ours.setdefault(row.backend, row.seconds)  # ours come first
            print(
                f"  {name:<34}{row.seconds:>9.2f}{row.seconds / self.floor:>10.1f}"
                f"{row.seconds / best:>12.1f}{row.peak:>9.0f}{row.difference:>12.1e}",
                flush=True,
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "floor": self.floor,
            "rows": {name: vars(row) for name, row in self.rows.items()},
        }


@dataclass(frozen=True)
class Bench:
    """The models, the other ways, and how thoroughly they are timed."""

    adapters: dict[str, ModelAdapter]
    rivals: Sequence[Any]
    rounds: int
    n_cells: int

    @property
    def first(self) -> ModelAdapter:
        return next(iter(self.adapters.values()))

    def floor(self, facts: Sequence[TokenizedFact], site: str) -> float:
        fact = facts[0]
        start = min(fact.corrupted_positions)
        return len(facts) * operations(self.first, len(fact), start, site) / self.rate()

    def rate(self) -> float:
        return matmul_rate(self.first)

    def one_map(self, tokens: int, site: str) -> Table:
        """All ways to compute the map of one fact."""
        fact, first = fact_of(tokens, self.first), self.first
        start = min(fact.corrupted_positions)
        title = f"{tokens} tokens, {site}, {first.n_layers} layers, first difference at {start}"
        table = Table(title, self.floor([fact], site))
        reference: Any = None
        for _ in range(self.rounds if tokens < 30 else 1):
            table.floor = min(table.floor, self.floor([fact], site))
            for backend, adapter in self.adapters.items():
                asked = {"site": site, "controls": False}
                run = timed(partial(causal_trace, adapter, fact.fact, **asked))
                found = run.found
                reference = reference or found
                worst = np.abs(found.recovery - reference.recovery).max()
                row = table.row(f"in blocks, {backend}", backend)
                row.add(run.seconds, run.peak, float(worst))
            for rival in self.rivals:
                if site in rival.sites:
                    row = table.row(rival.name, rival.backend)
                    row.add(*self.sampled(rival, fact, site, reference))
        return table

    def sampled(
        self, rival: Any, fact: TokenizedFact, site: str, reference: TraceResult
    ) -> tuple[float, float, float]:
        """Seconds for all cells, the peak, and the largest difference in the sample."""
        n_layers, n = self.first.n_layers, len(fact)
        cells = self.sample(n_layers, n, rival.whole_layers)
        setup = timed(partial(rival.prepare, fact))
        run = timed(partial(rival.patched, fact, cells, setup.found, site))
        expected = np.array([reference.patched_metric[cell] for cell in cells])
        worst = float(np.abs(run.found.double().numpy() - expected).max() / abs(reference.gap))
        scale = n_layers * n / len(cells)
        return setup.seconds + scale * run.seconds, max(setup.peak, run.peak), worst

    def sample(self, n_layers: int, n: int, whole_layers: bool) -> list[Cell]:
        """Cells spread evenly, or those of some layers."""
        if whole_layers:
            layers = np.unique(np.linspace(0, n_layers - 1, max(1, self.n_cells // n)).round())
            return [(int(layer), p) for layer in layers for p in range(n)]
        cells = [(layer, p) for layer in range(n_layers) for p in range(n)]
        chosen = np.linspace(0, len(cells) - 1, min(self.n_cells, len(cells))).round()
        return [cells[int(i)] for i in chosen]

    def set_of(self, count: int, tokens: int) -> Table:
        """A set of facts: together, and one by one; the others take a fact's time for each."""
        facts = facts_of(count, tokens, self.first)
        title = f"{count} facts of {tokens} tokens, resid_post"
        table = Table(title, self.floor(facts, "resid_post"))
        reference: Any = None
        prompts = [fact.fact for fact in facts]

        def one_by_one(adapter: ModelAdapter) -> Any:
            return [causal_trace(adapter, prompt, controls=False) for prompt in prompts]

        ways: dict[str, Callable[[ModelAdapter], Any]] = {
            "together": lambda adapter: causal_traces(adapter, prompts),
            "one by one": one_by_one,
        }
        for way, call in ways.items():
            for backend, adapter in self.adapters.items():
                run: Timed = timed(partial(call, adapter))
                reference = reference or run.found
                pairs = zip(run.found, reference, strict=True)
                worst = max(np.abs(one.recovery - other.recovery).max() for one, other in pairs)
                row = table.row(f"{way}, {backend}", backend)
                row.add(run.seconds, run.peak, float(worst))
        for rival in self.rivals:
            took, peak, worst = self.sampled(rival, facts[0], "resid_post", reference[0])
            table.row(rival.name, rival.backend).add(count * took, peak, worst)
        return table


def main() -> None:
    """Print the tables, and save them."""
    parser = argparse.ArgumentParser(description=__doc__)
    lengths = list(TEMPLATES)
    parser.add_argument("--tokens", type=int, nargs="*", default=lengths, choices=lengths)
    parser.add_argument("--sites", nargs="*", default=SITES, help="maps of 10 tokens")
    parser.add_argument("--facts", type=int, nargs="*", default=[1, 5, 10, 20, 40])
    parser.add_argument("--cells", type=int, default=60, help="cells that the others run")
    parser.add_argument("--rounds", type=int, default=2, help="times that short maps are timed")
    parser.add_argument("--save", type=Path, default=SAVED, help="where the numbers go")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    where = {"device": "cpu", "dtype": "float32"}
    adapters = {b: load_model("smollm2-135m", b, **where) for b in backend_names()}
    first = next(iter(adapters.values()))
    rivals = [kind(first.weights) for kind in RIVALS]
    bench = Bench(adapters, rivals, options.rounds, options.cells)
    for adapter in adapters.values():  # imports and first-call costs
        causal_trace(adapter, fact_of(5, adapter).fact, layers=[0], controls=False)
    threads = "1 thread" if options.threads == 1 else f"{options.threads} threads, by the clock"
    print(f"torch {torch.__version__}, {threads}, float32, {first.name}")
    print(f"floor: products at {bench.rate() / 1e9:.0f} G/s")
    tables: dict[str, Table] = {}

    def add(name: str, table: Table) -> None:
        table.print()
        tables[name] = table
        options.save.parent.mkdir(exist_ok=True)
        options.save.write_text(json.dumps({k: t.to_json() for k, t in tables.items()}, indent=1))

    for site in options.sites:
        add(f"site {site}", bench.one_map(10, site))
    for count in options.facts:
        add(f"facts {count}", bench.set_of(count, 5))
    for tokens in options.tokens:
        add(f"tokens {tokens}", bench.one_map(tokens, "resid_post"))


if __name__ == "__main__":
    main()
