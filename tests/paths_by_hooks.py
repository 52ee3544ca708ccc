"""Path patching with plain torch hooks on the Hugging Face module, every output held by name.

It shares no code with the package's own, which holds nothing and adds up what is written.
"""

from __future__ import annotations

from contextlib import ExitStack

import hooks


def _put(value, index=None):
    def fn(x):
        new = x.clone()
        if index is None:
            new[:] = value
        else:
            new[:, :, index] = value[:, :, index]
        return new

    return fn


def _numbers(name):
    kind, *numbers = name.split(".")
    return kind, *map(int, numbers), *([None] * (2 - len(numbers)))


def _held(sender, receiver, n_layers):
    """Outputs between them."""
    kind, first, _ = _numbers(sender)
    to, last, _ = (None, n_layers, None) if receiver == "output" else _numbers(receiver)
    attention_from = 0 if first is None else first + 1
    mlp_from = {"embed": 0, "mlp_out": (first or 0) + 1}.get(kind, first)
    attention_to = last + 1 if to == "mlp_out" else last
    yield from (("attn_out", layer) for layer in range(attention_from, attention_to))
    yield from (("mlp_out", layer) for layer in range(mlp_from, last))


def patched_logits(module, base, source, sender, receiver):
    """Logits [vocabulary] at the last token of the base run with one path exchanged."""
    n_layers = module.config.num_hidden_layers
    kind, layer, index = _numbers(sender)
    with ExitStack() as stack:
        new = hooks.read(module, source, kind, layer)
        held = [
            (*site, hooks.read(module, base, *site)) for site in _held(sender, receiver, n_layers)
        ]
        stack.enter_context(hooks.hooked(module, kind, layer, _put(new, index)))
        for held_kind, at, value in held:
            stack.enter_context(hooks.hooked(module, held_kind, at, _put(value)))
        if receiver == "output":
            return hooks.logits(module, base)[0, -1]
        to, at, unit = _numbers(receiver)
        given = hooks.read(module, base, to, at)
    return hooks.logits(module, base, to, at, _put(given, unit))[0, -1]
