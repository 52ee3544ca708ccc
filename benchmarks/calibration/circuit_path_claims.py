"""Claims about one planted circuit by its paths: which part reads which other by which input."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from benchmarks.calibration.circuit_oracle import Asked, CircuitOracle
from pytest_interp.adapters import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.claims import check_path
from pytest_interp.experiments import path_patching
from pytest_interp.options import DIRECTIONS
from pytest_interp.planted.two_step import RECEIVER, SENDER

LEAST, MOST = 0.5, 0.25


def path_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    """From the sender of two steps, and from a head that does nothing, to all that may read it."""
    if SENDER not in oracle.roles:
        return
    sender, inputs = oracle.roles[SENDER], _inputs(oracle)
    before = [one for one in oracle.distractors("head") if (one.layer or 0) <= (sender.layer or 0)]
    senders = [sender, *before[:1]]
    near = 2 * oracle.near / abs(float(oracle.clean.mean()))
    for direction in DIRECTIONS:
        found = path_patching(adapter, oracle.facts, senders, inputs, direction=direction)
        for to in inputs:
            effects = [
                oracle.over(lambda t, s=one, r=to, d=direction: t.path_effect(s, r, d))
                for one in senders
            ]
            for (i, one), most in itertools.product(enumerate(senders), (None, MOST)):
                rooms = [float(effects[i].mean()) - LEAST]
                if most is not None:
                    rooms += [most - float(e.mean()) for j, e in enumerate(effects) if j != i]
                least = min(rooms)
                ending = "" if most is None else ", and no other"
                yield (
                    f"the path has an effect{ending}",
                    None if abs(least) < near else least > 0,
                    lambda f=found, s=one, r=to, m=most: check_path(
                        f, s, r, at_least=LEAST, others_at_most=m
                    ),
                )


def _inputs(oracle: CircuitOracle) -> list[str]:
    """All inputs of the receiver, and the output."""
    receiver: Component = oracle.roles[RECEIVER]
    if receiver.kind == "mlp_out":
        return [str(receiver), "output"]
    layer, group = receiver.layer, oracle.kv(receiver)
    return [f"q.{layer}.{receiver.index}", f"k.{layer}.{group}", f"v.{layer}.{group}", "output"]
