"""Ablation with plain torch hooks, one pass for each, written for these tests alone."""

from __future__ import annotations

from contextlib import ExitStack

import hooks
import torch
from tiny import tiny_tokenizer

from pytest_interp import FactPrompt, FactSet
from pytest_interp.facts.sets import Fact


def tiny_facts(n=4, words=4, corrupt=True):
    """Facts in words of the tiny models, whose subject is one word; of one template."""
    tail = " ".join(f"w{7 + i}" for i in range(words - 2))
    prompts = [
        FactPrompt(
            clean_prompt=f"w3 w{i} {tail}",
            corrupt_prompt=f"w3 w{i + 20} {tail}" if corrupt else None,
            answer=f"w{i + 3}",
            counterfactual_answer=f"w{i + 8}",
            subject=f"w{i}",
        )
        for i in range(10, 10 + n)
    ]
    facts = (Fact(f"{words}-{i}", f"{words} words", one) for i, one in enumerate(prompts))
    return FactSet("tiny", tuple(facts))


def ids_of(texts):
    return torch.tensor([tiny_tokenizer()(text)["input_ids"] for text in texts])


def read(module, texts, component):
    """What a component holds in prompts of one length [row, pos, ...]; of a head its own part."""
    kind, layer, *index = component.split(".")
    x = hooks.read(module, ids_of(texts), kind, int(layer))
    return x[:, :, int(index[0])] if index else x


def logits_without(module, text, values, positions=None):
    """Logits of the last token of a prompt with components replaced.

    ``values`` are what takes their place: a number, or [1, pos, ...].
    """
    ids = ids_of([text])
    chosen = range(ids.shape[1]) if positions is None else positions
    with ExitStack() as stack:
        for component, value in values.items():
            kind, layer, *index = component.split(".")

            def change(x, value=value, index=index):
                x = x.clone()
                for p in chosen:
                    at = (slice(None), p, *map(int, index))
                    x[at] = value if isinstance(value, float | int) else value[:, p]
                return x

            stack.enter_context(hooks.hooked(module, kind, int(layer), change))
        with torch.no_grad():
            return module(ids, use_cache=False).logits[0, -1]


def difference(logits, fact):
    """Logit of the answer minus that of the counterfactual answer."""
    answer, other = ids_of([f"{fact.answer} {fact.counterfactual_answer}"])[0]
    return float(logits[answer] - logits[other])
