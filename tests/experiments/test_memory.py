"""Long sessions: what a trace took is given back."""

import gc
import os
from itertools import cycle, islice, product
from pathlib import Path

import pytest

from pytest_interp import causal_trace, logit_lens
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.planted import planted_model

GROWTH = 20e6
"""Bytes. One activation of every trace, were it kept, would be more: rows, tokens and width of a
pass make 100 KB. Measured were 2 to 4 MB, by the allocator."""


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.guarantee(
    "kept",
    "Memory does not grow with the number of traces.",
    sees="after 200 traces the process is as large as after the first",
)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("backend", backend_names())
def test_memory_does_not_grow_over_200_traces(backend):
    planted = planted_model("gpt2", n_layers=4)
    adapter = open_adapter(Weights("p", planted.module, planted.tokenizer, "planted"), backend)
    asked = cycle(product(planted.facts, ("denoise", "noise"), ("resid_post", "mlp_out")))

    def trace(n: int) -> tuple[int, int]:
        for fact, direction, site in islice(asked, n):
            causal_trace(adapter, fact, site=site, direction=direction, controls=False)
            logit_lens(adapter, fact.clean_prompt, fact.answer)
        gc.collect()
        return resident(), len(gc.get_objects())

    bytes_before, objects_before = trace(20)
    bytes_after, objects_after = trace(200)
    assert bytes_after - bytes_before < GROWTH
    assert objects_after - objects_before < 200, "not even one object a trace"
