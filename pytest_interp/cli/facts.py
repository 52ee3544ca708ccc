"""``pytest-interp facts``: which facts a model knows, and what it says on labelled prompts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_interp.cli.labelled import print_labelled
from pytest_interp.cli.loading import add_device_and_dtype
from pytest_interp.cli.table import table

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.facts.sets import FactSet

HELP = "say which facts of a file a model knows, or what it says on labelled prompts"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("model", help="a registered name, a hub id or a folder")
    parser.add_argument("file", help="a facts file, a prompts file, or the name of a shipped set")
    text = "a backend that is installed; by default the model's own"
    parser.add_argument("--backend", default="auto", help=text)
    add_device_and_dtype(parser)


def run(given: argparse.Namespace) -> int:
    """Ask the model for everything in the file."""
    from pytest_interp.facts.named import facts_or_prompts
    from pytest_interp.facts.sets import FactSet
    from pytest_interp.models import load_model
    from pytest_interp.progress import progress_bar

    asked = facts_or_prompts(given.file)
    with progress_bar():
        adapter = load_model(given.model, given.backend, given.device, given.dtype)
        if isinstance(asked, FactSet):
            _print_facts(adapter, asked)
        else:
            print_labelled(adapter, asked)
    return 0


def _print_facts(adapter: ModelAdapter, facts: FactSet) -> None:
    """Measure each fact on the model, by the rule that claims ask of their traces."""
    from pytest_interp.experiments import known_facts
    from pytest_interp.facts.known import LEAST_GAP

    found = known_facts(adapter, facts)
    rows = [["fact", "known", "clean", "corrupt", "rank", "says", "prompt"]]
    rows += [
        [
            one.fact.id,
            "yes" if one.known else "no",
            *("" if value is None else f"{value:+.2f}" for value in (one.clean, one.corrupt)),
            "" if one.rank is None else str(one.rank),
            "" if one.top_token is None else repr(one.top_token),
            one.fact.prompt.clean_prompt + one.fact.prompt.answer,
        ]
        for one in found
    ]
    print(table(rows))
    unknown = [one for one in found if not one.known]
    print(
        f"\n{adapter.name} knows {len(facts) - len(unknown)} of {len(facts)} facts of {facts.name}"
    )
    for one in unknown:
        print(f"  {one.fact.id}: {one.reason}")
    print("known: the clean prompt prefers its answer, the corrupt prompt the counterfactual one,")
    print(f"       and the two differ by a gap of at least {LEAST_GAP:g} logit, as claims ask")
    print("clean, corrupt: logit of the answer minus that of the counterfactual answer")
    print("rank: tokens before the answer; says: the top token. Both after the clean prompt")
