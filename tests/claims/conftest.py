"""Hand-made maps: claims are about numbers, whatever made them."""

import numpy as np
import pytest

from pytest_interp import FactPrompt
from pytest_interp.options import TraceAsked, TraceOptions
from pytest_interp.results import TraceResult
from pytest_interp.results.traces import TraceSet

N_LAYERS = 6
TOKENS = ("The", " home", " of", " cats", " is", " a")
SUBJECT, LAST = 3, 5


def make_fact(i=0):
    """Facts with prompts and entities of their own."""
    n = i or ""
    return FactPrompt(
        clean_prompt=f"The home {i} of cats{n} is a",
        corrupt_prompt=f"The home {i} of dogs{n} is a",
        answer=f" x{n}",
        counterfactual_answer=f" y{n}",
        subject=f"cats{n}",
    )


def make_trace(handoff=3, clean=4.0, corrupt=-4.0, noise=None, **changes):
    """A map [6 layers, 6 tokens]: effect 1 on the subject below ``handoff``, then on the last."""
    effect = np.zeros((N_LAYERS, len(TOKENS)))
    effect[:handoff, SUBJECT] = 1
    effect[handoff:, LAST] = 1
    if noise is not None:
        effect[:, SUBJECT:] += noise
    settings = {
        "fact": make_fact(),
        "layers": tuple(range(N_LAYERS)),
        "str_tokens": TOKENS,
        "corrupt_str_tokens": TOKENS,
        "corrupted_positions": (SUBJECT,),
        "subject_positions": (SUBJECT,),
        "clean_metric": clean,
        "corrupt_metric": corrupt,
        "n_layers": N_LAYERS,
    } | changes
    asked = {name: settings.pop(name) for name in TraceAsked.__annotations__ if name in changes}
    asked.pop("layers", None)
    settings["layers"] = changes.get("layers", tuple(range(N_LAYERS)))
    settings["options"] = TraceOptions.of(**asked)
    share = effect if settings["options"].direction == "denoise" else 1 - effect
    start, end = settings["corrupt_metric"], settings["clean_metric"]
    return TraceResult(patched_metric=start + share * (end - start), **settings)


def make_set(n=20, spread=0.05, templates=5, seed=0, **changes):
    """A set of noisy maps; the top layer's last token carries all, as in any model.

    ``changes`` are those of :func:`make_trace`.
    """
    rng = np.random.default_rng(seed)
    traces = []
    for i in range(n):
        noise = rng.normal(0, spread, (N_LAYERS, LAST - SUBJECT + 1))
        noise[-1] = 0
        traces.append(make_trace(noise=noise, **{"fact": make_fact(i)} | changes))
    return join(traces, [f"t{i % templates}" for i in range(n)])


def join(traces, templates=None):
    """A set of traces, of one template if no others are given."""
    names = templates or ["t"] * len(traces)
    return TraceSet(tuple(traces), tuple(names), tuple(map(str, range(len(traces)))))


@pytest.fixture
def trace():
    return make_trace()


@pytest.fixture
def traces():
    return make_set()
