"""The sweep's bookkeeping: what it says of its progress, and the sizes that it reads."""

from tiny import adapter_of

from pytest_interp import FactPrompt, causal_trace
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


def test_where_no_size_of_the_mlp_is_stated_it_is_four_times_the_width():
    assert adapter_of("gpt2", "nnsight").sizes.d_mlp == 4 * 32
    assert adapter_of("llama", "nnsight").sizes.d_mlp == 48
