"""``pytest-interp facts``: which facts a model knows."""

from __future__ import annotations

import argparse

from pytest_interp.cli.table import table

HELP = "say which facts of a file a model knows"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("model", help="a registered name, a hub id or a folder")
    parser.add_argument("file", help="a facts file, or the name of a shipped set")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--device")
    parser.add_argument("--dtype")


def run(given: argparse.Namespace) -> int:
    """Measure each fact on the model.

    A fact is known when the clean prompt prefers its answer, the corrupt prompt the counterfactual
    answer, and the two differ by enough to be traced.
    """
    from pytest_interp.experiments import known_facts
    from pytest_interp.facts.shipped import named_facts
    from pytest_interp.models import load_model
    from pytest_interp.progress import progress_bar

    facts = named_facts(given.file)
    with progress_bar():
        adapter = load_model(given.model, given.backend, given.device, given.dtype)
        found = known_facts(adapter, facts)
    rows = [["fact", "known", "clean", "corrupt", "prompt"]]
    rows += [
        [
            one.fact.id,
            "yes" if one.known else "no",
            "" if one.clean is None else f"{one.clean:+.2f}",
            "" if one.corrupt is None else f"{one.corrupt:+.2f}",
            one.problem or one.fact.prompt.clean_prompt + one.fact.prompt.answer,
        ]
        for one in found
    ]
    print(table(rows))
    known = sum(one.known for one in found)
    print(f"\n{adapter.name} knows {known} of {len(facts)} facts of {facts.name}")
    print("clean, corrupt: logit of the answer minus that of the counterfactual answer")
    return 0
