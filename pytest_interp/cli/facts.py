"""``pytest-interp facts``: which facts a model knows."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pytest_interp.cli.table import table

if TYPE_CHECKING:
    from pytest_interp.factsets import FactSet


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "facts",
        help="say which facts of a file a model knows",
        description="A fact is known when the clean prompt prefers its answer, the corrupt prompt "
        "the counterfactual answer, and the two differ by enough to be traced.",
    )
    parser.add_argument("model", help="a registered name, a hub id or a folder")
    parser.add_argument("file", help="a facts file, or the name of a shipped set")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.set_defaults(command=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from pytest_interp.cli.bar import progress_bar
    from pytest_interp.models import load_model
    from pytest_interp.specs.facts import named_facts

    facts = named_facts(given.file)
    with progress_bar():
        adapter = load_model(given.model, given.backend, given.device, given.dtype)
        found = _ask(adapter, facts)
    rows = [["fact", "", "clean", "corrupt", "prompt"]]
    rows += [
        [fact.id, *found[fact.id], fact.prompt.clean_prompt + fact.prompt.answer] for fact in facts
    ]
    print(table(rows))
    known = sum(row[0] == "known" for row in found.values())
    print(f"\n{adapter.name} knows {known} of {len(facts)} facts of {facts.name}")
    print("clean, corrupt: logit of the answer minus that of the counterfactual answer")
    return 0


def _ask(adapter: Any, facts: FactSet) -> dict[str, tuple[str, str, str]]:
    """For each fact whether it is known, and the metric clean and corrupt."""
    from pytest_interp.claims.evidence import unknown_because
    from pytest_interp.errors import PromptError
    from pytest_interp.experiments import causal_traces
    from pytest_interp.prompts import tokenize_fact

    found: dict[str, tuple[str, str, str]] = {}
    usable = []
    for fact in facts:
        try:
            tokenize_fact(fact.prompt, adapter.tokenizer)
        except PromptError:
            found[fact.id] = ("does not tokenize", "", "")
        else:
            usable.append(fact)
    # one cell a fact: only the two untouched runs are wanted
    last = [adapter.n_layers - 1]
    traces = causal_traces(adapter, [fact.prompt for fact in usable], layers=last)
    for fact, trace in zip(usable, traces, strict=True):
        known = "known" if unknown_because(trace) is None else "unknown"
        found[fact.id] = (known, f"{trace.clean_metric:+.2f}", f"{trace.corrupt_metric:+.2f}")
    return found
