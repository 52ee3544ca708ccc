"""Path patching with plain torch hooks on the Hugging Face module, every output held by name.

It shares no code with the package's own, which holds nothing and adds up what is written.
"""

from __future__ import annotations

from contextlib import ExitStack

import hooks

from pytest_interp import FactPrompt
from pytest_interp.facts.sets import FactSet


def fact(clean="w3 w14 w15 w9 w26", corrupt="w3 w7 w15 w20 w26", answer="w30", other="w8"):
    return FactPrompt(
        clean_prompt=clean,
        corrupt_prompt=corrupt,
        answer=answer,
        counterfactual_answer=other,
        subject=clean.split()[1],
    )


FACTS = FactSet.of(
    [
        fact(),
        fact("w3 w1 w2 w9 w26 w5", "w3 w50 w4 w9 w26 w5", "w39", "w1"),
        fact("w9 w14 w15 w9 w26", "w9 w40 w15 w9 w2", "w4", "w2"),
    ],
    "three",
    "plain",
)


def _put(value, index=None, positions=None):
    units = slice(None) if index is None else index

    def fn(x):
        new = x.clone()
        for at in range(x.shape[1]) if positions is None else positions:
            new[:, at, units] = value[:, at, units]
        return new

    return fn


def _numbers(name):
    kind, *numbers = name.split(".")
    return kind, *map(int, numbers), *([None] * (2 - len(numbers)))


def _held(sender, receiver, n_layers, more):
    """Outputs between them; with what blocks add besides, where they do."""
    kind, first, _ = _numbers(sender)
    to, last, _ = (None, n_layers, None) if receiver == "output" else _numbers(receiver)
    attention_from = 0 if first is None else first + 1
    mlp_from = {"embed": 0, "mlp_out": (first or 0) + 1}.get(kind, first)
    attention_to = last + 1 if to == "mlp_out" else last
    yield from (("attn_out", layer) for layer in range(attention_from, attention_to))
    yield from (("mlp_out", layer) for layer in range(mlp_from, last))
    yield from (("layer_inputs", layer) for layer in range(first or 0, last) if more)


def patched_logits(module, base, source, sender, receiver, positions=None):
    """Logits [vocabulary] at the last token of the base run with one path exchanged.

    The receiver is exchanged at these positions, or at all.
    """
    n_layers = module.config.get_text_config().num_hidden_layers
    more = any("per_layer_input" in name for name, _ in module.named_modules())
    kind, layer, index = _numbers(sender)
    with ExitStack() as stack:
        new = hooks.read(module, source, kind, layer)
        held = [
            (*site, hooks.read(module, base, *site))
            for site in _held(sender, receiver, n_layers, more)
        ]
        stack.enter_context(hooks.hooked(module, kind, layer, _put(new, index)))
        for held_kind, at, value in held:
            stack.enter_context(hooks.hooked(module, held_kind, at, _put(value)))
        if receiver == "output":
            return hooks.logits(module, base)[0, -1]
        to, at, unit = _numbers(receiver)
        given = hooks.read(module, base, to, at)
    return hooks.logits(module, base, to, at, _put(given, unit, positions))[0, -1]


def moved(adapter, one, sender, receiver, direction, positions=None):
    """By how much the logit difference changes."""
    module = adapter.weights.module
    ids = [adapter.encode(prompt) for prompt in (one.clean_prompt, one.corrupt_prompt)]
    base, source = ids if direction == "noise" else ids[::-1]
    answer, other = (adapter.answer_id(a) for a in (one.answer, one.counterfactual_answer))
    ends = sender, receiver, positions
    logits = patched_logits(module, base, source, *ends)
    plain = module(base, use_cache=False).logits[0, -1]
    return float((logits - plain)[answer] - (logits - plain)[other])
