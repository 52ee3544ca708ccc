"""The sweep's bookkeeping: what it says of its progress, and how many rows a pass may have."""

from types import SimpleNamespace

import pytest
from tiny import adapter_of

from pytest_interp import FactPrompt, causal_trace
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.progress import listening

FACT = FactPrompt(
    clean_prompt="w3 w14 w15 w9",
    corrupt_prompt="w3 w7 w15 w9",
    answer="w31",
    counterfactual_answer="w8",
)


def test_progress_counts_the_cells_of_each_pass():
    told = []
    with listening(lambda what, done, total: told.append((done, total))):
        causal_trace(
            adapter_of("llama", "nnsight"), FACT, layers=[0, 1], max_rows=6, controls=False
        )
    # two layers of three positions, four cells beside the two runs in a pass
    assert told == [(4, 6), (6, 6)]


SMOLLM2 = {"d_ff": 1536, "d_model": 576, "n_heads": 9, "d_vocab": 49152, "n_positions": 16}


def rows(**changes):
    size = SMOLLM2 | changes
    sizes = SimpleNamespace(d_mlp=size["d_ff"])
    named = {name: size[name] for name in ("d_model", "n_heads", "d_vocab")}
    return rows_in_budget(SimpleNamespace(sizes=sizes, **named), size["n_positions"])


@pytest.mark.parametrize("part", SMOLLM2)
def test_the_larger_a_row_the_fewer_fit(part):
    assert rows(**{part: 2 * SMOLLM2[part]}) < rows()


def test_logits_and_their_softmax_fit_in_a_gibibyte():
    floats = 2 * SMOLLM2["d_vocab"]
    assert 0.7 * 2**30 < 4 * rows(n_positions=2) * floats < 2**30


def test_where_no_size_of_the_mlp_is_stated_it_is_four_times_the_width():
    assert adapter_of("gpt2", "nnsight").sizes.d_mlp == 4 * 32
    assert adapter_of("llama", "nnsight").sizes.d_mlp == 48
